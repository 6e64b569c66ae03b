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
    // Odd spellings of 169.254.169.254, 10.0.0.5 and 0.0.0.0.
    ['https://0xa9fea9fe/', 'is no host'],
    ['https://0xa9.0xfe.0xa9.0xfe/', 'is no host'],
    ['https://0251.0376.0251.0376/', 'is no host'],
    ['https://169.254.43518/', 'is no host'],
    ['https://169.254.169.254./', 'is no host'],
    ['https://１６９.254.169.254/', 'is no host'],
    ['https://169%2E254.169.254/', 'is no host'],
    ['https://[::ffff:169.254.169.254]/', 'is no host'],
    ['https://[::ffff:a9fe:a9fe]/', 'is no host'],
    ['https://[::a9fe:a9fe]/', 'is no host'],
    ['https://[0:0:0:0:0:ffff:0a00:0005]/', 'private network'],
    ['https://[::ffff:0:a00:5]/', 'is no host'],
    ['https://[64:ff9b:1::a00:5]/', 'is no host'],
    ['https://[2002:a00:5::1]/', 'is no host'],
    ['https://[2001:0:a00:5::]/', 'is no host'],
    ['https://[fe80::1]/', 'is no host'],
    ['https://[fec0::1]/', 'private network'],
    ['https://[ff02::1]/', 'is no host'],
    ['https://0/', 'is no host'],
    ['https://100.64.0.1/', 'private network'],
    ['https://172.31.255.255/', 'private network'],
    ['https://192.168.1/', 'private network'],
    ['https://255.255.255.255/', 'is no host'],
    ['http://127.0.0.1.nowhere.invalid/mcp', 'no address'],
    ['file:///etc/passwd', 'neither http nor https'],
  ])('may not be %s', async (url, why) => {
    expect(await check(url)).toContain(why);
  });

  it('may lead into a private network where that is said, and then not elsewhere either', async () => {
    expect(await check('https://10.0.0.5/mcp', true)).toBe('fine');
    expect(await check('https://169.254.169.254/', true)).toContain('is no host');
    expect(await check('http://10.0.0.5/mcp', true)).toContain('without TLS');
  });

  it('is judged by every address of its name, and holds those', async () => {
    const of = (...addresses: string[]) =>
      checkWorkerUrl('far', 'https://gpu.example/mcp', false, () => Promise.resolve(addresses)).then(
        (held) => held.join(' '),
        (error: unknown) => String(error),
      );
    expect(await of('203.0.113.7', '2606:4700::1')).toBe('203.0.113.7 2606:4700::1');
    expect(await of('203.0.113.7', '10.0.0.5')).toContain('private network');
    expect(await of('203.0.113.7', '::ffff:10.0.0.5')).toContain('private network');
    expect(await of('203.0.113.7', '169.254.169.254')).toContain('is no host');
    const plain = checkWorkerUrl('far', 'http://gpu.example/mcp', true, () =>
      Promise.resolve(['127.0.0.1', '203.0.113.7']),
    );
    await expect(plain).rejects.toThrow('without TLS');
  });

  it('is not fooled by IPv4 within IPv6', () => {
    for (const address of ['::ffff:169.254.169.254', '::ffff:10.0.0.5', '2002:a00:5::']) {
      expect(kindOfAddress(address)).not.toBe('public');
    }
  });
});
