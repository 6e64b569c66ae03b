import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostPressure } from '../../schemas/worker.ts';
import { readHost } from '../../servers/worker/host.ts';
import { scratchFolder } from '../helpers/scratch.ts';

const calm =
  'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n';

function procWith(files: Record<string, string>): string {
  const proc = scratchFolder();
  mkdirSync(join(proc, 'pressure'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(proc, name), text);
  return proc;
}

it('tells load of a core, memory that is available, and the longer of the stalls', async () => {
  const proc = procWith({
    meminfo: 'MemTotal:       16000000 kB\nMemFree:          200000 kB\nMemAvailable:    4000000 kB\n',
    'pressure/memory': calm,
    'pressure/io': calm.replace('some avg10=0.00 avg60=0.00', 'some avg10=43.21 avg60=90.00'),
  });
  expect(readHost({ proc, load: () => 3, cores: 4 })).toEqual({
    load: 0.75,
    memory_free: 0.25,
    stalled: 0.432,
  });
});

it('tells of one kind of stall where the kernel has no other', async () => {
  const proc = procWith({ 'pressure/memory': calm });
  expect(readHost({ proc })).toMatchObject({ stalled: 0 });
});

it('leaves stalls out where nobody counts them, and asks the system for the memory', async () => {
  const told = readHost({ proc: procWith({}), load: () => 0 });
  expect(told).toEqual({ load: 0, memory_free: expect.any(Number) });
  expect(told.memory_free).toBeGreaterThan(0);
  expect(told.memory_free).toBeLessThanOrEqual(1);
});

it('tells of this very host in the terms of the contract', async () => {
  expect(hostPressure.safeParse(readHost()).success).toBe(true);
});
