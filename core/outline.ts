/**
 * Lines that begin a section of a test or build log, or sum one up: what test runners, compilers,
 * build tools, CI systems and version control print at the head of what follows. Every expression
 * is anchored and free of nested repetition, so that it takes time linear in the line.
 */
const headings: readonly RegExp[] = [
  // CI: GitHub, Azure, GitLab, Travis, Buildkite
  /^(?:\S+Z )?(?:##\[(?:group|section|error)\]|::group::|::error)/,
  /^section_start:\d+:/,
  /^travis_fold:start/,
  /^(?:---|\+\+\+) [^\s-]/,
  // Test runners: vitest, jest, mocha, node:test and TAP, pytest, unittest, go test, cargo test, JUnit
  /^\s*(?:RUN|FAIL|PASS|DEV)\s+\S/,
  /^\s*(?:Test Files|Tests|Test Suites|Snapshots|Suites|Duration)[: ]\s*\S/,
  /^\s*(?:✗|×|✘|✖|✕|❌|❯|●|FAILED) ?\S/,
  /^\s*not ok \d/,
  /^\s*# (?:Subtest|tests|pass|fail)\b/,
  /^={3,} .*={3,}$/,
  /^_{3,} .*_{3,}$/,
  /^\s*(?:=== RUN|--- FAIL:|--- SKIP:|FAIL\t|ok {2}\t|panic:)/,
  /^running \d+ tests?$/,
  /^test result: /,
  /^failures:$/,
  /^\[(?:INFO|ERROR)\] (?:-{3,}|T E S T S|BUILD|Tests run|Reactor|Building)/,
  // Compilers and build tools
  /^(?:error|warning)(?:\[\w+\])?: /,
  /^Traceback \(most recent call last\):/,
  /^make(?:\[\d+\])?: (?:Entering|Leaving|\*\*\*)/,
  /^(?:> Task :|BUILD (?:SUCCESSFUL|FAILED)|FAILURE: )/,
  /^\s*(?:Compiling|Finished|Checking|Building|Linking|Installing|Downloading|Running|Successfully|Found) \S/,
  /^> \S+@\S+ \S/,
  /^(?:Step \d+\/\d+ :|#\d+ \[|=> \[)/,
  /^npm (?:ERR!|error) code/,
  /^\[\d+\/\d+\] \S/,
  // Version control and documents
  /^commit [0-9a-f]{7,40}\b/,
  /^diff --git /,
  /^#{1,6} \S/,
];

/** Longest beginning of a line that is looked at. */
export const headingBytes = 400;

const ansi = /\x1b\[[0-9;]*m/g;

/** Whether a line begins a section. `line` is its beginning, without its end. */
export function isHeading(line: string): boolean {
  const plain = line.includes('\x1b') ? line.replace(ansi, '') : line;
  return headings.some((heading) => heading.test(plain));
}

/** Which first bytes a heading can have, blanks aside: anything else is passed over quickly. */
const possible = new Uint8Array(256);
for (const byte of Buffer.from('#:st-+RFPDTS=_nofrew[TBFCILE>mcd\x1b')) possible[byte] = 1;
for (let byte = 0x80; byte < 0x100; byte += 1) possible[byte] = 1;
// A date before the heading.
for (let byte = 0x30; byte < 0x3a; byte += 1) possible[byte] = 1;

/** A cheap first look at the line `[from, to)`. */
export function mayBeHeading(bytes: Buffer, from: number, to: number): boolean {
  let at = from;
  while (at < to && (bytes[at] === 0x20 || bytes[at] === 0x09)) at += 1;
  return at < to && possible[bytes[at] ?? 0] === 1;
}

/** One line of an outline: a heading, or several in a row that differ only in their numbers and names. */
export interface Section {
  line: number;
  offset: number;
  /** Headings of the same beginning that follow it and are left out. */
  more: number;
  /** Error-like lines up to the next section. */
  errors: number;
}

/** The first word of a heading: what a row of like headings shares. */
export function headingKind(line: string): string {
  return /^\s*(\S*)/.exec(line.replace(ansi, ''))?.[1] ?? '';
}
