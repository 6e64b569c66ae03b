import { expect, test } from 'vitest';
import { createMemoryHandleStore } from '../../servers/worker/output/memory-handle-store.ts';
import { createStageRecorder } from '../../servers/worker/runs/stage-recorder.ts';
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
