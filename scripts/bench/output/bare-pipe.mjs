// The pipe without us: starts the command given, writes what it prints to the file given by pieces as they
// come, and tells how long it took and what it cost.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';

const [file, ...argv] = process.argv.slice(2);
const fd = openSync(file, 'w');
const cpu = process.cpuUsage();
const begun = performance.now();
const child = spawn(argv[0], argv.slice(1), { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
let bytes = 0;
child.stdout.on('data', (chunk) => {
  bytes += chunk.length;
  writeSync(fd, chunk);
});
await once(child, 'close');
const ms = performance.now() - begun;
const { user, system } = process.cpuUsage(cpu);
closeSync(fd);
console.log(JSON.stringify({ bytes, ms, cpuMs: (user + system) / 1000 }));
