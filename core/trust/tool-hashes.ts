import type { DescriptorClaims } from '../../schemas/descriptor.ts';
import { canonicalJson } from './canonical.ts';

type ToolHash = DescriptorClaims['tools'][number];

/** Each tool by the hash of all that is listed of it: a description can mislead as well as a schema. */
export function hashTools(tools: readonly unknown[], sha256: (text: string) => string): ToolHash[] {
  return tools.map((tool) => ({ name: nameOf(tool), sha256: sha256(canonicalJson(tool)) }));
}

export function sameTools(a: readonly ToolHash[], b: readonly ToolHash[]): boolean {
  const keyed = (tools: readonly ToolHash[]): string =>
    tools
      .map(({ name, sha256 }) => `${name} ${sha256}`)
      .sort()
      .join('\n');
  return keyed(a) === keyed(b);
}

function nameOf(tool: unknown): string {
  const name = typeof tool === 'object' && tool !== null && 'name' in tool ? tool.name : undefined;
  return typeof name === 'string' ? name : '';
}
