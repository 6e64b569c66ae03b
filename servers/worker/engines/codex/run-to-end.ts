import type { ProcessEnd, ProcessSpec, StartProcess } from '../../runner/process.ts';

const keptBytes = 1024 * 1024;

export interface Said {
  end: ProcessEnd;
  /** The first MiB. */
  stdout: string;
  stderr: string;
}

/** Runs a program that says little and ends soon; it is ended by force after `timeoutMs`. */
export async function runToEnd(
  startProcess: StartProcess,
  spec: ProcessSpec,
  timeoutMs: number,
): Promise<Said> {
  let stdout = '';
  let stderr = '';
  const process = startProcess(spec, {
    stdout: (chunk) => (stdout = keep(stdout, chunk)),
    stderr: (chunk) => (stderr = keep(stderr, chunk)),
  });
  process.stdin?.on('error', () => undefined);
  const timer = setTimeout(() => void process.terminate(0), timeoutMs);
  const end = await process.ended;
  clearTimeout(timer);
  return { end, stdout, stderr };
}

function keep(text: string, chunk: Buffer): string {
  return text.length >= keptBytes ? text : text + chunk.toString('utf8');
}
