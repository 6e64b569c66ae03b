import { readFile, stat } from 'node:fs/promises';
import { parseJson } from '../../core/parse-json.ts';
import { keySet, type KeySet } from '../../schemas/oauth.ts';

/** The public keys of an issuer, by the configured place and no other. */
export interface KeySource {
  /** Those known; undefined where none can be had now. */
  current(): Promise<KeySet | undefined>;
  /** Those there are now that a token names one that is not known: looked for anew, but not at each such token. */
  another(): Promise<KeySet | undefined>;
}

const maxBytes = 262_144;
const defaultTimeoutMs = 5_000;
/** Keys are used for this long without a look. */
const freshMs = 600_000;
/** And for this long where their place does not answer. */
const staleMs = 3_600_000;
/** Between two looks, whoever asks: tokens of strangers cause them. */
const betweenMs = 30_000;
/** The same while there is no key at all. */
const retryMs = 2_000;

export interface KeySourceOptions {
  /** An absolute path, or a URL. */
  place: string;
  /** Rises steadily, ms. */
  now: () => number;
  onFailed: (error: unknown) => void;
  /** For one look over the network; default 5 s. */
  timeoutMs?: number;
}

export function openKeySource(options: KeySourceOptions): KeySource {
  return options.place.startsWith('/') ? fileKeys(options) : fetchedKeys(options);
}

/** Read again only when the file is another. */
function fileKeys({ place, onFailed }: KeySourceOptions): KeySource {
  let seen = '';
  let known: KeySet | undefined;
  const current = async (): Promise<KeySet | undefined> => {
    const state = await stat(place).then(
      ({ ino, mtimeMs, size }) => [ino, mtimeMs, size].join(' '),
      () => 'absent',
    );
    if (state === seen) return known;
    seen = state;
    try {
      known = parseKeys(await readFile(place, 'utf8'));
    } catch (error) {
      known = undefined;
      onFailed(error);
    }
    return known;
  };
  return { current, another: current };
}

function fetchedKeys({ place, now, onFailed, timeoutMs = defaultTimeoutMs }: KeySourceOptions): KeySource {
  let known: { keys: KeySet; atMs: number } | undefined;
  let lookedMs = -Infinity;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    lookedMs = now();
    try {
      known = { keys: parseKeys(await fetchText(place, timeoutMs)), atMs: now() };
    } catch (error) {
      onFailed(error);
    }
  }
  /** One look at a time, which all wait for. */
  const lookOnce = (): Promise<void> => (looking ??= look().finally(() => (looking = undefined)));
  const mayLook = (): boolean => now() - lookedMs >= (known === undefined ? retryMs : betweenMs);
  const usable = (): KeySet | undefined =>
    known !== undefined && now() - known.atMs < staleMs ? known.keys : undefined;
  return {
    async current() {
      const isOld = known === undefined || now() - known.atMs >= freshMs;
      if (looking !== undefined && usable() === undefined) await looking;
      else if (isOld && mayLook()) await lookOnce();
      return usable();
    },
    async another() {
      if (looking !== undefined || mayLook()) await lookOnce();
      return usable();
    },
  };
}

/** Bounded in time and size; a redirect would lead to a place nobody has configured. */
async function fetchText(place: string, timeoutMs: number): Promise<string> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  try {
    const response = await fetch(place, {
      headers: { accept: 'application/json, application/jwk-set+json' },
      redirect: 'error',
      signal: controller.signal,
    });
    const { body, status } = response;
    if (status !== 200 || body === null) {
      controller.abort();
      throw new Error(`the place of the keys answered ${String(status)}`);
    }
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new Error('the place of the keys holds too much');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    clearTimeout(timer);
  }
}

function parseKeys(text: string): KeySet {
  const parsed = keySet.safeParse(parseJson(text));
  if (!parsed.success) throw new Error('what is there is no JWK Set');
  return parsed.data;
}
