import { sanitize } from './sanitize.ts';

export type JsonKind = 'string' | 'number' | 'boolean' | 'null' | 'object' | 'array';

const maxKeys = 48;
const maxNodes = 600;
/** More values than that are no enumeration. */
const maxValues = 4;

/** What was seen at one place of a JSON text, elements of an array counting as one place. */
export interface JsonNode {
  /** How often there was a value. */
  count: number;
  kinds: Map<JsonKind, number>;
  /** The values there were, as JSON, with how often; undefined once there were too many. */
  values: Map<string, number> | undefined;
  keys: Map<string, JsonNode>;
  /** Keys beyond those kept. */
  moreKeys: boolean;
  items: JsonNode | undefined;
  /** Fewest and most elements of the arrays. */
  fewest: number;
  most: number;
}

/** Grows the shape of a JSON text in bounded memory. */
export class JsonShape {
  readonly root: JsonNode = newNode();
  #nodes = 1;

  /** Where the values of a key are gathered; undefined where there is no room for it. */
  member(node: JsonNode, key: string): JsonNode | undefined {
    const known = node.keys.get(key);
    if (known !== undefined) return known;
    if (node.keys.size >= maxKeys || this.#nodes >= maxNodes) {
      node.moreKeys = true;
      return undefined;
    }
    const made = newNode();
    this.#nodes += 1;
    node.keys.set(key, made);
    return made;
  }

  element(node: JsonNode): JsonNode | undefined {
    if (node.items === undefined && this.#nodes < maxNodes) {
      node.items = newNode();
      this.#nodes += 1;
    }
    return node.items;
  }
}

function newNode(): JsonNode {
  return {
    count: 0,
    kinds: new Map(),
    values: new Map(),
    keys: new Map(),
    moreKeys: false,
    items: undefined,
    fewest: Number.POSITIVE_INFINITY,
    most: 0,
  };
}

export function addKind(node: JsonNode, kind: JsonKind): void {
  node.count += 1;
  node.kinds.set(kind, (node.kinds.get(kind) ?? 0) + 1);
}

/** Whether values of a place are still worth remembering. */
export function wantsValue(node: JsonNode): boolean {
  return node.values !== undefined;
}

/** `value` as JSON; undefined for one too long to be shown. */
export function addValue(node: JsonNode, value: string | undefined): void {
  if (node.values === undefined) return;
  if (value === undefined || (!node.values.has(value) && node.values.size >= maxValues)) {
    node.values = undefined;
    return;
  }
  node.values.set(value, (node.values.get(value) ?? 0) + 1);
}

export function addLength(node: JsonNode, length: number): void {
  node.fewest = Math.min(node.fewest, length);
  node.most = Math.max(node.most, length);
}

const maxLines = 24;

/** How much of the text the shape is of. */
interface Seen {
  /** Elements so far of the arrays that have not ended. */
  open: ReadonlyMap<JsonNode | undefined, number>;
  /** Not all of it was looked at closely. */
  isCut: boolean;
}

/**
 * The shape in lines, outer places first: `{total: 12, rows: [12 × object]}`, then the objects
 * within, each by its JSON pointer with `*` for every element: `/rows/*: {id: number, name: string}`.
 */
export function describeShape(root: JsonNode, seen: Seen): string[] {
  const lines = [`json: ${describe(root, seen, 0)}`];
  const top = elementsOf('', root);
  let level = top.node === root ? membersOf(top) : [top];
  while (level.length > 0 && lines.length < maxLines) {
    lines.push(...level.map(({ pointer, node }) => `${pointer}: ${describe(node, seen, 0)}`));
    level = level.flatMap(membersOf);
  }
  return lines.slice(0, maxLines);
}

interface Place {
  pointer: string;
  node: JsonNode;
}

/** Where objects stand within an object. */
function membersOf({ pointer, node }: Place): Place[] {
  return [...node.keys]
    .map(([key, child]) => elementsOf(`${pointer}/${escapeKey(key)}`, child))
    .filter((place) => place.node.keys.size > 0);
}

/** Through arrays to what they hold. */
function elementsOf(pointer: string, node: JsonNode): Place {
  let place = { pointer, node };
  while (place.node.keys.size === 0 && place.node.items !== undefined) {
    place = { pointer: `${place.pointer}/*`, node: place.node.items };
  }
  return place;
}

function describe(node: JsonNode, seen: Seen, depth: number): string {
  const parts = [...node.kinds].map(([kind]) => describeKind(node, kind, seen, depth));
  return [...new Set(parts)].join(' | ') || 'nothing';
}

function describeKind(node: JsonNode, kind: JsonKind, seen: Seen, depth: number): string {
  if (kind === 'object') return depth === 0 ? members(node, seen) : 'object';
  if (kind === 'array') {
    const open = seen.open.get(node);
    const most = Math.max(node.most, open ?? 0);
    const range = node.fewest < most ? `${String(node.fewest)}…${String(most)}` : String(most);
    const lengths = open === undefined ? range : `≥${String(most)}`;
    const held = node.items === undefined ? '' : ` × ${describe(node.items, seen, depth + 1)}`;
    return `[${lengths}${held}]`;
  }
  return kind === 'null' ? 'null' : (enumeration(node, seen) ?? kind);
}

function members(node: JsonNode, seen: Seen): string {
  const shown = [...node.keys].map(([key, child]) => {
    // The object under way when the look ended lacks the rest of its keys.
    const objects = (node.kinds.get('object') ?? 0) - (seen.isCut ? 1 : 0);
    const optional = child.count < objects ? '?' : '';
    return `${plain(key)}${optional}: ${describe(child, seen, 1)}`;
  });
  return `{${[...shown, ...(node.moreKeys ? ['…'] : [])].join(', ')}}`;
}

/** The value itself where there was one; few values with how often each came. */
function enumeration({ values, count, kinds }: JsonNode, { isCut }: Seen): string | undefined {
  if (values === undefined || values.size === 0) return undefined;
  if (values.size > 1 && kinds.has('number')) return undefined;
  const shown = [...values].map(([value, times]) => ({ value: plain(value), times }));
  if (count === 1 || shown.length === 1) return shown[0]?.value;
  if (count < 2 * shown.length) return undefined;
  return shown.map(({ value, times }) => (isCut ? value : `${value} ×${String(times)}`)).join(' | ');
}

function escapeKey(key: string): string {
  return plain(key).replaceAll('~', '~0').replaceAll('/', '~1');
}

/** One line of visible text. */
export function plain(text: string): string {
  return sanitize(text).replaceAll('\n', '␊').replaceAll('\t', ' ');
}
