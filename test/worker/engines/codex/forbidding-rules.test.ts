import { expect, it } from 'vitest';
import { forbiddingRules } from '../../../../servers/worker/engines/codex/forbidding-rules.ts';

const rm = 'prefix_rule(pattern=["rm", ["-r", "-f"]], decision="forbidden")';

it.each([
  [rm, `${rm}\n`],
  ['prefix_rule(pattern=["touch"], decision="allow")', ''],
  ['prefix_rule(pattern=["touch"])', ''],
  ['prefix_rule(pattern=["touch"], decision="prompt")', ''],
  ['prefix_rule(pattern=["x"], decision="allow", justification="decision")', ''],
  [`# prefix_rule(pattern=["a"], decision="forbidden")\n${rm} # yes`, `${rm}\n`],
  [
    "prefix_rule(\n  pattern = ['a (b', \"c\\\"\"],\n  # why\n  decision = 'forbidden',\n  not_match = [['x']],\n)\n",
    "prefix_rule(  pattern = ['a (b', \"c\\\"\"],    decision = 'forbidden',  not_match = [['x']],)\n",
  ],
  [`prefix_rule(pattern=names, decision="forbidden")\n${rm}`, `${rm}\n`],
  ['[prefix_rule(pattern=[n], decision="forbidden") for n in names]', ''],
  ['prefix_rule = 1\nprefix_rule(pattern=["rm"]', ''],
  [`network_rule(host="x", decision="allow")\n${rm}\n${rm}`, `${rm}\n${rm}\n`],
])('of %j is kept %j', (rules, kept) => {
  expect(forbiddingRules(rules)).toBe(kept);
});
