import { flatGraph, type Graph } from './graph.ts';

/** go.mod names every module of the build; the indirect ones are marked. */
export function goGraph(text: string): Graph {
  const required: string[] = [];
  let block = '';
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const opened = /^(\w+) \($/.exec(line)?.[1];
    if (opened !== undefined) block = opened;
    else if (line === ')') block = '';
    else if (block === 'require' || line.startsWith('require ')) {
      const found = /^(?:require )?(\S+) (v\S+)(.*)$/.exec(line);
      if (found !== null)
        required.push(
          `${found[1]} ${found[2]}${found[3]?.includes('indirect') === true ? ' (indirect)' : ''}`,
        );
    }
  }
  const graph = flatGraph('go', required);
  return { ...graph, roots: [...required].sort((a, b) => Number(a.endsWith(')')) - Number(b.endsWith(')'))) };
}
