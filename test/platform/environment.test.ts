import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveCredential } from '../../platform/credentials.ts';
import {
  environmentOf,
  helperEnvironment,
  ownEnvironment,
  readDepth,
  runEnvironment,
} from '../../platform/environment.ts';
import { config as configSchema } from '../../schemas/config.ts';
import { scratchFolder } from '../helpers/scratch.ts';

const shell = {
  HOME: '/home/jane',
  PATH: '/opt/bin:.:bin::/usr/bin',
  LANG: 'C',
  NAMED: 'yes',
  API_KEY: 'secret',
  NODE_OPTIONS: '--inspect',
  SSH_AUTH_SOCK: '/run/agent',
  CODEX_FLEET_STATE_DIR: '/state',
  CODEX_FLEET_DEPTH: '1',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret',
};
const config = configSchema.parse({ env: ['NAMED', 'UNSET'] });

describe('the environment', () => {
  it('of a run is what it needs and what is named', () => {
    expect(runEnvironment(shell, config)).toEqual({
      HOME: '/home/jane',
      PATH: '/opt/bin:/usr/bin',
      LANG: 'C',
      NAMED: 'yes',
    });
  });

  it('of a run has the configured PATH, or some PATH', () => {
    const path = (env: Record<string, string>, dirs?: string[]): string | undefined =>
      runEnvironment(env, configSchema.parse({ path: dirs }))['PATH'];
    expect(path(shell, ['/a', '/b'])).toBe('/a:/b');
    expect(path({})).toMatch(/^\/usr\/local\/sbin:/);
    expect(path({ PATH: '.:bin' })).toMatch(/^\/usr\/local\/sbin:/);
    expect(configSchema.safeParse({ path: ['bin'] }).success).toBe(false);
  });

  it('of our own processes is that and where things are', () => {
    expect(ownEnvironment(shell, ['NAMED'])).toEqual({
      HOME: '/home/jane',
      PATH: '/opt/bin:/usr/bin',
      LANG: 'C',
      NAMED: 'yes',
      CODEX_FLEET_STATE_DIR: '/state',
      CODEX_FLEET_DEPTH: '1',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
    });
  });

  it('of another process can be read where there is one', () => {
    expect(environmentOf(process.pid)?.['PATH']).toBe(process.env['PATH']);
    expect(environmentOf(2 ** 30)).toBeUndefined();
  });
});

it.each([
  ['0', 0],
  ['2', 2],
  [undefined, 0],
  ['', 0],
  ['-1', 0],
  ['1e3', 0],
  ['many', 0],
])('a depth of %s is %d', (text, depth) => {
  expect(readDepth(text === undefined ? {} : { CODEX_FLEET_DEPTH: text })).toBe(depth);
});

describe('a credential', () => {
  it('may come from a command, which finds its agent and no secret of the client', async () => {
    const file = join(scratchFolder(), 'helper');
    writeFileSync(file, '#!/bin/sh\npwd; env\n');
    chmodSync(file, 0o755);
    const [cwd, ...told] = ((await resolveCredential('X', { command: [file] }, shell)) ?? '').split('\n');
    expect(cwd).toBe('/');
    expect(told).toContain('SSH_AUTH_SOCK=/run/agent');
    expect(told.join('\n')).not.toMatch(/secret|NODE_OPTIONS|NAMED/);
    expect(Object.keys(helperEnvironment(shell)).toSorted()).toEqual([
      'HOME',
      'LANG',
      'PATH',
      'SSH_AUTH_SOCK',
    ]);
  });

  it('comes from a variable or a file, and is nothing where the variable is not set', async () => {
    const file = join(scratchFolder(), 'key');
    writeFileSync(file, ' from a file\n');
    expect(await resolveCredential('X', { env: 'API_KEY' }, shell)).toBe('secret');
    expect(await resolveCredential('X', { env: 'NONE' }, shell)).toBeUndefined();
    expect(await resolveCredential('X', { file }, shell)).toBe('from a file');
    await expect(resolveCredential('X', { file: `${file}.none` }, shell)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(resolveCredential('X', { command: ['/bin/false'] }, shell)).rejects.toThrow(
      'its command failed',
    );
  });
});
