import { describe, expect, it } from 'vitest';
import { checkWorkerUrl, kindOfAddress } from '../../../platform/trust/worker-address.ts';

const check = (url: string, allowPrivate = false): Promise<string> =>
  checkWorkerUrl('far', url, allowPrivate).then(
    () => 'fine',
    (error: unknown) => String(error),
  );

describe('the URL of a worker elsewhere', () => {
  it.each([
    'http://127.0.0.1:8787/mcp',
    'http://localhost:8787/mcp',
    'http://[::1]:8787/mcp',
    'https://203.0.113.7/mcp',
    'https://127.0.0.1/mcp',
  ])('may be %s', async (url) => {
    expect(await check(url)).toBe('fine');
  });

  it.each([
    ['http://203.0.113.7/mcp', 'without TLS'],
    ['http://10.0.0.5/mcp', 'without TLS'],
    ['https://10.0.0.5/mcp', 'private network'],
    ['https://0x0a000005/mcp', 'private network'],
    ['https://167772165/mcp', 'private network'],
    ['https://[fd00::1]/mcp', 'private network'],
    ['https://169.254.169.254/latest/meta-data', 'is no host'],
    ['https://2852039166/', 'is no host'],
    ['https://0.0.0.0/mcp', 'is no host'],
    ['https://[::]/mcp', 'is no host'],
    ['https://[64:ff9b::a9fe:a9fe]/mcp', 'is no host'],
    ['https://224.0.0.1/mcp', 'is no host'],
    ['https://user:word@203.0.113.7/mcp', 'credentials'],
    ['ftp://203.0.113.7/mcp', 'neither http nor https'],
  ])('may not be %s', async (url, why) => {
    expect(await check(url)).toContain(why);
  });

  it('may lead into a private network where that is said, and then not elsewhere either', async () => {
    expect(await check('https://10.0.0.5/mcp', true)).toBe('fine');
    expect(await check('https://169.254.169.254/', true)).toContain('is no host');
    expect(await check('http://10.0.0.5/mcp', true)).toContain('without TLS');
  });

  it('is not fooled by IPv4 within IPv6', () => {
    for (const address of ['::ffff:169.254.169.254', '::ffff:10.0.0.5', '2002:a00:5::']) {
      expect(kindOfAddress(address)).not.toBe('public');
    }
  });
});
