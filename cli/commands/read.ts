import { once } from 'node:events';
import type { z } from 'zod';
import { defineCommand, wrongUsage } from '../command.ts';
import { copyHandle } from '../fleet/copy-handle.ts';
import { openReader, type Page, type ReadPage } from '../fleet/read-handle.ts';
import { readSearch, readShared, searches, searchOptions } from '../fleet/read-options.ts';
import { print, printJson } from '../output.ts';
import { createVisibleText } from '../visible-text.ts';
import { sanitize } from '../../core/sanitize.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { handleId } from '../../schemas/ids.ts';
import type { fleetContracts } from '../../schemas/tools.ts';

type PageRequest = z.input<typeof fleetContracts.read_handle.input>;

export const read = defineCommand({
  name: 'read',
  usage: '[OPTIONS] HANDLE',
  about:
    'Prints a page of what a handle keeps, up to 32 KiB: its beginning, unless an option says which part\n' +
    'or what to look for. Works also while the fleet is down (but for --export).',
  examples: [
    'codex-fleet read hdl_V1StGXR8Z5jdHi6BmyT01 --tail 40',
    'codex-fleet read hdl_V1StGXR8Z5jdHi6BmyT01 --lines 200-260',
    'codex-fleet read hdl_V1StGXR8Z5jdHi6BmyT01 --all > log.txt',
    "codex-fleet read hdl_V1StGXR8Z5jdHi6BmyT01 --grep 'error|warn' --context 2",
    'codex-fleet read hdl_V1StGXR8Z5jdHi6BmyT01 --records --where /level=error --fields /msg,/at',
  ],
  options: {
    head: { type: 'string', value: 'N', about: 'The first N lines' },
    tail: { type: 'string', value: 'N', about: 'The last N lines' },
    lines: { type: 'string', value: 'A-B', about: 'Lines A to B, counted from 1' },
    bytes: { type: 'string', value: 'A-B', about: 'Bytes A to B, counted from 0, B not included' },
    all: { type: 'boolean', about: 'All of it, byte for byte; on a terminal as visible text' },
    ...searchOptions,
  },
  run: async ({ values, positionals, json }) => {
    const [handle] = positionals;
    if (handle === undefined || positionals.length > 1) throw wrongUsage('read', 'Name one handle');
    if (!handleId.safeParse(handle).success) throw wrongUsage('read', `"${handle}" is not a handle (hdl_…)`);
    const { all, head, tail, lines, bytes } = values;
    const part = readSearch(values) ?? readPart({ head, tail, lines, bytes });
    if (
      [all, head, tail, lines, bytes, ...searches(values)].filter((value) => value !== undefined).length > 1
    ) {
      throw wrongUsage('read', 'Only one of --all, --head, --tail, --lines, --bytes and what is looked for');
    }
    const reader = await openReader(fleetPaths(processEnv), handle);
    try {
      if (all === true) {
        if (process.stdout.isTTY) await showAll(reader.read, handle);
        else await copyHandle(reader.read, handle, writeOut);
        return 0;
      }
      const page = await reader.read({ handle_id: handle, ...readShared(values), ...part });
      if (json) printJson(page);
      else showPage(page);
    } finally {
      await reader.close();
    }
    return 0;
  },
});

interface Part {
  head: string | undefined;
  tail: string | undefined;
  lines: string | undefined;
  bytes: string | undefined;
}

function readPart({ head, tail, lines, bytes }: Part): Omit<PageRequest, 'handle_id'> {
  if (tail !== undefined) return { mode: 'tail', count: readCount('tail', tail) };
  if (lines !== undefined) {
    const [from, to] = readRange('lines', lines);
    return { mode: 'lines', from, count: to - from + 1 };
  }
  if (bytes !== undefined) {
    const [from, to] = readRange('bytes', bytes);
    return { mode: 'bytes', from, count: to - from };
  }
  return head === undefined ? {} : { mode: 'head', count: readCount('head', head) };
}

function readCount(name: string, text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count > 0) return count;
  throw wrongUsage('read', `--${name} takes a number of lines`);
}

function readRange(name: string, text: string): [number, number] {
  const [from, to] = /^(\d+)-(\d+)$/.exec(text)?.slice(1).map(Number) ?? [];
  if (from !== undefined && to !== undefined && to >= from) return [from, to];
  throw wrongUsage('read', `--${name} takes a range like 100-180`);
}

function showPage(page: Page): void {
  if (page.text !== '') print(page.text.replace(/\n$/, ''));
  const { from_byte, to_byte, bytes, truncated, sealed, hits, cursor, path } = page;
  const state = sealed ? '' : ', still growing';
  const cut = truncated ? '; its end was cut off' : '';
  const found = hits === undefined ? '' : `${String(hits)} found; `;
  const on = cursor === undefined ? '' : `; go on with --cursor ${cursor}`;
  const place = `bytes ${String(from_byte)}–${String(to_byte)} of ${String(bytes)}${state}${cut}`;
  process.stderr.write(`${sanitize(`[${path === undefined ? '' : `${path}; `}${found}${place}${on}]`)}\n`);
}

/** On a terminal as visible text: byte for byte it would obey what a run printed. */
async function showAll(read: ReadPage, handle: string): Promise<void> {
  const visible = createVisibleText();
  await copyHandle(read, handle, (chunk) => writeOut(visible.push(chunk)));
  await writeOut(visible.end());
}

/** A reader that is slower than the fleet must not fill the memory. */
async function writeOut(chunk: Buffer | string): Promise<void> {
  if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
}
