import { describe, expect, it } from 'vitest';
import { HttpLog } from '../../../../servers/worker/engines/codex/http-log.ts';
import { LimitWatch } from '../../../../servers/worker/engines/codex/limit-watch.ts';

const now = (): number => 1_000_000;

/** A line as Codex 0.169 logs it, colours and all. */
function logged(status: number, headers: Record<string, string>): string {
  const shown = Object.entries(headers)
    .map(([name, value]) => `"${name}": "${value}"`)
    .join(', ');
  const dim = (text: string): string => `\u001b[2m${text}\u001b[0m`;
  return (
    `${dim('2026-11-22T21:36:08Z')} \u001b[34mDEBUG\u001b[0m ${dim('codex_http_client::client')}${dim(':')} ` +
    `Request completed \u001b[3mmethod\u001b[0m${dim('=')}POST \u001b[3mstatus\u001b[0m${dim('=')}${String(status)} ` +
    `\u001b[3mheaders\u001b[0m${dim('=')}{${shown}}\n`
  );
}

describe('the log of the HTTP client', () => {
  it.each([
    [{ 'retry-after': '2' }, 1_002_000],
    [{ 'retry-after-ms': '250', 'retry-after': '1' }, 1_000_250],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:20:00 GMT' }, 1_200_000],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('tells of a refusal with %j when it ends', (headers, expected) => {
    const log = new HttpLog(now);
    log.push(Buffer.from(logged(429, headers)));
    expect(log.retryAt).toBe(expected);
  });

  it('is kept from everybody, in whatever pieces it comes, and nothing else is', () => {
    const log = new HttpLog(now);
    const text = `before\n${logged(429, { 'retry-after': '2' })}ERROR codex_http_client::client: ä\nafter`;
    const bytes = Buffer.from(text);
    let seen = Buffer.alloc(0);
    for (let at = 0; at < bytes.length; at += 7)
      seen = Buffer.concat([seen, log.push(bytes.subarray(at, at + 7))]);
    seen = Buffer.concat([seen, log.end()]);
    expect(seen.toString('utf8')).toBe('before\nERROR codex_http_client::client: ä\nafter');
    expect(log.retryAt).toBe(1_002_000);
  });

  it('says nothing of an answer that was no refusal', () => {
    const log = new HttpLog(now);
    log.push(Buffer.from(logged(503, { 'retry-after': '2' })));
    expect(log.retryAt).toBeUndefined();
  });
});

describe('a limit', () => {
  const again = (httpStatusCode: number | null, additionalDetails: string, willRetry = true) => ({
    threadId: 't',
    willRetry,
    error: {
      message: 'Reconnecting... 1/5',
      codexErrorInfo: { responseStreamDisconnected: { httpStatusCode } },
      additionalDetails,
    },
  });

  it('ends the turn at the first refusal of its own thread, and at no other trouble', () => {
    const watch = new LimitWatch(now);
    expect(watch.notification('error', again(503, 'busy'), 't')).toBe(false);
    expect(watch.notification('error', again(429, 'too many', false), 't')).toBe(false);
    expect(watch.notification('error', again(429, 'too many'), 'other')).toBe(false);
    expect(watch.refusal).toBeUndefined();
    expect(watch.notification('error', again(429, 'too many'), 't')).toBe(true);
    expect(watch.notification('error', again(429, 'too many'), 't')).toBe(false);
    expect(watch.refusal).toBe('too many');
  });

  it('is known by its words where it came in a stream, and so is its end', () => {
    const watch = new LimitWatch(now);
    const words = 'rate limit exceeded: Please try again in 1.5s.';
    expect(watch.notification('error', again(null, words), 't')).toBe(true);
    expect(watch.retryAt({ code: 'rateLimitExceeded', message: words })).toBe(1_001_500);
  });

  it('of use ends with the last of the windows that are used up', () => {
    const watch = new LimitWatch(now);
    const told = (primary: number, secondary: number) => ({
      rateLimits: {
        primary: { usedPercent: primary, resetsAt: 50 },
        secondary: { usedPercent: secondary, resetsAt: 90 },
      },
    });
    const spent = { code: 'usageLimitExceeded', message: '' };
    expect(watch.retryAt(spent)).toBeUndefined();
    watch.notification('account/rateLimits/updated', told(100, 20), 't');
    expect(watch.retryAt(spent)).toBe(50_000);
    watch.notification('account/rateLimits/updated', told(100, 100), 't');
    expect(watch.retryAt(spent)).toBe(90_000);
    expect(watch.retryAt({ code: 'other', message: 'try again in 5s' })).toBeUndefined();
  });
});
