import { closeSync, constants, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const readBytes = 256 * 1024;

/**
 * Start-up file of the shells Codex runs commands in. Codex streams a command's output through a
 * bounded channel that drops what comes too fast (5 % of 15 MB at full speed), misses the first
 * 150 ms, and collects 1 MiB at most; so the command runs under `tee`, and the copy in `folder`,
 * named after the tool call, is complete. What it leaves running in the background holds the output
 * open for one more second, and no longer. A copy over `maxBytes`, the most a run may print, is cut.
 *
 * bash reads ~/.bashrc where its input is a socket, as Codex's is; a terminal's commands skip it.
 */
export function captureScript(folder: string, maxBytes: number): string {
  const maxKib = String(Math.ceil(maxBytes / 1024));
  return `unset BASH_ENV
if [ -n "$BASH_EXECUTION_STRING" ] && [ -n "$CODEX_TOOL_CALL_ID" ] && [ "$SHLVL" = 1 ]; then
  fleet_copy=${quoted(folder)}/"\${CODEX_TOOL_CALL_ID//[!A-Za-z0-9_-]/_}"
  if type -P tee >/dev/null && mkfifo "$fleet_copy.pipe" 2>/dev/null; then
    (ulimit -f ${maxKib}; exec tee -a "$fleet_copy") <"$fleet_copy.pipe" &
    fleet_tee=$!
    "$BASH" -c "$BASH_EXECUTION_STRING" >"$fleet_copy.pipe" 2>&1
    fleet_status=$?
    rm -f "$fleet_copy.pipe"
    { sleep 1; kill "$fleet_tee"; } </dev/null >/dev/null 2>&1 &
    wait "$fleet_tee" 2>/dev/null
    exit "$fleet_status"
  fi
fi
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export function captureFile(folder: string, itemId: string): string {
  return join(folder, itemId.replaceAll(/[^A-Za-z0-9_-]/g, '_'));
}

/**
 * Follows the copy of one command's output. The folder is writable to the command: whatever is not
 * a plain file of its own there is not read.
 */
export class CapturedOutput {
  readonly #file: string;
  #fd: number | undefined;
  #offset = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Whether the command runs under the capture at all. */
  isThere(): boolean {
    this.#fd ??= openPlainFile(this.#file);
    return this.#fd !== undefined;
  }

  /** Hands on what came since the last call. */
  drain(write: (chunk: Uint8Array) => void): void {
    if (!this.isThere() || this.#fd === undefined) return;
    for (;;) {
      const chunk = Buffer.allocUnsafe(readBytes);
      const bytes = readSync(this.#fd, chunk, 0, readBytes, this.#offset);
      if (bytes === 0) return;
      this.#offset += bytes;
      write(chunk.subarray(0, bytes));
    }
  }

  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
    rmSync(this.#file, { force: true });
  }
}

function openPlainFile(file: string): number | undefined {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (stat.isFile() && stat.nlink === 1) return fd;
    closeSync(fd);
  } catch {
    return undefined;
  }
  return undefined;
}
