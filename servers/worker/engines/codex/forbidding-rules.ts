/** A string, a comment, a name or number, or any other character of a rules file (Starlark). */
const tokens = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|#[^\n]*|\w+|[^]/g;
const plainWords = new Set(['pattern', 'decision', 'justification', 'match', 'not_match']);
const forbidding = /\bdecision\s*=\s*(["'])forbidden\1/;

/**
 * Of a user's command rules (`*.rules`) those that forbid something in plain words, one a line. What a rule
 * allows, Codex runs without asking anybody.
 */
export function forbiddingRules(text: string): string {
  const found = text.replaceAll('\r', '').match(tokens) ?? [];
  const rules: string[] = [];
  for (let at = 0; at < found.length; at += 1) {
    if (found[at] !== 'prefix_rule') continue;
    const end = endOfCall(found, at + 1);
    if (end === undefined) continue;
    const call = found.slice(at, end).filter((token) => !token.startsWith('#') && token !== '\n');
    if (call.slice(1).every(isPlain) && forbidding.test(call.join(''))) rules.push(call.join(''));
    at = end - 1;
  }
  return rules.map((rule) => `${rule}\n`).join('');
}

/** Behind the parenthesis that closes the one at or after `from`; undefined where there is none. */
function endOfCall(found: readonly string[], from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < found.length; at += 1) {
    if (found[at] === '(') depth += 1;
    else if (found[at] === ')') depth -= 1;
    else if (depth === 0 && /\S/.test(found[at] ?? '')) return undefined;
    if (depth === 0 && found[at] === ')') return at + 1;
  }
  return undefined;
}

/** A name would be one that is defined elsewhere. */
function isPlain(token: string): boolean {
  return /^["']/.test(token) ? true : /^\w/.test(token) ? plainWords.has(token) : /^[\s[\](),=]$/.test(token);
}
