// The same with ours: the worker's own runner into its own store, with hash and line index, without a
// preview. Prints what came out.
import { openBlobs } from '../../../dist/platform/blobs/blobs.js';
import { openFileHandleStore } from '../../../dist/servers/worker/output/file-handle-store.js';
import { probeReaping } from '../../../dist/servers/worker/runner/reaping.js';
import { createStartProcess } from '../../../dist/servers/worker/runner/start-process.js';

const [dir, ...argv] = process.argv.slice(2);
const { layer } = await probeReaping({
  config: { reaping: 'best_effort' },
  path: '/usr/bin:/bin',
  stateDir: dir,
});
const start = createStartProcess(layer);
const store = await openFileHandleStore(`${dir}/handles`, openBlobs(`${dir}/blobs`));
const cpu = process.cpuUsage();
const begun = performance.now();
const writer = store.create({
  run_id: 'run_V1StGXR8Z5jdHi6BmyT01',
  stage: 'main',
  stream: 'stdout',
  media_type: 'text/plain',
  now: Date.now(),
});
const child = start(
  { argv, cwd: dir, env: {}, stdin: 'ignore', tmpDir: dir },
  { stdout: (chunk) => writer.append(chunk), stderr: () => undefined, keepsNoChunk: true },
);
await child.ended;
const { bytes } = await writer.seal({ truncated: false });
const ms = performance.now() - begun;
const { user, system } = process.cpuUsage(cpu);
await layer.close();
console.log(JSON.stringify({ bytes, ms, cpuMs: (user + system) / 1000 }));
