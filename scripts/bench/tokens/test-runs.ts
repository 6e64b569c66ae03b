import { joined, seeded, word, type Output } from './output.ts';

const total = 2_400;
const failing = 12;

interface Test {
  /** From 0. */
  at: number;
  module: string;
  name: string;
  failed: boolean;
  line: number;
  expected: number;
  received: number;
}

/** The tests of a suite, twelve of which fail, far from each other and from both ends. */
function tests(seed: number): Test[] {
  const random = seeded(seed);
  const every = Math.floor(total / failing);
  return Array.from({ length: total }, (_, at) => ({
    at,
    module: `${word(random)}_${String(at % 60)}`,
    name: `${word(random)} ${word(random)} ${String(at)}`,
    failed: at % every === Math.floor(every / 2),
    line: 10 + random(400),
    expected: 100 + at,
    received: 100 + at + 1 + random(50),
  }));
}

const failures = (all: readonly Test[]) => all.filter(({ failed }) => failed);

/** vitest's verbose reporter. */
function vitest(): Output {
  const all = tests(1);
  const file = (test: Test) => `test/${test.module}.test.ts`;
  const lines = ['', ' RUN  v4.1.12 /home/jane/app', ''];
  for (const test of all) {
    const named = `${file(test)} > ${test.module} > ${test.name} ${String(test.line % 17)}ms`;
    lines.push(test.failed ? ` × ${named}` : ` ✓ ${named}`);
    if (test.failed)
      lines.push(
        `   → expected ${String(test.received)} to be ${String(test.expected)} // Object.is equality`,
      );
  }
  lines.push('', `⎯⎯⎯⎯⎯⎯⎯ Failed Tests ${String(failing)} ⎯⎯⎯⎯⎯⎯⎯`, '');
  for (const test of failures(all)) {
    lines.push(
      ` FAIL  ${file(test)} > ${test.module} > ${test.name}`,
      `AssertionError: expected ${String(test.received)} to be ${String(test.expected)} // Object.is equality`,
      '',
      '- Expected',
      '+ Received',
      '',
      `- ${String(test.expected)}`,
      `+ ${String(test.received)}`,
      '',
      ` ❯ ${file(test)}:${String(test.line)}:15`,
      ...source(test, `expect(value).toBe(${String(test.expected)})`),
      '',
      `⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[${String(test.at)}/${String(failing)}]⎯`,
      '',
    );
  }
  lines.push(' Test Files  12 failed | 48 passed (60)', '      Tests  12 failed | 2388 passed (2400)');
  lines.push(
    '   Start at  12:00:00',
    '   Duration  9.21s (transform 1.2s, setup 0ms, import 3s, tests 8s)',
    '',
  );
  return {
    name: 'vitest --reporter verbose',
    origin: 'made',
    content: joined(lines),
    wanted: {
      failures: failures(all).map((test) => `${test.module} > ${test.name}`),
      messages: failures(all).map(
        (test) => `expected ${String(test.received)} to be ${String(test.expected)}`,
      ),
      locations: failures(all).map((test) => `${file(test)}:${String(test.line)}`),
    },
  };
}

function source({ line }: Test, text: string): string[] {
  return [
    `     ${String(line - 2)}|   it('does its work', () => {`,
    `     ${String(line - 1)}|     const value = compute(${String(line)})`,
    `     ${String(line)}|     ${text}`,
    '       |                   ^',
    `     ${String(line + 1)}|   })`,
  ];
}

function jest(): Output {
  const all = tests(2);
  const file = (test: Test) => `src/${test.module}.test.js`;
  const lines: string[] = [];
  for (let suite = 0; suite < 60; suite += 1) {
    const own = all.filter((test) => test.at % 60 === suite);
    const broken = failures(own);
    const [first] = own;
    if (first === undefined) continue;
    lines.push(
      `${broken.length > 0 ? 'FAIL' : 'PASS'} ${file(first)} (${String(suite % 9)}.1 s)`,
      `  ${first.module}`,
    );
    for (const test of own)
      lines.push(`    ${test.failed ? '✕' : '✓'} ${test.name} (${String(test.line % 19)} ms)`);
    lines.push('');
    for (const test of broken) {
      lines.push(
        `  ● ${test.module} › ${test.name}`,
        '',
        '    expect(received).toBe(expected) // Object.is equality',
        '',
        `    Expected: ${String(test.expected)}`,
        `    Received: ${String(test.received)}`,
        '',
        ...source(test, `expect(value).toBe(${String(test.expected)})`),
        '',
        `      at Object.toBe (${file(test)}:${String(test.line)}:15)`,
        '      at processTicksAndRejections (node:internal/process/task_queues:95:5)',
        '',
      );
    }
  }
  lines.push(
    'Test Suites: 12 failed, 48 passed, 60 total',
    'Tests:       12 failed, 2388 passed, 2400 total',
  );
  lines.push('Snapshots:   0 total', 'Time:        14.2 s', 'Ran all test suites.');
  return {
    name: 'jest --verbose',
    origin: 'made',
    content: joined(lines),
    wanted: {
      failures: failures(all).map((test) => test.name),
      messages: failures(all).map((test) => `Received: ${String(test.received)}`),
      locations: failures(all).map((test) => `${file(test)}:${String(test.line)}`),
    },
  };
}

function pytest(): Output {
  const all = tests(3);
  const file = (test: Test) => `tests/test_${test.module}.py`;
  const call = (test: Test) => `test_${test.name.replaceAll(' ', '_')}`;
  const lines = [
    '============================= test session starts ==============================',
    'platform linux -- Python 3.12.3, pytest-8.2.0, pluggy-1.5.0 -- /usr/bin/python3',
    'rootdir: /home/jane/app',
    'collected 2400 items',
    '',
  ];
  for (const test of all) {
    const share = String(Math.floor((test.at * 100) / total)).padStart(3);
    lines.push(`${file(test)}::${call(test)} ${test.failed ? 'FAILED' : 'PASSED'}   [${share}%]`);
  }
  lines.push('', '=================================== FAILURES ===================================');
  for (const test of failures(all)) {
    lines.push(
      `_____________________________ ${call(test)} ______________________________`,
      '',
      `    def ${call(test)}():`,
      `        value = compute(${String(test.line)})`,
      `>       assert value == ${String(test.expected)}`,
      `E       assert ${String(test.received)} == ${String(test.expected)}`,
      '',
      `${file(test)}:${String(test.line)}: AssertionError`,
    );
  }
  lines.push('=========================== short test summary info ============================');
  for (const test of failures(all))
    lines.push(
      `FAILED ${file(test)}::${call(test)} - assert ${String(test.received)} == ${String(test.expected)}`,
    );
  lines.push('================== 12 failed, 2388 passed in 21.80s ===================');
  return {
    name: 'pytest -v',
    origin: 'made',
    content: joined(lines),
    wanted: {
      failures: failures(all).map(call),
      messages: failures(all).map((test) => `assert ${String(test.received)} == ${String(test.expected)}`),
      locations: failures(all).map((test) => `${file(test)}:${String(test.line)}`),
    },
  };
}

function goTest(): Output {
  const all = tests(4);
  const call = (test: Test) =>
    `Test${test.name.replace(/(?:^| )(\w)/g, (_, first: string) => first.toUpperCase())}`;
  const lines = all.flatMap((test) => [
    `=== RUN   ${call(test)}`,
    ...(test.failed
      ? [
          `    ${test.module}_test.go:${String(test.line)}: compute() = ${String(test.received)}, want ${String(test.expected)}`,
        ]
      : []),
    `--- ${test.failed ? 'FAIL' : 'PASS'}: ${call(test)} (0.0${String(test.line % 9)}s)`,
  ]);
  lines.push('FAIL', 'FAIL\texample.com/app\t4.113s', 'FAIL');
  return {
    name: 'go test -v',
    origin: 'made',
    content: joined(lines),
    wanted: {
      failures: failures(all).map(call),
      messages: failures(all).map(
        (test) => `compute() = ${String(test.received)}, want ${String(test.expected)}`,
      ),
      locations: failures(all).map((test) => `${test.module}_test.go:${String(test.line)}`),
    },
  };
}

function cargoTest(): Output {
  const all = tests(5);
  const call = (test: Test) => `${test.module}::tests::${test.name.replaceAll(' ', '_')}`;
  const lines = ['   Compiling app v0.1.0 (/home/jane/app)', '    Finished `test` profile in 3.1s', ''];
  lines.push('running 2400 tests');
  for (const test of all) lines.push(`test ${call(test)} ... ${test.failed ? 'FAILED' : 'ok'}`);
  lines.push('', 'failures:', '');
  for (const test of failures(all))
    lines.push(
      `---- ${call(test)} stdout ----`,
      '',
      `thread '${call(test)}' panicked at src/${test.module}.rs:${String(test.line)}:9:`,
      'assertion `left == right` failed',
      `  left: ${String(test.received)}`,
      ` right: ${String(test.expected)}`,
      '',
    );
  lines.push('', 'failures:', ...failures(all).map((test) => `    ${call(test)}`), '');
  lines.push('test result: FAILED. 2388 passed; 12 failed; 0 ignored; 0 measured; finished in 1.33s', '');
  return {
    name: 'cargo test',
    origin: 'made',
    content: joined(lines),
    wanted: {
      failures: failures(all).map(call),
      messages: failures(all).map((test) => `left: ${String(test.received)}`),
      locations: failures(all).map((test) => `src/${test.module}.rs:${String(test.line)}`),
    },
  };
}

/** Runs of 2,400 tests of which 12 fail, as five test runners print them. */
export function testRuns(): Output[] {
  return [vitest(), jest(), pytest(), goTest(), cargoTest()];
}
