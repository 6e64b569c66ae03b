import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bearerProxy } from './bearer-proxy.ts';

const clients = join(dirname(fileURLToPath(import.meta.url)), '..', 'clients');
const resolve = createRequire(join(clients, 'package.json'));

export interface ConformanceResult {
  exitCode: number;
  /** Lines of the summary, by scenario: whether it passed. */
  scenarios: Map<string, boolean>;
  output: string;
}

/** Runs the official conformance suite against an MCP endpoint of this machine. */
export async function runConformance(
  port: number,
  secret: string,
  baseline: string,
): Promise<ConformanceResult> {
  const proxy = await bearerProxy(port, secret);
  const results = await mkdtemp(join(tmpdir(), 'fleet-conformance-'));
  try {
    return await run(`http://127.0.0.1:${String(proxy.port)}/mcp`, results, baseline);
  } finally {
    await proxy.close();
    await rm(results, { recursive: true, force: true });
  }
}

function run(url: string, results: string, baseline: string): Promise<ConformanceResult> {
  const node = join(dirname(resolve.resolve('node/package.json')), 'bin', 'node');
  const suite = join(
    dirname(resolve.resolve('@modelcontextprotocol/conformance/package.json')),
    'dist',
    'index.js',
  );
  const expected = join(clients, '..', 'conformance', baseline);
  const args = [
    suite,
    'server',
    '--url',
    url,
    '--suite',
    'all',
    '--expected-failures',
    expected,
    '-o',
    results,
  ];
  return new Promise((done) => {
    execFile(node, args, { maxBuffer: 16 * 1024 * 1024, timeout: 120_000 }, (error, stdout, stderr) => {
      const scenarios = new Map<string, boolean>();
      for (const [, mark, name] of stdout.matchAll(/^([✓✗]) ([a-z0-9-]+): \d+ passed/gmu)) {
        if (name !== undefined) scenarios.set(name, mark === '✓');
      }
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      done({ exitCode, scenarios, output: `${stdout}\n${stderr}` });
    });
  });
}
