import { foldAscii } from './characters.ts';

/**
 * All literals looked for at once, in one table step a byte: a trie with a loop at its root, made
 * deterministic by the subset construction (M. Rabin and D. Scott, 1959); for plain literals that is
 * A. Aho and M. Corasick's automaton of 1975. ASCII letters match in either case.
 */
export interface Automaton {
  /** The class of each byte; bytes that no literal has share class 0. */
  classes: Uint8Array;
  /** `next[row * width + class]`: another row, or from `rows` on the number of an ending, counted from there. */
  next: Uint16Array | Uint32Array;
  /** Entries of `next` for each row; row 0 is where a text begins. */
  width: number;
  rows: number;
  /** The row to go on from, by ending. */
  after: Uint16Array | Uint32Array;
  /** Which literals (by index) end there, by ending. */
  endings: readonly (readonly number[])[];
}

/** In a literal: any digit. */
export const anyDigit = '\u0100';

/**
 * Literals are given as one character a byte (`latin1`); 60,000 characters at most in all. Built in flat
 * arrays: objects for some ten thousand states would leave a process tens of megabytes larger.
 */
export function createAutomaton(literals: readonly string[]): Automaton {
  const { classes, width } = classesOf(literals);
  const { next, ends } = determined(createTrie(literals, classes), classes, width);
  // What a state leads to is often what another leads to: most that end a literal lead on as the root does.
  const rowOf = new Int32Array(ends.length);
  const firstStates: number[] = [];
  const byContent = new Map<string, number>();
  for (const state of ends.keys()) {
    const content = Buffer.from(next.buffer, state * width * 4, width * 4).toString('latin1');
    const known = byContent.get(content);
    rowOf[state] = known ?? firstStates.push(state) - 1;
    if (known === undefined) byContent.set(content, firstStates.length - 1);
  }
  const rows = firstStates.length;
  const telling = ends.flatMap((one, state) => (one === undefined ? [] : [state]));
  // Half the memory wherever the numbers fit.
  const Numbers = rows + telling.length < 2 ** 16 ? Uint16Array : Uint32Array;
  const entryOf = Numbers.from(rowOf);
  for (const [ending, state] of telling.entries()) entryOf[state] = rows + ending;
  const placed = new Numbers(rows * width);
  for (const [row, state] of firstStates.entries()) {
    for (let code = 0; code < width; code += 1)
      placed[row * width + code] = entryOf[next[state * width + code] ?? 0] ?? 0;
  }
  const after = Numbers.from(telling.map((state) => rowOf[state] ?? 0));
  return { classes, next: placed, width, rows, after, endings: telling.map((state) => ends[state] ?? []) };
}

function classesOf(literals: readonly string[]): { classes: Uint8Array; width: number } {
  const classes = new Uint8Array(256);
  let width = 1;
  const all = new Set(foldAscii(literals.join('').replaceAll(anyDigit, '0123456789')));
  for (const character of all) {
    const byte = character.charCodeAt(0);
    classes[byte] = width;
    if (byte >= 0x61 && byte <= 0x7a) classes[byte - 0x20] = width;
    width += 1;
  }
  return { classes, width };
}

/** Node 0 is the root; 0 as a child or sibling is none. */
interface Trie {
  firstChild: Int32Array;
  sibling: Int32Array;
  /** The class of the byte that leads to a node. */
  code: Int16Array;
  /** Which literals end in a node. */
  ends: Map<number, number[]>;
}

/** Of a node that any digit leads to: there may be one of a certain digit beside it. */
const ofAnyDigit = -1;

function createTrie(literals: readonly string[], classes: Uint8Array): Trie {
  const most = 1 + literals.reduce((sum, literal) => sum + literal.length, 0);
  const firstChild = new Int32Array(most);
  const lastChild = new Int32Array(most);
  const sibling = new Int32Array(most);
  const codes = new Int16Array(most);
  const ends = new Map<number, number[]>();
  let nodes = 1;

  function childOf(node: number, code: number): number {
    for (let child = firstChild[node] ?? 0; child !== 0; child = sibling[child] ?? 0)
      if (codes[child] === code) return child;
    const made = nodes;
    nodes += 1;
    codes[made] = code;
    const last = lastChild[node] ?? 0;
    if (last === 0) firstChild[node] = made;
    else sibling[last] = made;
    lastChild[node] = made;
    return made;
  }
  for (const [index, literal] of literals.entries()) {
    let node = 0;
    for (const letter of foldAscii(literal))
      node = childOf(node, letter === anyDigit ? ofAnyDigit : (classes[letter.charCodeAt(0)] ?? 0));
    ends.set(node, [...(ends.get(node) ?? []), index]);
  }
  return { firstChild, sibling, code: codes, ends };
}

interface Determined {
  /** `next[state * width + class]`: another state. */
  next: Int32Array;
  /** Of each state, the literals that end in it; undefined for none. */
  ends: (number[] | undefined)[];
}

/** The states that can be reached, each the set of trie nodes that the last bytes lead to; the root first. */
function determined(trie: Trie, classes: Uint8Array, width: number): Determined {
  const digits = Array.from('0123456789', (one) => classes[one.charCodeAt(0)] ?? 0);
  let next = new Int32Array(1_024 * width);
  const sets: number[][] = [[]];
  const ends: (number[] | undefined)[] = [undefined];
  const byKey = new Map([['', 0]]);
  const ofRoot = reachedFrom([0]);

  /** Where nodes lead to, by class. */
  function reachedFrom(nodes: readonly number[]): Map<number, number[]> {
    const reached = new Map<number, number[]>();
    const add = (code: number, node: number): void => {
      const some = reached.get(code);
      if (some === undefined) reached.set(code, [node]);
      else some.push(node);
    };
    for (const node of nodes) {
      for (let child = trie.firstChild[node] ?? 0; child !== 0; child = trie.sibling[child] ?? 0) {
        const code = trie.code[child] ?? 0;
        if (code === ofAnyDigit) for (const digit of digits) add(digit, child);
        else add(code, child);
      }
    }
    return reached;
  }
  function stateOf(nodes: number[]): number {
    const key = nodes.join(' ');
    const known = byKey.get(key);
    if (known !== undefined) return known;
    const state = sets.push(nodes) - 1;
    const found = nodes.flatMap((node) => trie.ends.get(node) ?? []);
    ends.push(found.length === 0 ? undefined : found);
    byKey.set(key, state);
    return state;
  }
  for (let state = 0; state < sets.length; state += 1) {
    const row = state * width;
    if (row === next.length) {
      const larger = new Int32Array(next.length * 2);
      larger.set(next);
      next = larger;
    }
    // What leads on from nowhere else leads on from the root.
    next.copyWithin(row, 0, width);
    const reached = state === 0 ? ofRoot : reachedFrom(sets[state] ?? []);
    for (const [code, nodes] of reached) {
      if (state !== 0) nodes.push(...(ofRoot.get(code) ?? []));
      next[row + code] = stateOf(nodes);
    }
    // Its place in the table says all from here on.
    sets[state] = [];
  }
  return { next, ends };
}
