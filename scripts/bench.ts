import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a measurement answers: a table for people, figures for machines, and whether each target was met. */
export interface Bench {
  table: string;
  pass: boolean;
  figures: unknown;
}

const folder = join(dirname(fileURLToPath(import.meta.url)), 'bench');
const names = [
  'bombs',
  'copies',
  'dispatch',
  'kills',
  'output',
  'privacy',
  'queue',
  'reads',
  'sandbox',
  'schedule',
  'tokens',
  'trust',
].filter((name) => readdirSync(folder).includes(`${name}.ts`));

const [name = ''] = process.argv.slice(2);
if (!names.includes(name)) {
  process.stderr.write(`Usage: npm run bench -- NAME, where NAME is one of ${names.join(', ')}.\n`);
  process.exit(2);
}
const { run }: { run: () => Promise<Bench> } = await import(`./bench/${name}.ts`);
const { table, pass, figures } = await run();
process.stdout.write(`${table}\n${JSON.stringify({ bench: name, pass, figures })}\n`);
process.exitCode = pass ? 0 : 1;
