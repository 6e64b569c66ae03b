import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { config } from '../../../../schemas/config.ts';
import { findCodex } from '../../../../servers/worker/engines/codex/find-codex.ts';
import { compareVersions, parseVersion } from '../../../../servers/worker/engines/codex/version.ts';
import { scratchFolder } from '../../../helpers/scratch.ts';

function program(file: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  chmodSync(file, 0o755);
  return file;
}

describe('Codex', () => {
  const platform = `codex-${process.platform}-${process.arch}`;

  it.each(['@openai', '@openai/codex/node_modules/@openai'])(
    'is the program the npm shim on the PATH stands for (%s)',
    async (place) => {
      const modules = join(scratchFolder(), 'node_modules');
      const shim = program(join(modules, '@openai', 'codex', 'bin', 'codex.js'));
      const vendor = join(modules, place, platform, 'vendor', 'x86_64-unknown-linux-musl');
      const binary = program(join(vendor, 'bin', 'codex'));
      const bin = join(modules, '.bin');
      mkdirSync(bin);
      symlinkSync(shim, join(bin, 'codex'));
      expect(await findCodex(config.parse({}), `relative:/nowhere:${bin}`)).toEqual({
        binary,
        packagePath: vendor,
      });
    },
  );

  it('is what the configuration says, before the PATH', async () => {
    const root = scratchFolder();
    const binary = program(join(root, 'own', 'codex-of-mine'));
    program(join(root, 'bin', 'codex'));
    const found = await findCodex(config.parse({ codex: { binary } }), join(root, 'bin'));
    expect(found).toEqual({ binary, packagePath: binary });
  });

  it('is missed with the fix', async () => {
    const root = scratchFolder();
    mkdirSync(join(root, 'codex'));
    await expect(findCodex(config.parse({}), root)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      next: expect.stringContaining('npm install'),
    });
    await expect(
      findCodex(config.parse({ codex: { binary: join(root, 'none') } }), root),
    ).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
    });
  });

  it('says its version in its own ways', () => {
    expect(parseVersion('codex-cli 0.169.0\n')).toBe('0.169.0');
    expect(parseVersion('x/0.170.0-alpha.3 (Debian 12.0.0; x86_64)')).toBe('0.170.0');
    expect(parseVersion('nothing')).toBeUndefined();
    expect(compareVersions('0.169.0', '0.165.0')).toBeGreaterThan(0);
    expect(compareVersions('0.99.9', '0.165.0')).toBeLessThan(0);
    expect(compareVersions('1.0.0', '1.0.0')).toBe(0);
  });
});
