import { operatorRequests } from '../../schemas/operator.ts';
import type { Fleet } from './connect.ts';

const method = 'codex-fleet/export_diff';

/**
 * A run's diff with the private values in it; undefined where nothing was replaced in it. UNAUTHORIZED where
 * the configuration does not let this sink have them.
 */
export async function exportDiff(fleet: Fleet, run: string, sink: string): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  for (let from = 0, more = true; more;) {
    const page = await fleet.request(method, operatorRequests[method], { run_id: run, sink, from });
    if (page.data === undefined) return undefined;
    const part = Buffer.from(page.data, 'base64');
    parts.push(part);
    from += part.length;
    more = page.more;
  }
  return Buffer.concat(parts);
}
