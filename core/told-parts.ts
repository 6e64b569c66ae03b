/** A text that reached a parent, and the runs it is about: of several it is as much of each. */
export interface ToldPart {
  run_ids: readonly string[];
  text: string;
}

/** A tool's reply as it was sent. */
export interface ToldReply {
  /** Runs the call named. */
  named: readonly string[];
  output: Readonly<Record<string, unknown>>;
  /** Blocks sent beside the output: its line for people, and links. */
  beside: readonly Readonly<Record<string, unknown>>[];
}

/**
 * A reply cut by the runs it tells of: what it says of one run, and a link to a handle of it, is that run's;
 * the rest is for all of them. One that tells of no run (nothing new) is for those that were named.
 */
export function partsOfReply({ named, output, beside }: ToldReply): ToldPart[] {
  const told = new Map<string, string>();
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(output)) {
    if (!Array.isArray(value)) rest[name] = value;
    else rest[name] = value.filter((entry: unknown) => !take(told, entry));
  }
  const runIds = runsOf(output, [...told.keys()], named);
  if (runIds.length === 0) return [];
  const [only] = runIds;
  if (runIds.length === 1 && only !== undefined) {
    return [{ run_ids: runIds, text: [output, ...beside].map(asText).join('\n') }];
  }
  const others: unknown[] = [];
  for (const block of beside) {
    const uri = typeof block['uri'] === 'string' ? block['uri'] : '';
    const handle = uri.slice(uri.lastIndexOf('/') + 1);
    const owner = handle === '' ? undefined : [...told].find(([, text]) => text.includes(handle));
    if (owner === undefined) others.push(block);
    else told.set(owner[0], `${owner[1]}\n${asText(block)}`);
  }
  const parts = [...told].map(([runId, text]) => ({ run_ids: [runId], text }));
  return [...parts, { run_ids: runIds, text: [rest, ...others].map(asText).join('\n') }];
}

/** What is left over of an equal split goes to the first. */
export function shareOf(total: number, { of, at }: { of: number; at: number }): number {
  return Math.floor(total / of) + (at < total % of ? 1 : 0);
}

function take(told: Map<string, string>, entry: unknown): boolean {
  const runId = runOf(entry);
  if (runId === undefined) return false;
  const text = asText(entry);
  const before = told.get(runId);
  told.set(runId, before === undefined ? text : `${before}\n${text}`);
  return true;
}

function runsOf(output: object, told: readonly string[], named: readonly string[]): readonly string[] {
  if (told.length > 0) return told;
  const one = runOf(output);
  return one === undefined ? [...new Set(named)] : [one];
}

function runOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('run_id' in value)) return undefined;
  return typeof value.run_id === 'string' ? value.run_id : undefined;
}

/** A line of text as it is shown, all else as it is sent. */
function asText(value: unknown): string {
  const isText = typeof value === 'object' && value !== null && 'type' in value && value.type === 'text';
  if (isText && 'text' in value && typeof value.text === 'string') return value.text;
  return JSON.stringify(value);
}
