import type { Contracts } from '../../schemas/contract.ts';
import { operatorRequests, workerRequests } from '../../schemas/operator.ts';
import type { Dice } from './random.ts';

/** No call may wait for long, however it was made up. */
const longestWaitMs = 50;

const methods = [
  'initialize',
  'ping',
  'tools/list',
  'resources/list',
  'resources/read',
  'resources/subscribe',
  'resources/templates/list',
  'prompts/list',
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/codex-fleet/credentials',
  'completion/complete',
  'server/discover',
  'tasks/get',
] as const;
const ownMethods = [...Object.keys(operatorRequests), ...Object.keys(workerRequests)];

/** A tools/call with the example of a tool, some of it replaced by anything. */
export function toolCall(dice: Dice, contracts: Contracts, id: number): unknown {
  const entries = Object.entries(contracts);
  const [name = '', contract] = entries[dice.below(entries.length)] ?? [];
  const fields = { ...contract?.example.input };
  const names = [...Object.keys(contract?.input.shape ?? {}), dice.text()];
  const changed = Array.from({ length: 1 + dice.below(3) }, () => [
    names[dice.below(names.length)] ?? '',
    dice.value(),
  ]);
  const input: Record<string, unknown> = { ...fields, ...Object.fromEntries(changed) };
  if ('wait_ms' in input) input['wait_ms'] = dice.below(longestWaitMs);
  const args = dice.below(10) === 0 ? dice.value() : input;
  const tool = dice.below(20) === 0 ? dice.text() : name;
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name: tool, arguments: args } };
}

/** Any other message, or something that is none. */
export function message(dice: Dice, id: number): unknown {
  if (dice.below(5) === 0) return dice.value();
  const method = dice.below(4) === 0 ? ownMethods[dice.below(ownMethods.length)] : dice.oneOf(methods);
  const one = {
    jsonrpc: dice.below(10) === 0 ? dice.value(1) : '2.0',
    id: dice.below(5) === 0 ? dice.value(1) : id,
    method: dice.below(10) === 0 ? dice.text() : method,
    params: dice.value(),
  };
  return dice.below(10) === 0 ? [one, dice.value(), one] : one;
}
