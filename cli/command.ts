import { parseArgs } from 'node:util';
import { FleetError } from '../core/errors.ts';

/** An option of a command, as parseArgs takes it, with what `--help` says of it. */
interface Option {
  type: 'string' | 'boolean';
  short?: string;
  multiple?: boolean;
  /** What a string stands for: `N`, `FOLDER`. */
  value?: string;
  about: string;
}

type Options = Record<string, Option>;

const common = {
  json: { type: 'boolean', about: 'Print one JSON document instead of text' },
  help: { type: 'boolean', short: 'h', about: 'Show this help' },
} as const satisfies Options;

type Values<O extends Options> = ReturnType<
  typeof parseArgs<{ options: O & typeof common; allowPositionals: true }>
>['values'];

export interface Invocation<O extends Options> {
  values: Values<O>;
  positionals: readonly string[];
  json: boolean;
}

interface Spec<O extends Options> {
  name: string;
  /** What follows the name: `[OPTIONS] RUN…`. */
  usage: string;
  about: string;
  examples: readonly string[];
  options: O;
  /** Answers the exit code. */
  run(invocation: Invocation<O>): Promise<number>;
}

export interface Command {
  readonly help: string;
  run(args: readonly string[]): Promise<number>;
}

/** A command of the program: parses its own arguments; INVALID_INPUT for wrong ones. */
export function defineCommand<O extends Options>(spec: Spec<O>): Command {
  const help = describe(spec.name, spec);
  return {
    help,
    run: async (args) => {
      const { values, positionals } = parse(spec, args);
      if (isSet(values, 'help')) {
        process.stdout.write(help);
        return 0;
      }
      return spec.run({ values, positionals, json: isSet(values, 'json') });
    },
  };
}

function parse<O extends Options>(spec: Spec<O>, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { ...spec.options, ...common }, allowPositionals: true });
  } catch (error) {
    throw wrongUsage(spec.name, error instanceof Error ? (error.message.split('. ')[0] ?? '') : '');
  }
}

/** Exit code 2, and where to read how it is meant. */
export function wrongUsage(command: string, message: string): FleetError {
  return new FleetError('INVALID_INPUT', message.endsWith('.') ? message : `${message}.`, {
    next: `See \`codex-fleet ${command} --help\`.`,
  });
}

function isSet(values: object, name: string): boolean {
  return Object.entries(values).some(([key, value]) => key === name && value === true);
}

function describe(
  name: string,
  spec: Pick<Spec<Options>, 'usage' | 'about' | 'examples' | 'options'>,
): string {
  const options: Options = { ...spec.options, ...common };
  const rows = Object.entries(options).map(([long, option]): [string, string] => {
    const short = option.short === undefined ? '' : `-${option.short}, `;
    const value = option.value === undefined ? '' : ` ${option.value}`;
    return [`${short}--${long}${value}`, option.about];
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`);
  const examples = spec.examples.map((example) => `  ${example}`);
  return [
    `Usage: codex-fleet ${name} ${spec.usage}`.trimEnd(),
    '',
    spec.about,
    '',
    'Options:',
    ...lines,
    '',
    'Examples:',
    ...examples,
    '',
  ].join('\n');
}
