import { createGuard, type Guard } from '../../../core/privacy/guard.ts';
import { median } from '../statistics.ts';
import { createRandom, digits, hex } from './random.ts';
import { labelledText } from './texts.ts';
import { personOf } from './values.ts';

export interface Speed {
  what: string;
  /** MB of text a second of CPU time: other work on the machine takes turns, and is not counted. */
  rate: number;
  /** Against the same chunks through a pipe that does nothing but copy and look for line ends. */
  ratio: number;
  least?: number;
}

const chunkBytes = 64 * 1024;

/** Lines as services write them, with nothing private in them. */
export function cleanLog(seed: number, bytes: number): string {
  const random = createRandom(seed);
  const words = 'cache index queue worker parser buffer render schema router stream'.split(' ');
  const lines: string[] = [];
  for (let size = 0; size < bytes; size += lines.at(-1)?.length ?? 0) {
    const stamp = `2026-0${random.int(1, 9)}-1${random.int(0, 9)}T0${random.int(0, 9)}:${random.int(10, 59)}:${random.int(10, 59)}.${random.int(100, 999)}Z`;
    lines.push(
      random.pick([
        () =>
          `${stamp} INFO [${random.pick(words)}-${random.int(1, 9)}] request ${random.string(hex, 8)}-${random.string(hex, 4)}-4${random.string(hex, 3)}-${random.string(hex, 12)} GET /api/v1/${random.pick(words)}/${random.int(1, 99_999)} from 10.0.${random.int(0, 255)}.${random.int(1, 254)} status=200 took ${random.int(1, 999)}.${random.string(digits, 3)} ms\n`,
        () =>
          `${stamp} WARN ${random.pick(words)}: retry ${random.int(1, 5)} of 5 after ${random.int(100, 9_000)} ms, ${random.int(1, 500)} items are left in the ${random.pick(words)}\n`,
        () =>
          `    at ${random.pick(words)} (/srv/app/node_modules/${random.pick(words)}/lib/${random.pick(words)}.js:${random.int(1, 900)}:${random.int(1, 80)})\n`,
        () =>
          `ok ${random.int(1, 4_000)} - ${random.pick(words)} ${random.pick(words)} passes ${random.pick(words)} # time=${random.int(1, 90)}.${random.string(digits, 2)}ms\n`,
        () =>
          `compiled src/${random.pick(words)}/${random.pick(words)}.ts -> dist/${random.pick(words)}.js ${random.int(1, 900)} kB sha256:${random.string(hex, 64)}\n`,
      ])(),
    );
  }
  return lines.join('');
}

/** The same with one address, number or name to about a KB. */
function sparse(seed: number, bytes: number): string {
  const random = createRandom(seed);
  let left = 0;
  return cleanLog(seed, bytes)
    .split('\n')
    .map((line) => {
      left -= line.length + 1;
      if (left > 0) return line;
      left = 1_000;
      const person = personOf(random);
      return `${line} ${random.pick([`mail to <${person.email}>`, `phone=${person.clearPhone}`, `full_name="${person.full}"`, `password=${random.string(hex, 12)}`])}`;
    })
    .join('\n');
}

export function speeds(seed: number): Speed[] {
  return [
    measured('clean log', cleanLog(seed, 16e6), 100),
    measured('one private value a KB', sparse(seed, 6e6), 20),
    measured('dense text', labelledText(seed, 1e6).text, 4),
  ];
}

/** What was made to be slow, each about 1 MB. */
export function hostile(seed: number): Speed[] {
  const random = createRandom(seed);
  const million = 2 ** 20;
  const repeated = (text: string): string => text.repeat(Math.ceil(million / text.length));
  return [
    measured('hostile a@', repeated('a@')),
    measured('hostile a@ in lines', repeated('a@\n')),
    measured('hostile a.a@a.a.', repeated('a.a@a.a.')),
    measured('hostile eyJ', repeated('eyJ')),
    measured('hostile -eyJ.', repeated('-eyJ.eyJa')),
    measured('hostile -----BEGIN', repeated('-----BEGIN RSA PRIVATE KEY-----')),
    measured('hostile BEGIN lines', repeated('-----BEGIN RSA PRIVATE KEY-----\nAAAA\n')),
    measured('hostile digits', repeated('1234567890')),
    measured('hostile digit groups', repeated('+1 234-')),
    measured('hostile (0 groups', repeated('(01) 234-567 ')),
    measured('hostile backslashes', repeated('\\')),
    measured('hostile nested escapes', repeated('\\\\\\u0040%25252540&amp;amp;#64;')),
    measured('hostile &amp;', repeated('&amp;')),
    measured('hostile %25', repeated('%25')),
    measured('hostile password=', repeated('password=')),
    measured('hostile key words', repeated('token key secret ')),
    measured('hostile ://', repeated('://a:')),
    measured('hostile <a@b', repeated(' <a@b')),
    measured('hostile names', repeated('Anna Maria ')),
    measured('hostile base64', Buffer.from(random.string('abcdefgh ', million)).toString('base64')),
    measured('hostile =\\n', repeated('ab=\n')),
    measured('hostile ESC[', repeated('a\u001b[')),
    measured('hostile quotes', repeated('"name": "')),
    measured('hostile commas', repeated('name,')),
  ];
}

/** Median of some rounds after one that warms up; at least two rounds, at most two seconds. */
function measured(what: string, text: string, least?: number): Speed {
  const bytes = Buffer.from(text);
  const guarded: number[] = [];
  const bare: number[] = [];
  const start = performance.now();
  for (let round = 0; round < 6 && (round < 2 || performance.now() - start < 2_000); round += 1) {
    guarded.push(timed(bytes, createGuard({ replace: ({ type }) => `${type}_0123456789abcd` })));
    bare.push(timed(bytes, plain()));
  }
  const [ours, theirs] = [guarded, bare].map((times) => median(times.slice(1)));
  const rate = bytes.length / 1e3 / (ours ?? Number.NaN);
  return {
    what,
    rate,
    ratio: (ours ?? Number.NaN) / (theirs ?? Number.NaN),
    ...(least === undefined ? {} : { least }),
  };
}

/** Copies, and looks for line ends: what any reader of a process's output does. */
function plain(): Guard {
  return {
    transform(chunk) {
      let lines = 0;
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
      return lines < 0 ? chunk : Buffer.from(chunk);
    },
    flush: () => new Uint8Array(0),
    waiting: 0,
  };
}

function timed(bytes: Uint8Array, guard: Guard): number {
  const before = process.cpuUsage();
  for (let at = 0; at < bytes.length; at += chunkBytes) guard.transform(bytes.subarray(at, at + chunkBytes));
  guard.flush();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
