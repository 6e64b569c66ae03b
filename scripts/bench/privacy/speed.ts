import { createGuard, type Guard } from '../../../core/privacy/guard.ts';
import { createRandom, digits, hex } from './random.ts';
import { labelledText } from './texts.ts';
import { personOf } from './values.ts';

export interface Speed {
  what: string;
  /** MB of text a second of CPU time, in the fastest round: other work takes turns, and cools the caches; neither is the guard's. */
  rate: number;
  /** MB a second by the clock in its fastest round: what a machine with nothing else to do would see. */
  wall: number;
  /** Against the same chunks through a pipe that does nothing but copy and look for line ends. */
  ratio: number;
  least?: number;
  /** What a byte takes at this size against a quarter of it: 1 for linear time. */
  growth?: number;
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
  return hostileTexts(seed).map(([what, text]) => {
    const whole = measured(what, text);
    return { ...whole, growth: measured(what, text.slice(0, text.length / 4)).rate / whole.rate };
  });
}

function hostileTexts(seed: number): [what: string, text: string][] {
  const random = createRandom(seed);
  const million = 2 ** 20;
  const repeated = (text: string): string => text.repeat(Math.ceil(million / text.length));
  return [
    ['hostile a@', repeated('a@')],
    ['hostile a@ in lines', repeated('a@\n')],
    ['hostile a.a@a.a.', repeated('a.a@a.a.')],
    ['hostile eyJ', repeated('eyJ')],
    ['hostile -eyJ.', repeated('-eyJ.eyJa')],
    ['hostile -----BEGIN', repeated('-----BEGIN RSA PRIVATE KEY-----')],
    ['hostile BEGIN lines', repeated('-----BEGIN RSA PRIVATE KEY-----\nAAAA\n')],
    ['hostile digits', repeated('1234567890')],
    ['hostile digit groups', repeated('+1 234-')],
    ['hostile (0 groups', repeated('(01) 234-567 ')],
    ['hostile backslashes', repeated('\\')],
    ['hostile nested escapes', repeated('\\\\\\u0040%25252540&amp;amp;#64;')],
    ['hostile &amp;', repeated('&amp;')],
    ['hostile %25', repeated('%25')],
    ['hostile password=', repeated('password=')],
    ['hostile key words', repeated('token key secret ')],
    ['hostile ://', repeated('://a:')],
    ['hostile <a@b', repeated(' <a@b')],
    ['hostile names', repeated('Anna Maria ')],
    ['hostile base64', Buffer.from(random.string('abcdefgh ', million)).toString('base64')],
    ['hostile =\\n', repeated('ab=\n')],
    ['hostile ESC[', repeated('a\u001b[')],
    ['hostile quotes', repeated('"name": "')],
    ['hostile commas', repeated('name,')],
  ];
}

/** The fastest of some rounds after one that warms up; at least two rounds, at most two seconds, three times as many for what is held to a figure. */
function measured(what: string, text: string, least?: number): Speed {
  const bytes = Buffer.from(text);
  const guarded: Time[] = [];
  const bare: Time[] = [];
  const start = performance.now();
  const [rounds, mostMs] = least === undefined ? [6, 2_000] : [18, 6_000];
  for (let round = 0; round < rounds && (round < 3 || performance.now() - start < mostMs); round += 1) {
    guarded.push(timed(bytes, createGuard({ replace: ({ type }) => `${type}_0123456789abcd` })));
    bare.push(timed(bytes, plain()));
  }
  const fastest = (times: readonly Time[], of: keyof Time): number =>
    Math.min(...times.slice(1).map((time) => time[of]));
  return {
    what,
    rate: bytes.length / 1e3 / fastest(guarded, 'cpuMs'),
    wall: bytes.length / 1e3 / fastest(guarded, 'wallMs'),
    ratio: fastest(guarded, 'cpuMs') / fastest(bare, 'cpuMs'),
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

interface Time {
  cpuMs: number;
  wallMs: number;
}

function timed(bytes: Uint8Array, guard: Guard): Time {
  const start = performance.now();
  const before = process.cpuUsage();
  for (let at = 0; at < bytes.length; at += chunkBytes) guard.transform(bytes.subarray(at, at + chunkBytes));
  guard.flush();
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1_000, wallMs: performance.now() - start };
}
