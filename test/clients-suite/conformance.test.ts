import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serveHttp } from '../../mcp/serve-http.ts';
import { secretVerifier } from '../../mcp/verifier.ts';
import { conformanceServer } from '../conformance/surface.ts';
import { runConformance, type ConformanceResult } from '../helpers/conformance.ts';
import { createFleet } from '../helpers/fleet.ts';

const longest = 150_000;
const secret = 'a-secret-of-forty-characters-for-a-test!';

function failedIn({ scenarios }: ConformanceResult): string[] {
  return [...scenarios].filter(([, passed]) => !passed).map(([name]) => name);
}

test(
  'the HTTP stack passes every scenario of the official suite it can serve',
  { timeout: longest },
  async () => {
    const http = await serveHttp(conformanceServer, { port: 0, verify: secretVerifier(secret) });
    onTestFinished(() => http.close());
    const result = await runConformance(http.port, secret, 'surface.expected-failures.yml');
    expect(failedIn(result)).toEqual(['server-sse-polling']);
    expect(result.scenarios.size).toBe(32);
    expect(result.exitCode, result.output).toBe(0);
  },
);

test(
  'the fleet fails exactly where it has nothing of what the suite asks for',
  { timeout: longest },
  async () => {
    const fleet = await createFleet();
    onTestFinished(() => fleet.close());
    expect((await fleet.cli('up')).code).toBe(0);
    const baseline = 'product.expected-failures.yml';
    const result = await runConformance(
      Number(new URL(await fleet.url()).port),
      await fleet.secret(),
      baseline,
    );
    const file = readFileSync(join(import.meta.dirname, '..', 'conformance', baseline), 'utf8');
    const expected = [...file.matchAll(/^ {2}- (\S+)$/gm)].map(([, name]) => name);
    expect(new Set(failedIn(result))).toEqual(new Set(expected));
    expect(result.scenarios.size).toBe(32);
    expect(result.exitCode, result.output).toBe(0);
  },
);
