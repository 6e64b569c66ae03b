import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { guardText } from '../../../core/privacy/guard.ts';
import { createRandom } from './random.ts';
import { sampleOf } from './rule-sampler.ts';

/** An expression by which a scanner finds secrets. */
export interface Rule {
  id: string;
  expression: RegExp;
}

/** What is left of a scanner's findings once the guard has taken out what it takes for secrets. */
export interface ScannerScore {
  scanner: string;
  rules: number;
  samples: number;
  /** Share of the samples in which the scanner's own rule finds nothing any more. */
  recall: number;
  /** The same, each rule counting alike. */
  perRule: number;
  /** The rules least found, with an example each. */
  worst: string[];
}

/** Packages for npm that carry rules of their own, or those of Semgrep's public registry. */
export const scannerPackages = [
  '@secretlint/secretlint-rule-preset-recommend@12.0.0',
  'agent-security-scanner-mcp@4.5.9',
] as const;

/** Accounts, clients and first lines of keys: no secrets, though scanners look for them. */
export const noSecret =
  /account.?id|tenant|client.?id|service-account|google-oauth\.yaml|^PRIVATE_KEY_PATTERN/i;
const samplesOfRule = 12;
/** Many samples are nothing anybody writes. */
const tries = 8;

export async function scannerScores(folder: string, seed: number): Promise<ScannerScore[]> {
  const semgrep = join(folder, 'node_modules/agent-security-scanner-mcp/rules');
  const linter = join(folder, 'node_modules/@secretlint/secretlint-rule-preset-recommend/module/index.js');
  return [
    scored('secretlint', literalsIn(await readFile(linter, 'utf8')), seed),
    scored('Semgrep registry', await yamlRules(join(semgrep, 'generic/secrets/security')), seed),
    scored(
      'agent-security-scanner',
      listed(await readFile(join(semgrep, 'generic.secrets.yaml'), 'utf8')),
      seed,
    ),
  ];
}

/** Literals of a program that are named as patterns. */
function literalsIn(program: string): Rule[] {
  const literal = /\bconst (\w*pattern\w*) = \/((?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([a-z]*)/gi;
  const from = program.indexOf('AWSAccessKeyIDPattern');
  return [...program.slice(from).matchAll(literal)].flatMap(([, name = '', source = '', flags = '']) =>
    rule(`${name} ${source.slice(0, 24)}`, source, flags.replace('g', '')),
  );
}

async function yamlRules(folder: string): Promise<Rule[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.flatMap((text, at) => {
    // A block is folded into the line that opens it.
    const written = [...text.matchAll(/^[ -]+pattern-regex: (?:\|-?\n +)?(.+)$/gm)];
    // Where several have to hold together, none of them tells a secret by itself.
    const together = written.length > 1 && !text.includes('pattern-either:');
    return together ? [] : written.flatMap(([, one = '']) => rule(files[at] ?? '', unquoted(one)));
  });
}

/** A list of expressions in double quotes under each id. */
function listed(text: string): Rule[] {
  return text.split(/^ {2}- id: /m).flatMap((block) => {
    const id = /^\S+/.exec(block)?.[0] ?? '';
    return [...block.matchAll(/^ +- (".*")\s*$/gm)].flatMap(([, written = '']) =>
      rule(id, unquoted(written)),
    );
  });
}

/** A scalar of YAML, as far as these files use them. */
function unquoted(written: string): string {
  const text = written.trim();
  if (text.startsWith('"')) return String(JSON.parse(text));
  return text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text;
}

/** None for what is no secret, or no expression that JavaScript knows. */
function rule(id: string, source: string, flags = ''): Rule[] {
  if (noSecret.test(id)) return [];
  const folded = source.includes('(?i)') ? 'i' : '';
  try {
    return [
      {
        id,
        expression: new RegExp(
          source.replaceAll('(?i)', '').replaceAll('(?P<', '(?<'),
          flags.replace('i', '') + folded,
        ),
      },
    ];
  } catch {
    return [];
  }
}

function scored(scanner: string, rules: readonly Rule[], seed: number): ScannerScore {
  const random = createRandom(seed);
  const results = rules.flatMap(({ id, expression }) => {
    const texts = Array.from({ length: samplesOfRule * tries }, () =>
      sampleOf(setting(plain(expression.source)), random),
    )
      .flatMap((sample) => (sample === undefined ? [] : [`x = 1\n${whole(sample.text)}\n`]))
      .filter((text) => isWritten(text) && hasSecret(expression, text))
      .slice(0, samplesOfRule);
    // The same text each time is a mark with nothing in it that anybody could keep to himself.
    if (new Set(texts.map((text) => text.replace(/\s/g, ''))).size <= samplesOfRule / 3) return [];
    const left = texts.filter((text) => stillFound(expression, text));
    return [{ id, samples: texts.length, hit: texts.length - left.length, example: left[0] ?? '' }];
  });
  const samples = results.reduce((sum, one) => sum + one.samples, 0);
  const worst = results.filter(({ hit, samples: all }) => hit < all * 0.75).toSorted((a, b) => a.hit - b.hit);
  return {
    scanner,
    rules: results.length,
    samples,
    recall: results.reduce((sum, one) => sum + one.hit, 0) / samples,
    perRule: results.reduce((sum, one) => sum + one.hit / one.samples, 0) / results.length,
    worst: worst.map(
      (one) => `${one.id} ${one.hit}/${one.samples}: ${JSON.stringify(one.example.slice(6, 106))}`,
    ),
  };
}

/** An expression that ends where a URL's host begins: there is one. */
export const whole = (text: string): string =>
  /:\/\/[^\s@]*@$/.test(text) ? `${text}db.internal/main` : text;

/** A quote that opens is closed, and what stands before the host of a URL, and begins it, is what RFC 3986 allows there (§3.2). */
export function isWritten(text: string): boolean {
  const pairs = ["'", '"', '`'].every((quote) => text.split(quote).length % 2 === 1);
  return pairs && (!/:\/\/[^\s]*@/.test(text) || /:\/\/[\w.~%!$&'()*+,;=:-]*@[\w[]/.test(text));
}

/** What the expression itself calls the secret, where it does; undefined for the whole match. */
function namedSecret(expression: RegExp, text: string): string | undefined {
  const { password, SECRET, TOKEN } = expression.exec(text)?.groups ?? {};
  return password ?? SECRET ?? TOKEN;
}

/** An address of a database without a password is none. */
function hasSecret(expression: RegExp, text: string): boolean {
  const asksForPassword = expression.source.includes('<password>');
  return expression.test(text) && (!asksForPassword || namedSecret(expression, text) !== undefined);
}

function stillFound(expression: RegExp, text: string): boolean {
  // Where a value was, an expression that reads over line ends takes the next line for it: there is none.
  const rest = withoutSecrets(text).trimEnd();
  const secret = namedSecret(expression, text);
  return secret === undefined ? expression.test(rest) : rest.includes(secret);
}

/** Anything between a name and its value is, in programs and what they print, a mark that sets it; at the end it is the value. */
const setting = (source: string): string =>
  source
    .replaceAll(
      /\((?:\?:)?\.(?:\*|\{0,\d+\})\??\)\??|\.(?:\*|\{0,\d+\})\??(?!\)*$)/g,
      '(?:_key = |_token: |: |=)',
    )
    .replaceAll(/\[(?=[^\]]*[:=])(?:[:=_ -]|\\[st])+\][*+]/g, '(?:=| = |: |:| )')
    .replaceAll(/\.[*+](?=\)*$)/g, String.raw`[\w-]+`);

/** Without what only looks round, and with names of groups as RE2 writes them: what the sampler reads. */
export function plain(source: string): string {
  return (
    source
      // A hyphen behind two backslashes is meant as a hyphen: no key has backslashes.
      .replaceAll(/\\{2,3}-_/g, String.raw`\-_`)
      .replaceAll(/\(\?<?[!=](?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)/g, '')
      .replaceAll(/\(\?<(\w+)>/g, '(?P<$1>')
      .replaceAll(String.raw`\p{L}`, 'a')
  );
}

function withoutSecrets(text: string): string {
  return guardText(text, { replace: ({ type, raw }) => (type === 'SECRET' ? '' : raw) });
}
