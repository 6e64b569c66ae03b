import type { Command } from './command.ts';

interface Entry {
  summary: string;
  /** Each command loads only what it needs: `mcp` has to answer its client at once. */
  load(): Promise<Command>;
}

export const commands: Readonly<Record<string, Entry>> = {
  up: {
    summary: 'Start the fleet, and show how to mount it',
    load: async () => (await import('./commands/up.ts')).up,
  },
  down: { summary: 'Stop the fleet', load: async () => (await import('./commands/down.ts')).down },
  status: {
    summary: 'Show coordinator, workers and queue',
    load: async () => (await import('./commands/status.ts')).status,
  },
  run: { summary: 'Start runs and follow them', load: async () => (await import('./commands/run.ts')).run },
  poll: { summary: 'Show runs', load: async () => (await import('./commands/poll.ts')).poll },
  read: { summary: 'Print what a handle keeps', load: async () => (await import('./commands/read.ts')).read },
  manifest: {
    summary: 'Print the records of runs',
    load: async () => (await import('./commands/manifest.ts')).manifest,
  },
  tokens: {
    summary: 'Count the tokens that agents were spared',
    load: async () => (await import('./commands/tokens.ts')).tokens,
  },
  apply: {
    summary: "Apply a run's diff to the repository you are in",
    load: async () => (await import('./commands/apply.ts')).apply,
  },
  export: {
    summary: 'Write what a handle keeps to a file, with the private values in it',
    load: async () => (await import('./commands/export.ts')).exportCommand,
  },
  privacy: {
    summary: 'Rotate the keys of private values, forget them, show where they went',
    load: async () => (await import('./commands/privacy.ts')).privacy,
  },
  cancel: { summary: 'End runs', load: async () => (await import('./commands/cancel.ts')).cancel },
  drain: {
    summary: 'Let a worker finish what it has, and take nothing new',
    load: async () => (await import('./commands/drain.ts')).drain,
  },
  undrain: {
    summary: 'Let a drained worker take runs again',
    load: async () => (await import('./commands/undrain.ts')).undrain,
  },
  restart: {
    summary: 'Restart workers one by one, without losing a run',
    load: async () => (await import('./commands/restart.ts')).restart,
  },
  gc: {
    summary: 'Delete what ended runs have left on disk',
    load: async () => (await import('./commands/gc.ts')).gc,
  },
  certs: {
    summary: 'Make certificates for workers on other hosts',
    load: async () => (await import('./commands/certs.ts')).certs,
  },
  token: {
    summary: 'Show, make, rotate and revoke tokens for the URL',
    load: async () => (await import('./commands/token.ts')).token,
  },
  trust: {
    summary: "Let a project's configuration count, and workers elsewhere get runs",
    load: async () => (await import('./commands/trust.ts')).trust,
  },
  doctor: {
    summary: 'Check this machine, and say what to mend',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  quickstart: {
    summary: 'Show a fleet at work on the folder you are in',
    load: async () => (await import('./commands/quickstart.ts')).quickstart,
  },
  mcp: {
    summary: 'Serve an MCP client over stdio',
    load: async () => (await import('./commands/mcp.ts')).mcp,
  },
  worker: {
    summary: 'Run one worker by itself',
    load: async () => (await import('./commands/worker.ts')).worker,
  },
};

/** Started by the others, of no use by hand. */
const internal: Readonly<Record<string, Entry>> = {
  coordinator: {
    summary: 'The long-lived process behind `up` and `mcp`',
    load: async () => (await import('./commands/coordinator.ts')).coordinator,
  },
  reader: {
    summary: 'What the coordinator reads copies of handles by',
    load: async () => (await import('./commands/reader.ts')).reader,
  },
};

export function findCommand(name: string): Entry | undefined {
  return new Map(Object.entries({ ...commands, ...internal })).get(name);
}

export function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;
  return [
    'Usage: codex-fleet COMMAND [OPTIONS]',
    '',
    'Hands off runs of Codex or allow-listed commands to a fleet of workers.',
    '',
    'Commands:',
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`),
    '',
    'Options:',
    '  --help      Also after a command, with examples',
    '  --version   Show the version',
    '',
    'Exit codes: 0 done, 1 a run or the command failed, 2 wrong usage or configuration, 130 Ctrl-C.',
    '',
  ].join('\n');
}
