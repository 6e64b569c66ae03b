import { expect } from 'vitest';
import type { z } from 'zod';
import { maxPageBytes, runContracts } from '../../../../schemas/tools.ts';
import type { HandleStore, HandleWriter } from '../../../../servers/worker/output/handle-store.ts';
import { createMemoryHandleStore } from '../../../../servers/worker/output/memory-handle-store.ts';
import { readHandle } from '../../../../servers/worker/output/read/read-handle.ts';
import { defaults } from '../../../suites/handle-store.suite.ts';

const { input, output } = runContracts.read_handle;
export type Ask = Omit<z.input<typeof input>, 'handle_id'>;
export type Answer = z.output<typeof output>;

export interface Readable {
  store: HandleStore;
  writer: HandleWriter;
  read(ask: Ask): Promise<Answer>;
}

/** A growing handle with some content, read the way a call would read it. */
export function growing(content: Uint8Array | string, store = createMemoryHandleStore()): Readable {
  const writer = store.create(defaults);
  writer.append(Buffer.from(content));
  const read = async (ask: Ask): Promise<Answer> => {
    const call = input.parse({ handle_id: writer.handle_id, ...ask });
    const answer = output.parse(await readHandle(store, call, new AbortController().signal));
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThanOrEqual(maxPageBytes);
    return answer;
  };
  return { store, writer, read };
}

export async function sealed(content: Uint8Array | string, store?: HandleStore): Promise<Readable> {
  const handle = growing(content, store);
  await handle.writer.seal({ truncated: false });
  return handle;
}

/** All answers, reading on by the cursor. */
export async function readOn({ read }: Readable, ask: Ask): Promise<Answer[]> {
  const answers = [await read(ask)];
  const { from: _, ...rest } = ask;
  for (let cursor = answers[0]?.cursor; cursor !== undefined; cursor = answers.at(-1)?.cursor) {
    answers.push(await read({ ...rest, cursor }));
    expect(answers.length).toBeLessThan(5_000);
  }
  return answers;
}
