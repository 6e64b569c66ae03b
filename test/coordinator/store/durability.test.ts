import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openSqliteRunStore } from '../../../coordinator/store/sqlite-run-store.ts';
import { errorBody } from '../../../schemas/errors.ts';
import { newRun } from '../../helpers/runs.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
}

/** Runs the stream of submits until `count` runs are acknowledged, then kills it where it stands. */
async function submitUntilKilled(file: string, callers: number, count: number): Promise<string[]> {
  const child = spawn(process.execPath, [fixture('submit-stream.mjs'), file, String(callers)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line);
    if (acknowledged.length === count) child.kill('SIGKILL');
  }
  await closed;
  expect(child.signalCode).toBe('SIGKILL');
  return acknowledged;
}

describe('a run that was accepted', () => {
  it.each([
    { callers: 1, kills: [1, 37] },
    { callers: 16, kills: [5, 61, 400] },
  ])('is there after kill -9 in the middle of submits by $callers at once', async ({ callers, kills }) => {
    const file = join(scratchFolder(), 'fleet.db');
    const acknowledged: string[] = [];
    for (const count of kills) {
      acknowledged.push(...(await submitUntilKilled(file, callers, count)));
      const store = await openSqliteRunStore(file);
      const open = await store.open();
      const there = new Set(open.map((run) => run.run_id));
      expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);

      const members = new Map<string, number>();
      for (const { spec } of open) members.set(spec.task_id, (members.get(spec.task_id) ?? 0) + 1);
      for (const [task, found] of members) expect(found).toBe(Number(task.split('-', 1)[0]));
      await store.close();
    }
  });
});

const report = z.object({
  accepted: z.array(z.string()),
  refused: errorBody.extend({ seen: z.int() }),
  again: z.string(),
  readable: z.array(z.string()),
});

describe('a disk that is full', () => {
  it('refuses a submit clearly and whole, keeps earlier runs readable, and goes on once there is room', async () => {
    const file = join(scratchFolder(), 'fleet.db');
    const limited = `ulimit -f 2048; exec "$0" "$@"`;
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      limited,
      process.execPath,
      fixture('fill-disk.mjs'),
      file,
    ]);
    const { accepted, refused, again, readable } = report.parse(JSON.parse(stdout));
    expect(accepted.length).toBeGreaterThan(20);
    expect(refused).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true, seen: 0 });
    expect(refused.message).toContain('could not be written');
    expect(refused.next).toContain('Free disk space');
    expect(again).toBe('STORE_UNAVAILABLE');
    expect(readable).toEqual(accepted);

    const store = await openSqliteRunStore(file);
    expect((await store.open()).map((run) => run.run_id)).toEqual(accepted);
    expect((await store.submit([newRun()]))[0]?.kind).toBe('created');
    await store.close();
  });
});
