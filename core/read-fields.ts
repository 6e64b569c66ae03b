import { FleetError } from './errors.ts';
import type { readModes, workerContracts } from '../schemas/tools.ts';
import type { z } from 'zod';

type ReadInput = z.output<(typeof workerContracts)['read_handle']['input']>;
export type ReadMode = (typeof readModes)[number];
export type PageMode = 'head' | 'tail' | 'lines' | 'bytes';

/** A mode that answers a page of the content as it stands there. */
export function isPageMode(mode: ReadMode): mode is PageMode {
  return mode === 'head' || mode === 'tail' || mode === 'lines' || mode === 'bytes';
}

const everywhere = new Set(['handle_id', 'mode']);
const fieldsOf: Record<ReadMode, readonly (keyof ReadInput)[]> = {
  head: ['count', 'encoding', 'wait_ms', 'detail'],
  tail: ['count', 'encoding', 'wait_ms', 'detail'],
  lines: ['from', 'count', 'encoding', 'wait_ms', 'detail'],
  bytes: ['from', 'count', 'encoding', 'wait_ms', 'detail'],
  grep: ['pattern', 'context', 'pick', 'from', 'count', 'cursor', 'wait_ms'],
  json: ['pattern', 'pointer', 'fields', 'count', 'cursor', 'wait_ms'],
  stats: ['from', 'cursor', 'wait_ms'],
  outline: ['count', 'cursor', 'wait_ms'],
  diff: ['other', 'context', 'count', 'cursor', 'wait_ms'],
  export: ['cursor', 'wait_ms'],
};

/** The mode meant where none is said. */
export function readMode({ mode, pattern, pointer, fields, other, from }: ReadInput): ReadMode {
  if (mode !== undefined) return mode;
  if (pointer !== undefined || fields !== undefined) return 'json';
  if (pattern !== undefined) return 'grep';
  if (other !== undefined) return 'diff';
  return from === undefined ? 'head' : 'lines';
}

/** INVALID_INPUT where a field means nothing with the mode, or one that is needed is missing. */
export function checkReadFields(input: ReadInput): ReadMode {
  const mode = readMode(input);
  const allowed: ReadonlySet<string> = new Set([...everywhere, ...fieldsOf[mode]]);
  for (const [field, value] of Object.entries(input)) {
    if (value === undefined || allowed.has(field)) continue;
    const modes = Object.entries(fieldsOf).filter(([, fields]) => fields.some((one) => one === field));
    throw new FleetError('INVALID_INPUT', `"${field}" has no meaning with mode ${mode}.`, {
      next: `Leave it out, or use mode ${modes.map(([name]) => name).join(' or ')}.`,
    });
  }
  if (mode === 'grep' && input.pattern === undefined)
    throw missing('grep', 'pattern', 'what to look for, in RE2 syntax');
  if (mode === 'diff' && input.other === undefined)
    throw missing('diff', 'other', 'the handle to compare with');
  if (mode === 'grep' && input.from !== undefined && (input.cursor !== undefined || input.pick === 'last')) {
    throw new FleetError('INVALID_INPUT', '"from" says where to begin: not with a cursor or pick last.', {
      next: 'Leave "from" out.',
    });
  }
  if (input.pick === 'per-file' && (input.from !== undefined || input.context !== undefined)) {
    throw new FleetError(
      'INVALID_INPUT',
      '"per-file" counts in whole handles: without "from" and "context".',
      {
        next: 'Leave them out.',
      },
    );
  }
  return mode;
}

function missing(mode: ReadMode, field: string, what: string): FleetError {
  return new FleetError('INVALID_INPUT', `Mode ${mode} needs "${field}".`, {
    next: `Give "${field}": ${what}.`,
  });
}
