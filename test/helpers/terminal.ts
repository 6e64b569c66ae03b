import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';

const execute = promisify(execFile);

/** A program in a pseudo-terminal, as a person at a keyboard has it. */
export interface Terminal {
  /** What is on the screen now. */
  screen(): Promise<string>;
  /** Once the screen shows this. */
  shows(pattern: RegExp): Promise<void>;
  /** Types a text and presses Enter. */
  say(text: string): Promise<void>;
  /** Presses keys by their tmux names. */
  press(...keys: string[]): Promise<void>;
  /** Once the program has ended. */
  ended(): Promise<void>;
  /** Ends the terminal, and the program in it. */
  close(): Promise<void>;
}

export interface TerminalOptions {
  /** Of the terminal's own server; in a folder of the test. */
  socket: string;
  argv: readonly string[];
  cwd: string;
  /** All there is of the program's environment. */
  env: Readonly<Record<string, string>>;
}

const patience = { timeout: 30_000, interval: 100 };

/** Starts the program in a terminal of its own, by tmux. */
export async function openTerminal({ socket, argv, cwd, env }: TerminalOptions): Promise<Terminal> {
  const tmux = async (...args: string[]): Promise<string> => {
    const { stdout } = await execute('tmux', ['-S', socket, '-f', '/dev/null', ...args], { cwd, env });
    return stdout;
  };
  const screen = (): Promise<string> => tmux('capture-pane', '-p').catch(() => '');
  await tmux('new-session', '-d', '-x', '160', '-y', '50', '--', ...argv);
  return {
    screen,
    async shows(pattern) {
      await expect.poll(screen, patience).toMatch(pattern);
    },
    async say(text) {
      await tmux('send-keys', '-l', '--', text);
      await expect.poll(screen, patience).toContain(text);
      await tmux('send-keys', 'Enter');
    },
    press: async (...keys) => {
      await tmux('send-keys', ...keys);
    },
    ended: async () => {
      const isRunning = (): Promise<boolean> =>
        tmux('has-session').then(
          () => true,
          () => false,
        );
      await expect.poll(isRunning, patience).toBe(false);
    },
    close: async () => {
      await tmux('kill-server').catch(() => undefined);
    },
  };
}
