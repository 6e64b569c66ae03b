import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createStartProcess } from '../../../servers/worker/runner/start-process.ts';
import { openBlobs } from '../../../platform/blobs/blobs.ts';
import { freeChunk } from '../../../servers/worker/runner/free-chunk.ts';
import { probeReaping } from '../../../servers/worker/runner/reaping.ts';
import { openFileHandleStore } from '../../../servers/worker/output/file-handle-store.ts';
import { createStageRecorder } from '../../../servers/worker/runs/stage-recorder.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { sha256 } from '../../suites/handle-store.suite.ts';
import { path } from './support.ts';

describe('a chunk that is not needed any more', () => {
  it('gives its memory back at once', () => {
    const chunk = Buffer.from(new ArrayBuffer(64 * 1024));
    freeChunk(chunk);
    expect(chunk.length).toBe(0);
  });

  it('is left alone where it is small, or its memory holds more than the chunk', () => {
    const small = Buffer.from(new ArrayBuffer(1024));
    const part = Buffer.from(new ArrayBuffer(64 * 1024), 1024);
    for (const chunk of [small, part]) {
      const { length } = chunk;
      freeChunk(chunk);
      expect(chunk.length).toBe(length);
    }
  });
});

const megabyte = 1 << 20;

describe.each([
  ['lines', 'what a command says, line by line\n'],
  ['one line', 'and on '],
])('an output of %s', (_name, text) => {
  // A reader that the system lets wait gets small pieces, which are the garbage collector's: hence thrice.
  it('takes less than 2 MB of memory on its way to the disk, and arrives whole', { retry: 2 }, async () => {
    const dir = scratchFolder();
    const content = Buffer.alloc(32 * megabyte, text);
    writeFileSync(join(dir, 'output'), content);
    const config = { reaping: 'best_effort' } as const;
    const { layer } = await probeReaping({ config, path, stateDir: dir });
    onTestFinished(() => layer.close());
    const handles = await openFileHandleStore(join(dir, 'handles'), openBlobs(join(dir, 'blobs')));
    const run_id = 'run_V1StGXR8Z5jdHi6BmyT01';
    let most = 0;
    const recorder = createStageRecorder({
      handles,
      run_id,
      stage: 'main',
      budget: { left: 1e9 },
      now: () => 1,
      onOutput: () => {
        most = Math.max(most, process.memoryUsage().arrayBuffers);
      },
      onLimit: () => undefined,
    });
    const file = join(dir, 'output');
    const before = process.memoryUsage().arrayBuffers;
    const child = createStartProcess(layer)(
      { argv: ['/bin/cat', file, file], cwd: dir, env: {}, stdin: 'ignore', tmpDir: dir },
      {
        stdout: (chunk) => recorder.write('stdout', chunk),
        stderr: () => undefined,
        keepsNoChunk: true,
      },
    );
    await child.ended;
    await recorder.seal();
    expect(most - before).toBeLessThan(2 * megabyte);
    const [record] = handles.ofRun(run_id);
    expect(record).toMatchObject({ bytes: 64 * megabyte, sha256: sha256(Buffer.concat([content, content])) });
  });
});
