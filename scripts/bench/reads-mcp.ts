import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startBenchFleet } from './bench-fleet.ts';

interface Row {
  what: string;
  figure: number;
  unit: string;
  bound?: { most: number } | { least: number };
}

/** A search in the output of a run of as many bytes, by bridge, coordinator and worker. */
export async function searchOverMcp(file: string, pattern: string): Promise<Row[]> {
  const fleet = await startBenchFleet('auto', {
    limits: { output_bytes: 2 ** 32 },
    commands: [{ argv: ['/bin/cat', '...'] }],
    pipelines: {
      print: { read_only: true, stages: [{ name: 'print', engine: 'command', argv: ['/bin/cat', 'log'] }] },
    },
  });
  const { client, work } = fleet;
  try {
    await copyFile(file, join(work, 'log'));
    const ask = { pipeline: 'print', cwd: work, task_id: 'reads' };
    await client.call('start_run', ask);
    let handle: string | undefined;
    for (let cursor = '0'; handle === undefined;) {
      const reply = await client.call('poll_run', {
        task_id: 'reads',
        cursor,
        wait_ms: 25_000,
        until: 'all',
      });
      cursor = String(reply['cursor']);
      handle = /"completed".*"handle_id":"(hdl_[\w-]+)"/.exec(JSON.stringify(reply['runs']))?.[1];
    }
    const times: number[] = [];
    let size = 0;
    for (let round = 0; round < 3; round += 1) {
      const begun = performance.now();
      const reply = await client.call('read_handle', { handle_id: handle, pattern, wait_ms: 25_000 });
      times.push(performance.now() - begun);
      size = Buffer.byteLength(JSON.stringify(reply));
      if (reply['hits'] !== 10) throw new Error(`found ${String(reply['hits'])} lines`);
    }
    return [
      {
        what: 'search by MCP of another worker’s output, scan included',
        figure: Math.min(...times),
        unit: 'ms',
        bound: { most: 2_000 },
      },
      { what: 'its reply', figure: size, unit: 'bytes', bound: { most: 8_192 } },
    ];
  } finally {
    await fleet.close();
  }
}
