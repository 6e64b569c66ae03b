import { bodyLength } from '../../core/privacy/surrogate.ts';
import { findSurrogates } from '../../core/privacy/surrogate-scan.ts';
import { maxRestored, operatorRequests } from '../../schemas/operator.ts';
import type { Fleet } from './connect.ts';

const exporting = 'codex-fleet/export';
const restoring = 'codex-fleet/restore';

/**
 * What is behind a handle with the private values in it; undefined where the worker keeps nothing beside
 * what its handle shows. UNAUTHORIZED where the configuration does not let this sink have them.
 */
export async function exportOriginal(
  fleet: Fleet,
  handle: string,
  sink: string,
): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  for (let from = 0, more = true; more;) {
    const page = await fleet.request(exporting, operatorRequests[exporting], {
      handle_id: handle,
      sink,
      from,
    });
    if (page.data === undefined) return undefined;
    const part = Buffer.from(page.data, 'base64');
    parts.push(part);
    from += part.length;
    more = page.more;
  }
  return Buffer.concat(parts);
}

/** A type, an underscore and the body: what the guard writes is found again without looking at shapes a model makes. */
const longest = 'PERSON_'.length + bodyLength;

/** Puts values back in what a handle shows, piece by piece: a surrogate may lie over two of them. */
export function createRestoring(fleet: Fleet, handle: string, sink: string) {
  const values = new Map<string, Buffer | undefined>();
  let rest = '';

  async function look(surrogates: readonly string[]): Promise<void> {
    const unknown = [...new Set(surrogates)].filter((one) => !values.has(one));
    for (let at = 0; at < unknown.length; at += maxRestored) {
      const some = unknown.slice(at, at + maxRestored);
      const asked = { handle_id: handle, sink, surrogates: some };
      const { values: found } = await fleet.request(restoring, operatorRequests[restoring], asked);
      for (const one of some) {
        const value = Object.hasOwn(found, one) ? found[one] : undefined;
        values.set(one, value === undefined ? undefined : Buffer.from(value, 'base64'));
      }
    }
  }
  async function restored(text: string): Promise<Buffer> {
    const shapes = findSurrogates(text).filter(({ exact }) => exact);
    const names = shapes.map(({ type, body }) => `${type}_${body}`);
    await look(names);
    const pieces: Buffer[] = [];
    let at = 0;
    for (const [index, { start, end }] of shapes.entries()) {
      const value = values.get(names[index] ?? '');
      if (value === undefined) continue;
      pieces.push(Buffer.from(text.slice(at, start), 'latin1'), value);
      at = end;
    }
    return Buffer.concat([...pieces, Buffer.from(text.slice(at), 'latin1')]);
  }
  return {
    async take(chunk: Uint8Array): Promise<Buffer> {
      const text = rest + Buffer.from(chunk).toString('latin1');
      const cut = Math.max(0, text.length - longest);
      const across = findSurrogates(text).find(({ start, end }) => start < cut && end > cut);
      const at = across?.start ?? cut;
      rest = text.slice(at);
      return restored(text.slice(0, at));
    },
    async end(): Promise<Buffer> {
      const last = rest;
      rest = '';
      return restored(last);
    },
  };
}
