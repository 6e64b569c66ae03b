import { joined, seeded, word, type Output, type Wanted } from './output.ts';

const typescript: readonly (readonly [string, string])[] = [
  ['TS2322', "Type 'string' is not assignable to type 'NAME'."],
  ['TS2339', "Property 'NAME' does not exist on type 'Session'."],
  ['TS2345', "Argument of type 'NAME' is not assignable to parameter of type 'number'."],
  ['TS7006', "Parameter 'NAME' implicitly has an 'any' type."],
  ['TS2304', "Cannot find name 'NAME'."],
  ['TS2531', "Object is possibly 'null'."],
  ['TS18048', "'NAME' is possibly 'undefined'."],
  ['TS2554', 'Expected 2 arguments, but got 1.'],
  ['TS6133', "'NAME' is declared but its value is never read."],
  ['TS2741', "Property 'NAME' is missing in type '{}' but required in type 'Options'."],
];
const rust: readonly (readonly [string, string])[] = [
  ['E0308', 'mismatched types'],
  ['E0425', 'cannot find value `NAME` in this scope'],
  ['E0433', 'failed to resolve: use of undeclared type `NAME`'],
  ['E0599', 'no method named `NAME` found for struct `Session` in the current scope'],
  ['E0382', 'borrow of moved value: `NAME`'],
  ['E0502', 'cannot borrow `NAME` as mutable because it is also borrowed as immutable'],
];
const gcc: readonly (readonly [string, string])[] = [
  ['-Werror=incompatible-pointer-types', "initialization of 'int' from 'NAME' makes integer from pointer"],
  ['-Werror=implicit-function-declaration', "implicit declaration of function 'NAME'"],
  ['-Werror=int-conversion', "passing argument 1 of 'NAME' makes pointer from integer without a cast"],
  ['-Werror=return-type', "control reaches end of non-void function 'NAME'"],
  ['-Werror=unused-variable', "unused variable 'NAME'"],
];

interface Shape {
  name: string;
  seed: number;
  codes: readonly (readonly [string, string])[];
  extension: string;
  show: (error: { code: string; message: string; file: string; line: number; name: string }) => string[];
}

/** Errors one after another, and no other line. */
function errors({ name, seed, codes, extension, show }: Shape, bytes: number): Output {
  const random = seeded(seed);
  const lines: string[] = [];
  const seen = new Map<string, Wanted['codes'][number]>();
  for (let size = 0; size < bytes;) {
    // Some codes are frequent, some rare, as in life.
    const [code, template] = codes[Math.min(random(codes.length), random(codes.length))] ?? ['', ''];
    const symbol = word(random);
    const file = `src/${word(random)}/${word(random)}.${extension}`;
    const line = 1 + random(900);
    const known = seen.get(code);
    if (known === undefined) seen.set(code, { code, count: 1, first: file });
    else known.count += 1;
    const shown = show({ code, message: template.replace('NAME', symbol), file, line, name: symbol });
    lines.push(...shown);
    size += shown.reduce((sum, text) => sum + text.length + 1, 0);
  }
  return { name, origin: 'made', content: joined(lines), wanted: { codes: [...seen.values()] } };
}

const tsc: Shape = {
  name: 'tsc',
  seed: 11,
  codes: typescript,
  extension: 'ts',
  show: ({ code, message, file, line }) => [`${file}(${String(line)},9): error ${code}: ${message}`],
};
const rustc: Shape = {
  name: 'rustc',
  seed: 12,
  codes: rust,
  extension: 'rs',
  show: ({ code, message, file, line, name }) => [
    `error[${code}]: ${message}`,
    `  --> ${file}:${String(line)}:13`,
    '   |',
    `${String(line).padEnd(3)}|     let value = ${name}(1);`,
    '   |                 ^^^^ here',
    '',
  ],
};
const gccErrors: Shape = {
  name: 'gcc -Werror',
  seed: 13,
  codes: gcc,
  extension: 'c',
  show: ({ code, message, file, line, name }) => [
    `${file}: In function '${name}_run':`,
    `${file}:${String(line)}:15: error: ${message} [${code}]`,
    `  ${String(line)} |   int value = ${name}(1);`,
    '      |               ^~~~',
  ],
};

/** Compiler output in which every line is an error, or belongs to one. */
export function compilerErrors(): Output[] {
  return [
    ...[20_000, 100_000, 1_000_000].map((bytes) => errors(tsc, bytes)),
    ...[100_000, 1_000_000].map((bytes) => errors(rustc, bytes)),
    ...[100_000, 1_000_000].map((bytes) => errors(gccErrors, bytes)),
  ];
}
