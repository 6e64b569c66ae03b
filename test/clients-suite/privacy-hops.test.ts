import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectFleet, type Fleet } from '../../cli/fleet/connect.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { operatorRequests } from '../../schemas/operator.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import { createCodexFleet, type CodexFleet } from '../helpers/codex-user.ts';
import { runProgram, programFile } from '../helpers/fleet.ts';
import { otlpReceiver, type OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { rawValuesBelow } from '../helpers/raw-values.ts';
import { remoteWorker, type RemoteWorker } from '../helpers/remote-worker.ts';
import { makeRepository } from '../helpers/repository.ts';
import { script } from '../scripted-model/script.ts';

const email = 'katharina.wellensiek@kundenwerk-nord.de';
const phone = '+49 151 23456789';
const person = 'Katharina Wellensiek';
/** Put together here, so that no scanner takes this file for a leak. */
const key = ['ghp', 'q7Rw2Kx9Lm4Tz8Vb1Nc6Hd3Jf5Gs0Pa2Yu4E'].join('_');
const values = [email, phone, person, key, 'Wellensiek'];

/** As people write it in a prompt, and as their files hold it. */
const about = `Author: ${person} <${email}>\nMobile: ${phone}\nGITHUB_TOKEN=${key}\n`;
const patch = [
  '*** Begin Patch',
  '*** Add File: AUTHORS',
  `+Author: ${person} <${email}>`,
  '*** End Patch',
].join('\n');

let fleet: CodexFleet;
let far: RemoteWorker;
let receiver: OtlpReceiver;
let peer: Fleet;
let repo: string;
/** All that the parent was ever told. */
const told: string[] = [];

beforeAll(async () => {
  receiver = await otlpReceiver();
  const worker = await remoteWorker('far');
  fleet = await createCodexFleet({
    workers: { count: 1, slots: 2, labels: ['home'] },
    remote_workers: { far: { ...worker.entry, labels: ['cloud'] } },
  });
  fleet.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.endpoint;
  fleet.env['OTEL_METRIC_EXPORT_INTERVAL'] = '200';
  repo = makeRepository(join(fleet.work, 'repo'));
  // The user's own file: a run reads it, and prints what it holds.
  writeFileSync(join(repo, 'contact.txt'), about);
  far = worker.on(fleet);
  await far.start();
  const { code, stderr } = await fleet.cli('up');
  expect(code, stderr).toBe(0);
  peer = await connectFleet(fleetPaths(fleet.env));
}, 60_000);
afterAll(async () => {
  await peer.close();
  await far.kill();
  await fleet.close();
  await receiver.close();
});

/** What of the values stands in texts. */
function leaks(texts: readonly string[]): string[] {
  return values.filter((value) => texts.some((text) => text.includes(value)));
}

/** Starts one run and notes what was answered. */
async function start(task: string, prompt: string, more: Record<string, unknown> = {}): Promise<string> {
  const started = await peer.call('start_run', { task_id: task, cwd: repo, prompt, ...more });
  told.push(JSON.stringify(started));
  return started.runs[0]?.run_id ?? '';
}

async function ended(task: string): Promise<RunSnapshot> {
  for (let cursor = '0'; ;) {
    const reply = await peer.call('poll_run', { task_id: task, cursor, wait_ms: 10_000 });
    told.push(JSON.stringify(reply));
    cursor = reply.cursor;
    const run = reply.runs.at(-1);
    if (reply.open === 0 && run !== undefined) return run;
  }
}

async function read(run: RunSnapshot, stream: string): Promise<string> {
  const handle = run.handles?.find((one) => one.stream === stream);
  const page = await peer.call('read_handle', {
    handle_id: handle?.handle_id ?? '',
    mode: 'head',
    count: 500,
  });
  told.push(JSON.stringify(page));
  return page.text;
}

/** What the model of a run was asked first. */
async function firstRequest(mark: string): Promise<string> {
  const request = await fleet.model.request(({ text }) => text.includes(mark));
  return (request.body.input === undefined ? '' : JSON.stringify(request.body.input))
    .replaceAll('\\n', '\n')
    .replaceAll('\\"', '"');
}

async function manifestOf(runId: string): Promise<string> {
  const { code, stdout, stderr } = await fleet.cli('manifest', runId);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** Where values of a run were put back, or refused, as the vault has it on record. */
function restoresOf(runId: string): unknown[] {
  const database = new Database(join(fleet.stateDir, 'fleet.db'), { readonly: true });
  try {
    const rows = 'SELECT destination, allowed FROM vault_restore WHERE run_id = ? ORDER BY restore_id';
    return database.prepare(rows).all(runId);
  } finally {
    database.close();
  }
}

/** All folders of ours that lie on a disk. */
const disk = (): string[] => [fleet.stateDir, far.stateDir, fleet.home, fleet.env['TMPDIR'] ?? ''];
/** Where conversations that can go on lie while they do. */
const memory = join('/dev/shm', `codex-fleet-${String(userInfo().uid)}`);
const surrogate = (type: string): RegExp => new RegExp(`${type}_[0-9a-hjkmnp-tv-z]{18}`);

describe('a prompt with an address, a number, a name and a key', () => {
  let local: RunSnapshot;
  let localId: string;

  test('reaches the listed worker as it was, but for the key; nothing of it is on a disk meanwhile', async () => {
    const states = async () => (await peer.call('list_workers', {})).workers.map(({ state }) => state);
    await expect.poll(states, { timeout: 15_000 }).toEqual(['up', 'up']);
    localId = await start(
      'home',
      `${about}mark-of-home\n${script(
        { preface: `For ${person}.`, shell: 'cat contact.txt; cat contact.txt >&2' },
        { patch },
        { say: `Done: ${email}, ${phone}, ${person}, ${key}.`, delay_ms: 1_000 },
      )}`,
      { labels: ['home'], label: `for ${email}`, request_key: `once for ${email}` },
    );
    const asked = await firstRequest('mark-of-home');
    expect(asked).toContain(`Author: ${person} <${email}>\nMobile: ${phone}\n`);
    expect(asked).not.toContain(key);
    expect(asked).toMatch(surrogate('SECRET'));
    // Codex has printed and patched, and waits for its model: what it keeps of that is in memory alone.
    await fleet.model.request(
      ({ text }) => text.includes('mark-of-home') && text.includes('Success. Updated'),
    );
    expect(rawValuesBelow([memory], [email])).not.toEqual([]);
    expect(rawValuesBelow(disk(), values).filter((found) => !found.includes('/workspace/'))).toEqual([]);
    local = await ended('home');
    expect(local).toMatchObject({ status: 'completed', outcome: 'exit 0' });
  }, 60_000);

  test('comes out of every stream, preview and manifest as surrogates, the same everywhere', async () => {
    const streams = (local.handles ?? []).map(({ stream }) => stream);
    expect(streams).toEqual(expect.arrayContaining(['stdout', 'events', 'last_message', 'diff']));
    const texts = await Promise.all(streams.map((stream) => read(local, stream)));
    const manifest = await manifestOf(localId);
    const all = [...texts, manifest, local.preview ?? ''];
    expect(leaks(all)).toEqual([]);
    const stdout = texts[streams.indexOf('stdout')] ?? '';
    const seen = surrogate('EMAIL').exec(stdout)?.[0];
    expect(seen).toBeDefined();
    for (const text of [await read(local, 'last_message'), await read(local, 'diff'), manifest])
      expect(text).toContain(seen?.slice(0, 'EMAIL_'.length + 11));
    expect(manifest).toContain('"restored"');
  });

  test('is written into the file byte for byte by apply, and by no sink that is not listed', async () => {
    const handleOf = (stream: string): string =>
      local.handles?.find((one) => one.stream === stream)?.handle_id ?? '';
    const refused = peer.request('codex-fleet/export', operatorRequests['codex-fleet/export'], {
      handle_id: handleOf('diff'),
      sink: 'elsewhere',
      from: 0,
    });
    await expect(refused).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    const applied = await runProgram(process.execPath, [programFile, 'apply', localId], repo, fleet.env);
    expect(applied).toMatchObject({ code: 0 });
    expect(readFileSync(join(repo, 'AUTHORS'), 'utf8')).toBe(`Author: ${person} <${email}>\n`);
    const copy = join(fleet.work, 'stdout.txt');
    expect(await fleet.cli('export', handleOf('stdout'), copy)).toMatchObject({ code: 0 });
    const exported = readFileSync(copy, 'utf8');
    expect(leaks([exported])).toEqual([email, phone, person, 'Wellensiek']);
    expect(exported).toMatch(surrogate('SECRET'));
    rmSync(copy);
    expect(restoresOf(localId)).toEqual([
      { destination: 'local-1 (codex-local,home)', allowed: 1 },
      { destination: 'elsewhere', allowed: 0 },
      { destination: 'apply', allowed: 1 },
      { destination: 'export', allowed: 1 },
    ]);
  });

  test('reaches a worker that is not listed as surrogates only', async () => {
    await start(
      'cloud',
      `${about}mark-of-cloud\n${script({ shell: `echo ${email}` }, { say: `Done: ${email}.` })}`,
      { labels: ['cloud'] },
    );
    const run = await ended('cloud');
    expect(run).toMatchObject({ status: 'completed', outcome: 'exit 0' });
    const asked = fleet.model.requests.filter(({ text }) => text.includes('mark-of-cloud'));
    expect(asked.length).toBe(2);
    expect(leaks(asked.map(({ text }) => text))).toEqual([]);
    expect(await firstRequest('mark-of-cloud')).toMatch(surrogate('PERSON'));
    expect(await read(run, 'last_message')).toMatch(surrogate('EMAIL'));
    expect(await read(run, 'stdout')).toMatch(surrogate('EMAIL'));
  }, 60_000);

  test('does not come back in what a failing run says', async () => {
    await start('broken', script({ failed: { code: 'server_error', message: `cannot write to ${email}` } }), {
      labels: ['home'],
    });
    expect(await ended('broken')).toMatchObject({ status: 'failed' });
  }, 60_000);

  test('was told to nobody, and is in no metric, log or file', async () => {
    await expect.poll(() => receiver.latest.size, { timeout: 10_000 }).toBeGreaterThan(0);
    const metrics = JSON.stringify([...receiver.latest.values()]);
    expect(leaks([...told, metrics])).toEqual([]);
    // All runs have ended: what their engines kept in memory is gone while the fleet is still up.
    await expect.poll(() => rawValuesBelow([memory], values)).toEqual([]);
    expect(rawValuesBelow(disk(), values)).toEqual([]);
    expect((await fleet.cli('down')).code).toBe(0);
    expect(rawValuesBelow([...disk(), memory], values)).toEqual([]);
    expect(readdirSync(fleet.stateDir)).toContain('workers');
  }, 30_000);
});
