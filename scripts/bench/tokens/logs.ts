import { joined, linesUpTo, seeded, word, type Output } from './output.ts';

const planted = [
  "src/app.ts(14,3): error TS2322: Type 'string' is not assignable to type 'number'.",
  ' FAIL  test/login.test.ts > login > rejects a bad password',
  'AssertionError: expected 401 to be 200 // Object.is equality',
  'Traceback (most recent call last):',
  "thread 'main' panicked at src/main.rs:10:5: index out of bounds",
  "fatal: unable to access 'https://example.invalid/': Could not resolve host",
  'Segmentation fault (core dumped)',
  'npm ERR! code ELIFECYCLE',
];

/** A CI log with eight errors in it, from 2 % to 93 % of its length. */
function ciLog(bytes: number, seed: number): Output {
  const random = seeded(seed);
  const lines = linesUpTo(bytes, (at) => {
    const time = `2026-11-22T17:${String(10 + (at % 50))}:${String(10 + (at % 49))}.${String(1000 + random(9000))}Z`;
    switch (random(12)) {
      case 0:
        return `${time} ##[group]Run step ${String(at)}: ${word(random)} ${word(random)}`;
      case 1:
        return `${time} npm http fetch GET 200 https://registry.example/${word(random)}-${word(random)} ${String(random(900))}ms (cache miss)`;
      case 2:
        return `${time}   \x1b[32m✓\x1b[0m ${word(random)} ${word(random)} does its work (${String(random(90))} ms)`;
      case 3:
        return `${time} [${String(at)}/9999] Building CXX object src/${word(random)}/CMakeFiles/${word(random)}.cc.o, 0 errors`;
      default:
        return `${time} INFO ${word(random)}.${word(random)} id=${random(2 ** 31).toString(16)} path=/api/v1/${word(random)}/${String(random(9999))} status=200 dur=${String(random(300))}ms`;
    }
  });
  for (const [at, error] of planted.entries()) lines[Math.floor(lines.length * (0.02 + 0.13 * at))] = error;
  return {
    name: 'CI log',
    origin: 'made',
    content: joined(lines),
    wanted: { failures: planted.map((line) => line.trim().slice(0, 60)) },
  };
}

function findListing(bytes: number): Output {
  const random = seeded(21);
  const lines = linesUpTo(
    bytes,
    (at) =>
      `${String(1_000_000 + at)}  ${String(random(900)).padStart(4)} -rw-r--r--   1 jane     jane  ${String(random(999_999)).padStart(9)} Nov ${String(1 + random(28))} 12:${String(10 + random(49))} ./packages/${word(random)}/src/${word(random)}/${word(random)}-${word(random)}.ts`,
  );
  return { name: 'find -ls', origin: 'made', content: joined(lines) };
}

function gitLog(bytes: number): Output {
  const random = seeded(22);
  const lines = linesUpTo(bytes, (at) => {
    const hash = () => (random(2 ** 31) * 4096 + at).toString(16).padStart(12, '0');
    switch (at % 40) {
      case 0:
        return `commit ${hash()}${hash()}${hash()}${hash().slice(0, 4)}`;
      case 1:
        return 'Author: Jane Doe <jane@example.com>';
      case 2:
        return `Date:   Sun Nov 22 1${String(random(9))}:0${String(random(9))}:00 2026 +0000`;
      case 4:
        return `    Let the ${word(random)} ${word(random)} take its ${word(random)}`;
      case 3:
      case 5:
        return '';
      case 6:
        return `diff --git a/src/${word(random)}.ts b/src/${word(random)}.ts`;
      case 7:
        return `index ${hash()}..${hash()} 100644`;
      case 8:
        return `@@ -${String(random(900))},7 +${String(random(900))},9 @@ export function ${word(random)}() {`;
      default:
        return `${' +-'.charAt(random(3))}  const ${word(random)} = ${word(random)}.${word(random)}(${String(random(99))});`;
    }
  });
  return { name: 'git log -p', origin: 'made', content: joined(lines) };
}

function record(random: (below: number) => number, at: number) {
  return {
    id: at,
    name: `${word(random)} ${word(random)}`,
    email: `${word(random)}${String(at)}@example.com`,
    active: random(2) === 0,
    score: random(100_000) / 100,
    tags: Array.from({ length: 1 + random(4) }, () => word(random)),
    address: { city: word(random), zip: String(10_000 + random(89_999)), geo: null },
  };
}

/** One array of records without a newline. */
function jsonLine(bytes: number): Output {
  const random = seeded(23);
  const records = linesUpTo(bytes, (at) => JSON.stringify(record(random, at)));
  return {
    name: 'JSON in one line',
    origin: 'made',
    content: Buffer.from(`{"ok":true,"total":${String(records.length)},"records":[${records.join(',')}]}`),
    wanted: {
      failures: ['total', 'records', 'email', 'active', 'tags', 'city', String(records.length)],
    },
  };
}

function jsonLines(bytes: number): Output {
  const random = seeded(24);
  const lines = linesUpTo(bytes, (at) =>
    JSON.stringify({
      level: at % 10 === 0 ? 'warn' : 'info',
      time: 1_790_000_000_000 + at,
      ...record(random, at),
    }),
  );
  return { name: 'JSONL', origin: 'made', content: joined(lines) };
}

/** Logs and listings, each in several sizes. */
export function logs(): Output[] {
  const sizes = [10_000, 100_000, 1_000_000, 10_000_000];
  return [
    ...[...sizes, 50_000_000].map((bytes) => ciLog(bytes, 31)),
    ...sizes.map(findListing),
    ...sizes.map(gitLog),
    ...sizes.map(jsonLine),
    ...sizes.slice(0, 3).map(jsonLines),
  ];
}
