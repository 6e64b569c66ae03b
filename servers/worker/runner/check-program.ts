import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';

/** execve(2) reads no more of a script's first line than this (BINPRM_BUF_SIZE). */
const interpreterLineBytes = 256;

/**
 * Throws what execve would (ENOENT, EACCES, ENOTDIR), for layers that start the program through
 * another one, whose own exit code would hide the reason.
 */
export function checkProgram(file: string, cwd: string): void {
  if (!statSync(cwd).isDirectory()) throw errnoError('ENOTDIR', cwd);
  accessSync(cwd, constants.X_OK);
  checkExecutable(file);
  const interpreter = interpreterOf(file);
  if (interpreter !== undefined) checkExecutable(interpreter);
}

function checkExecutable(file: string): void {
  accessSync(file, constants.X_OK);
  if (!statSync(file).isFile()) throw errnoError('EACCES', file);
}

/** The program a script's first line names; undefined for anything but a script, or an unreadable one. */
function interpreterOf(file: string): string | undefined {
  const head = Buffer.alloc(interpreterLineBytes);
  try {
    const fd = openSync(file, 'r');
    try {
      readSync(fd, head, 0, head.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
  return /^#![ \t]*([^\s\0]+)/.exec(head.toString('latin1'))?.[1];
}

function errnoError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
