import { foldAscii } from './characters.ts';

/**
 * All literals looked for at once, in one table step a byte: a trie with a loop at its root, made
 * deterministic by the subset construction (M. Rabin and D. Scott, 1959); for plain literals that is
 * A. Aho and M. Corasick's automaton of 1975. ASCII letters match in either case.
 */
export interface Automaton {
  /** The class of each byte; bytes that no literal has share class 0. */
  classes: Uint8Array;
  /** `next[state + class]`; states are row offsets, the root is 0. */
  next: Int32Array;
  /** Entries of `next` for each state. */
  width: number;
  /** States from this one on end at least one literal. */
  accepting: number;
  /** Which literals (by index) end in an accepting state, by `(state - accepting) / width`. */
  endings: readonly (readonly number[])[];
}

/** In a literal: any digit. */
export const anyDigit = '\u0100';

/** A node of the trie. A class may lead to two children: of a certain digit and of any. */
interface Node {
  id: number;
  children: Map<number, Node[]>;
  byLetter: Map<string, Node>;
  ends: number[];
}

interface State {
  nodes: readonly Node[];
  next: Map<number, State>;
  ends: number[];
  row: number;
}

/** Literals are given as one character a byte (`latin1`); 60,000 characters at most in all. */
export function createAutomaton(literals: readonly string[]): Automaton {
  const { classes, width } = classesOf(literals);
  const root = newNode(0);
  let nodes = 1;
  for (const [index, literal] of literals.entries()) {
    let node = root;
    for (const letter of foldAscii(literal)) {
      const known = node.byLetter.get(letter);
      node = known ?? child(node, letter, classes, nodes);
      if (known === undefined) nodes += 1;
    }
    node.ends.push(index);
  }
  const states = determined(root);
  const quiet = states.filter(({ ends }) => ends.length === 0);
  const telling = states.filter(({ ends }) => ends.length > 0);
  for (const [at, state] of [...quiet, ...telling].entries()) state.row = at * width;
  const next = new Int32Array(states.length * width);
  const [first] = states;
  for (const state of states) {
    // What leads on from nowhere else leads on from the root.
    for (const [code, to] of first?.next ?? []) next[state.row + code] = to.row;
    for (const [code, to] of state.next) next[state.row + code] = to.row;
  }
  return { classes, next, width, accepting: quiet.length * width, endings: telling.map(({ ends }) => ends) };
}

function newNode(id: number): Node {
  return { id, children: new Map(), byLetter: new Map(), ends: [] };
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

function child(node: Node, letter: string, classes: Uint8Array, id: number): Node {
  const made = newNode(id);
  node.byLetter.set(letter, made);
  for (const one of letter === anyDigit ? '0123456789' : letter) {
    const code = classes[one.charCodeAt(0)] ?? 0;
    const children = node.children.get(code);
    if (children === undefined) node.children.set(code, [made]);
    else children.push(made);
  }
  return made;
}

/** The states that can be reached, each the set of trie nodes that the last bytes lead to; the root first. */
function determined(root: Node): State[] {
  const first: State = { nodes: [], next: new Map(), ends: [], row: 0 };
  const states = [first];
  const byKey = new Map([['', first]]);
  for (const state of states) {
    const from = state === first ? [root] : state.nodes;
    for (const { children } of from) {
      for (const code of children.keys()) {
        if (state.next.has(code)) continue;
        const nodes = reached(from, code);
        if (state !== first) nodes.push(...(root.children.get(code) ?? []));
        let key = '';
        for (const { id } of nodes) key += ` ${id}`;
        let to = byKey.get(key);
        if (to === undefined) {
          to = { nodes, next: new Map(), ends: nodes.flatMap(({ ends }) => ends), row: 0 };
          byKey.set(key, to);
          states.push(to);
        }
        state.next.set(code, to);
      }
    }
  }
  return states;
}

function reached(from: readonly Node[], code: number): Node[] {
  const nodes: Node[] = [];
  for (const { children } of from) {
    const some = children.get(code);
    if (some !== undefined) nodes.push(...some);
  }
  return nodes;
}
