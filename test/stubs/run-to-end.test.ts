import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { FleetError } from '../../core/errors.ts';
import type { Handlers } from '../../mcp/handlers.ts';
import type { RunSnapshot as ServedSnapshot } from '../../schemas/run.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import { runToEnd, type RunSnapshot } from '../../stubs/index.ts';
import { exampleRun, smallFleet, type SmallFleet } from './support.ts';

type Scripted = Partial<Handlers<FleetContracts>>;

let fleet: SmallFleet;
afterEach(() => fleet.close());

const started = {
  task_id: 't',
  runs: [{ run_id: exampleRun, status: 'pending' as const }],
  cursor: '1',
  next: '',
};
const snapshot = (status: ServedSnapshot['status']): ServedSnapshot => ({ run_id: exampleRun, status });
const fast = { backoffMs: 1 };

/** A poll_run that plays one reply after another, and keeps what it was asked. */
function script(replies: (ServedSnapshot[] | FleetError)[], open = 1) {
  const asked: unknown[] = [];
  const poll: Scripted['poll_run'] = (input) => {
    asked.push(input);
    const reply = replies.shift();
    if (reply === undefined) throw new FleetError('INTERNAL', 'The script is over.');
    if (reply instanceof FleetError) throw reply;
    return { runs: reply, cursor: String(asked.length + 1), more: false, open, next: '' };
  };
  return { poll, asked };
}

describe('runToEnd', () => {
  it('follows a run by the cursor and gives its last snapshot', async () => {
    const { poll, asked } = script([[snapshot('running')], [], [snapshot('failed')]]);
    fleet = await smallFleet({ start_run: () => started, poll_run: poll });
    const updates: RunSnapshot[] = [];
    const end = await runToEnd(
      fleet.client,
      { pipeline: 'diagnostics' },
      { onUpdate: (update) => updates.push(update), previewTokens: 90 },
    );
    expect(end).toEqual(snapshot('failed'));
    expect(updates.map(({ status }) => status)).toEqual(['running', 'failed']);
    const same = { run_ids: [exampleRun], wait_ms: 25_000, until: 'change', preview_tokens: 90 };
    expect(asked).toEqual(['1', '2', '3'].map((cursor) => ({ ...same, cursor })));
  });

  it('repeats what may succeed later, under one request key', async () => {
    const keys = new Set<unknown>();
    let refusals = 3;
    const busy = new FleetError('NO_CAPACITY', 'Full.');
    const { poll } = script([busy, [snapshot('running')], busy, busy, [snapshot('completed')]]);
    fleet = await smallFleet({
      start_run: ({ request_key }) => {
        keys.add(request_key);
        refusals -= 1;
        if (refusals >= 0) throw busy;
        return started;
      },
      poll_run: poll,
    });
    expect(await runToEnd(fleet.client, { prompt: 'p' }, fast)).toEqual(snapshot('completed'));
    expect([...keys]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  });

  it('keeps the request key it is given', async () => {
    const { poll } = script([[snapshot('completed')]]);
    let key: string | undefined;
    fleet = await smallFleet({
      start_run: ({ request_key }) => {
        key = request_key;
        return started;
      },
      poll_run: poll,
    });
    await runToEnd(fleet.client, { prompt: 'p', request_key: 'mine' });
    expect(key).toBe('mine');
  });

  it('throws what will not get better, at once', async () => {
    let calls = 0;
    fleet = await smallFleet({
      start_run: () => {
        calls += 1;
        throw new FleetError('CWD_NOT_ALLOWED', 'Not there.');
      },
    });
    await expect(runToEnd(fleet.client, { prompt: 'p' }, fast)).rejects.toMatchObject({
      name: 'FleetCallError',
      code: 'CWD_NOT_ALLOWED',
      message: 'Not there.',
      retryable: false,
      next: 'Name a folder under a configured root.',
    });
    expect(calls).toBe(1);
  });

  it('gives up after its retries', async () => {
    let calls = 0;
    fleet = await smallFleet({
      start_run: () => {
        calls += 1;
        throw new FleetError('SHUTTING_DOWN', 'Ending.');
      },
    });
    const failed = runToEnd(fleet.client, { prompt: 'p' }, { ...fast, maxRetries: 2 });
    await expect(failed).rejects.toMatchObject({ code: 'SHUTTING_DOWN', retryable: true });
    expect(calls).toBe(3);
  });

  it('asks once more for a run whose end it was not told', async () => {
    const { poll, asked } = script([[], [snapshot('completed')]], 0);
    fleet = await smallFleet({ start_run: () => started, poll_run: poll });
    expect(await runToEnd(fleet.client, { prompt: 'p' })).toEqual(snapshot('completed'));
    expect(asked[1]).not.toHaveProperty('cursor');
  });

  it('does not poll for ever a fleet that does not know the run', async () => {
    const { poll } = script([[], []], 0);
    fleet = await smallFleet({ start_run: () => started, poll_run: poll });
    await expect(runToEnd(fleet.client, { prompt: 'p' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('runToEnd, aborted', () => {
  /** A fleet whose run never ends, and that says when it is polled and cancelled. */
  async function endless(more: Scripted = {}) {
    const seen = { polling: new AbortController(), cancelled: new Array<unknown>(), pollAborted: false };
    fleet = await smallFleet({
      start_run: () => started,
      poll_run: async (_input, { signal }) => {
        seen.polling.abort();
        await once(signal, 'abort');
        seen.pollAborted = true;
        throw new FleetError('NOT_FOUND', 'Too late.');
      },
      cancel_run: ({ run_ids }) => {
        seen.cancelled.push(run_ids);
        return { runs: [{ run_id: exampleRun, status: 'cancelled' }], next: '' };
      },
      ...more,
    });
    return seen;
  }

  it('cancels the run and rejects with the reason', async () => {
    const seen = await endless();
    const aborter = new AbortController();
    const run = expect(runToEnd(fleet.client, { prompt: 'p' }, { signal: aborter.signal })).rejects.toThrow(
      'enough',
    );
    await once(seen.polling.signal, 'abort');
    aborter.abort(new Error('enough'));
    await run;
    expect(seen.cancelled).toEqual([[exampleRun]]);
    expect(seen.pollAborted).toBe(true);
  });

  it('does the same when its time is over', async () => {
    const seen = await endless();
    const run = runToEnd(fleet.client, { prompt: 'p' }, { timeoutMs: 30 });
    await expect(run).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(seen.cancelled).toEqual([[exampleRun]]);
  });

  it('does so also where memory is collected meanwhile', async () => {
    const seen = await endless();
    const run = runToEnd(fleet.client, { prompt: 'p' }, { timeoutMs: 150 });
    const failed = expect(run).rejects.toMatchObject({ name: 'TimeoutError' });
    await once(seen.polling.signal, 'abort');
    await nextTurn();
    collectGarbage();
    await failed;
  });

  it('still cancels a run that was being started, whose id is known only then', async () => {
    const aborter = new AbortController();
    const seen = await endless({
      start_run: () => {
        aborter.abort(new Error('enough'));
        return started;
      },
    });
    await expect(runToEnd(fleet.client, { prompt: 'p' }, { signal: aborter.signal })).rejects.toThrow(
      'enough',
    );
    expect(seen.cancelled).toEqual([[exampleRun]]);
  });

  it('starts nothing where it was aborted before', async () => {
    let starts = 0;
    await endless({
      start_run: () => {
        starts += 1;
        return started;
      },
    });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(runToEnd(fleet.client, { prompt: 'p' }, { signal })).rejects.toThrow('enough');
    expect(starts).toBe(0);
  });

  it('ends a pause between two attempts', async () => {
    const aborter = new AbortController();
    await endless({
      start_run: () => {
        setImmediate(() => {
          aborter.abort(new Error('enough'));
        });
        throw new FleetError('NO_CAPACITY', 'Full.');
      },
    });
    const options = { signal: aborter.signal, backoffMs: 60_000 };
    await expect(runToEnd(fleet.client, { prompt: 'p' }, options)).rejects.toThrow('enough');
  });
});

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  gc();
}
