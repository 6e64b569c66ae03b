import { expect, test } from 'vitest';
import { serveHttp } from '../../mcp/serve-http.ts';
import { conformanceServer } from '../conformance/surface.ts';
import { runConformance } from '../helpers/conformance.ts';

const secret = 'a-secret-of-forty-characters-for-a-test!';

test('the HTTP stack passes every scenario of the official suite it can serve', async () => {
  const http = await serveHttp(conformanceServer, { port: 0, secret });
  try {
    const result = await runConformance(http.port, secret, 'surface.expected-failures.yml');
    const failed = [...result.scenarios].filter(([, passed]) => !passed).map(([name]) => name);
    expect(failed).toEqual(['server-sse-polling']);
    expect(result.scenarios.size).toBe(32);
    expect(result.exitCode, result.output).toBe(0);
  } finally {
    await http.close();
  }
}, 150_000);
