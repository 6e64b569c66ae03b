import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { jsonBytes } from '../../core/json-bytes.ts';
import { packRuns, type SnapshotRow } from '../../core/poll-reply.ts';
import { streamNames } from '../../schemas/handle.ts';
import { runSnapshot, type RunSnapshot } from '../../schemas/run.ts';
import { runStatuses } from '../../schemas/run-words.ts';

function idOf(prefix: string, n: number): string {
  return `${prefix}_${String(n).padStart(21, '0')}`;
}

function handles(count: number): RunSnapshot['handles'] {
  return Array.from({ length: count }, (_, at) => ({
    handle_id: idOf('hdl', at),
    stream: streamNames[at % streamNames.length] ?? 'stdout',
    stage: `stage-${String(Math.floor(at / streamNames.length))}`,
    bytes: 123_456,
    lines: 789,
  }));
}

function previewOf(lines: number, text = 'some line of output "quoted" \\ and é'): string {
  return [
    `stdout (${String(lines)} lines)`,
    ...Array.from({ length: lines }, (_, at) => `${String(at + 1)}: ${text}`),
  ].join('\n');
}

function row(seq: number, extra: Partial<RunSnapshot> = {}): SnapshotRow {
  return { seq, snapshot: { run_id: idOf('run', seq), status: 'completed', ...extra } };
}

const anyText = fc.string({ unit: 'binary', maxLength: 3000 });
const anyRow = fc.record({
  seq: fc.integer({ min: 1, max: 100_000 }),
  status: fc.constantFrom(...runStatuses),
  previewLines: fc.integer({ min: 0, max: 150 }),
  previewText: fc.string({ unit: 'binary', maxLength: 120 }),
  handles: fc.integer({ min: 0, max: 200 }),
  error: fc.option(anyText, { nil: undefined }),
});
const anyRows = fc.uniqueArray(anyRow, { maxLength: 40, selector: (one) => one.seq }).map((rows) =>
  rows.map((one) =>
    row(one.seq, {
      status: one.status,
      ...(one.handles > 0 && { handles: handles(one.handles) }),
      ...(one.error !== undefined && { error: one.error, question: one.error }),
      ...(one.previewLines > 0 && {
        preview: previewOf(one.previewLines, one.previewText.replaceAll('\n', ' ')),
      }),
    }),
  ),
);

describe('packRuns', () => {
  test('never passes its bytes, keeps the order, and tells every run once over its cursors', () => {
    fc.assert(
      fc.property(anyRows, fc.integer({ min: 2048, max: 9000 }), (rows, maxBytes) => {
        const told: string[] = [];
        let left = rows;
        while (left.length > 0) {
          const packed = packRuns(left, maxBytes);
          expect(jsonBytes(packed.runs)).toBeLessThanOrEqual(maxBytes);
          expect(packed.runs.length).toBeGreaterThan(0);
          for (const run of packed.runs) runSnapshot.parse(run);
          told.push(...packed.runs.map((run) => run.run_id));
          left = left.filter(({ seq }) => seq > Number(packed.cursor));
          expect(packed.more).toBe(left.length > 0);
        }
        const byNumber = [...rows].sort((a, b) => a.seq - b.seq).map(({ snapshot }) => snapshot.run_id);
        expect(told).toEqual(byNumber);
      }),
      { numRuns: 60 },
    );
  });

  test('leaves out a run only where it would not fit even without any preview', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const { runs, more } = packRuns(rows, 4096);
        if (!more) return;
        const next = [...rows].sort((a, b) => a.seq - b.seq)[runs.length]?.snapshot;
        const bare = [...runs, next].map((run) => ({ ...run, preview: undefined }));
        expect(jsonBytes(bare)).toBeGreaterThan(4096);
      }),
      { numRuns: 60 },
    );
  });

  test('64 plain runs fit 8 KiB', () => {
    const rows = Array.from({ length: 64 }, (_, at) => row(at + 1, { worker: 'local-1', outcome: 'exit 0' }));
    expect(packRuns(rows, 7680)).toMatchObject({ more: false, cursor: '64' });
  });

  test('shrinks previews to equal shares, and gives the large one what the small one leaves', () => {
    const rows = [
      row(1, { preview: previewOf(400) }),
      row(2, { preview: 'stdout (1 line)\n1: ok' }),
      row(3, { preview: previewOf(400) }),
    ];
    const { runs } = packRuns(rows, 6000);
    const sizes = runs.map((run) => jsonBytes(run.preview ?? ''));
    expect(runs[1]?.preview).toBe('stdout (1 line)\n1: ok');
    expect(sizes[0]).toBeGreaterThan(1500);
    expect(Math.abs((sizes[0] ?? 0) - (sizes[2] ?? 0))).toBeLessThan(700);
  });

  test('previews stay whole where there is room', () => {
    const preview = previewOf(20);
    expect(packRuns([row(1, { preview })], 4096).runs[0]?.preview).toBe(preview);
  });

  test('one run with more handles than fit keeps the latest, says how many are missing, and drops events first', () => {
    const { runs, more } = packRuns([row(7, { handles: handles(160), preview: previewOf(50) })], 4096);
    const [run] = runs;
    const kept = run?.handles ?? [];
    expect(more).toBe(false);
    expect(kept.length + (run?.handles_omitted ?? 0)).toBe(160);
    expect(kept.length).toBeGreaterThan(20);
    expect(kept.some((handle) => handle.stream === 'events')).toBe(false);
    expect(kept.at(-1)?.handle_id).toBe(handles(160)?.[159]?.handle_id);
  });

  test('tells nothing of nothing', () => {
    expect(packRuns([], 4096)).toEqual({ runs: [], cursor: '', more: false });
  });
});
