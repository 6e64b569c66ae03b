import { expect, test } from 'vitest';
import { createMemoryHandleStore } from '../../servers/worker/output/memory-handle-store.ts';
import { createStageRecorder, type OutputBudget } from '../../servers/worker/runs/stage-recorder.ts';
import { sha256 } from '../suites/handle-store.suite.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test('a guard sees each stream before its hash, its lines, its preview and the store do', async () => {
  const handles = createMemoryHandleStore();
  const run_id = 'run_V1StGXR8Z5jdHi6BmyT01';
  const made: string[] = [];
  const recorder = createStageRecorder({
    handles,
    run_id,
    stage: 'one',
    budget: { left: 1000 },
    now: () => 1,
    onOutput: () => undefined,
    onLimit: () => undefined,
    // Holds back the last word.
    guard: (stream) => {
      made.push(stream);
      let held = '';
      const replace = (known: string): Uint8Array => Buffer.from(known.replaceAll('jane', 'A\nB'));
      return {
        transform: (chunk) => {
          const known = held + text(chunk);
          const end = known.lastIndexOf(' ') + 1;
          held = known.slice(end);
          return replace(known.slice(0, end));
        },
        flush: () => replace(held),
        get waiting() {
          return held.length;
        },
      };
    },
  });
  recorder.write('stdout', Buffer.from('dear ja'));
  recorder.write('stdout', Buffer.from('ne and ja'));
  recorder.write('stderr', Buffer.from('x'));
  recorder.write('stdout', Buffer.from('ne'));
  await recorder.seal();
  await recorder.seal();
  expect(made).toEqual(['stdout', 'stderr']);
  const stdout = handles.ofRun(run_id).find(({ stream }) => stream === 'stdout');
  const wanted = 'dear A\nB and A\nB';
  expect(stdout).toMatchObject({ bytes: wanted.length, lines: 3, sha256: sha256(wanted) });
  expect(text(await handles.read(stdout?.handle_id ?? '', 0, 100))).toBe(wanted);
  expect(JSON.stringify(recorder.previews())).not.toContain('jane');
});

test('what its task leaves a run is kept to the byte, over all its streams, and passing it is told', async () => {
  const handles = createMemoryHandleStore();
  const run_id = 'run_V1StGXR8Z5jdHi6BmyT01';
  const passed: string[] = [];
  const budget: OutputBudget = { left: 1000 };
  const recorder = createStageRecorder({
    handles,
    run_id,
    stage: 'one',
    budget,
    now: () => 1,
    onOutput: () => undefined,
    onLimit: (which) => passed.push(which),
  });
  recorder.write('stdout', Buffer.alloc(100, 'a'));
  budget.room = { left: 30, onPassed: () => passed.push('room') };
  recorder.write('stdout', Buffer.alloc(20, 'b'));
  expect(passed).toEqual([]);
  recorder.write('stderr', Buffer.alloc(20, 'c'));
  expect(passed).toEqual(['room']);
  await recorder.seal();
  expect(handles.ofRun(run_id)).toMatchObject([
    { stream: 'stdout', bytes: 120, truncated: false },
    { stream: 'stderr', bytes: 10, truncated: true },
  ]);
});
