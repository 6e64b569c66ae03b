import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { StageOutput } from '../engine.ts';
import { CapturedOutput, captureFile } from './output-capture.ts';

/** Codex collects no more of one command's output than this. */
export const collectedBytes = 1024 * 1024;
/** How often a command's copy is looked at where Codex is silent about it. */
const pollMs = 250;

interface Command {
  capture: CapturedOutput;
  /** Bytes that came as deltas, for commands that leave no copy. */
  deltaBytes: number;
}

/** Brings every command's whole output to the stdout stream, in order and as it comes. */
export class CommandOutputs {
  readonly #folder: string;
  readonly #output: StageOutput;
  readonly #commands = new Map<string, Command>();
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string, output: StageOutput) {
    this.#folder = folder;
    this.#output = output;
  }

  started(itemId: string): void {
    this.#follow(itemId);
    this.#timer ??= setInterval(() => this.#drainAll(), pollMs);
  }

  delta(itemId: string, text: string): void {
    const command = this.#follow(itemId);
    if (command.capture.isThere()) {
      this.#drain(command);
      return;
    }
    const bytes = Buffer.from(text);
    command.deltaBytes += bytes.length;
    this.#output.write('stdout', bytes);
  }

  /** `collected` is what Codex itself kept: the only source for a command without copy or deltas. */
  completed(itemId: string, collected: string): void {
    const command = this.#follow(itemId);
    this.#commands.delete(itemId);
    if (this.#commands.size === 0) this.#stopTimer();
    if (command.capture.isThere()) {
      this.#drain(command);
      command.capture.close();
      return;
    }
    const bytes = Buffer.from(collected);
    if (command.deltaBytes === 0 && bytes.length > 0) this.#output.write('stdout', bytes);
    const isCut = bytes.length >= collectedBytes && command.deltaBytes < bytes.length;
    const isLossy = command.deltaBytes > 0 && command.deltaBytes < bytes.length;
    if (isCut || isLossy) this.#output.truncated('stdout');
  }

  /** Takes what commands left that never completed. */
  close(): void {
    this.#stopTimer();
    this.#drainAll();
    for (const command of this.#commands.values()) command.capture.close();
    this.#commands.clear();
    this.#takeUntold();
  }

  /** Codex tells nothing of a command its sandbox stops early; what that printed has its copy all the same. */
  #takeUntold(): void {
    for (const name of copiesIn(this.#folder)) {
      const copy = new CapturedOutput(join(this.#folder, name));
      copy.drain((chunk) => this.#output.write('stdout', chunk));
      copy.close();
    }
  }

  #follow(itemId: string): Command {
    const known = this.#commands.get(itemId);
    if (known !== undefined) return known;
    const command = { capture: new CapturedOutput(captureFile(this.#folder, itemId)), deltaBytes: 0 };
    this.#commands.set(itemId, command);
    return command;
  }

  #drain(command: Command): void {
    command.capture.drain((chunk) => this.#output.write('stdout', chunk));
  }

  #drainAll(): void {
    for (const command of this.#commands.values()) this.#drain(command);
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function copiesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.endsWith('.pipe'));
  } catch {
    return [];
  }
}
