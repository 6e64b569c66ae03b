import { setTimeout as delay } from 'node:timers/promises';
import { codexBinary } from '../../test/helpers/codex-parent.ts';
import { script } from '../../test/scripted-model/script.ts';
import { startScriptedModel, type RecordedRequest } from '../../test/scripted-model/start.ts';
import { strike } from './faults.ts';
import type { Oracle, Truth } from './oracle.ts';
import type { Random } from './random.ts';
import type { Scenario } from './scenario.ts';
import { goOn } from './go-on.ts';

/** Calls of a tool before a conversation is over. */
const calls = 3;
const says = (key: string): string => `run ${key} is done`;
const longestAnswerMs = 1_500;

/** Real engines with a model of ours, killed with all the rest; undefined where there is no Codex. */
export async function ofCodex(forMs: number, inFlight: number): Promise<Scenario | undefined> {
  const binary = installed();
  if (binary === undefined) return undefined;
  const model = await startScriptedModel();
  return {
    name: 'Codex',
    site: { reaping: 'auto', workers: 2, slots: 4, codex: { binary, modelUrl: model.url } },
    work: { longestMs: longestAnswerMs, prompt },
    oracle: modelOracle(model.requests),
    prepare: () => Promise.resolve(() => model.close()),
    faults: (stage) =>
      goOn(stage, forMs, async (n) => {
        await stage.traffic.fill(inFlight);
        await strike(stage, n, ['coordinator', 'worker', 'engine', 'engine', 'bridge']);
        await delay(1_500 + stage.random.of('round', n).int(2_000));
      }),
  };
}

function installed(): string | undefined {
  try {
    return codexBinary();
  } catch {
    return undefined;
  }
}

/** A few calls of a tool that starts no process, each after a while. */
function prompt(key: string, random: Random): string {
  const delay_ms = (): number => 200 + random.int(longestAnswerMs);
  const plan = [{ step: says(key), status: 'completed' }];
  const call = { calls: [{ name: 'update_plan', arguments: { plan } }] };
  const steps = Array.from({ length: calls }, () => ({ ...call, delay_ms: delay_ms() }));
  return script(...steps, { say: says(key), delay_ms: delay_ms() });
}

/** As the model saw it: each thread that asks for a run is one start of it, its last request the end. */
function modelOracle(requests: readonly RecordedRequest[]): Oracle {
  const truths = new Map<string, Truth & { threads: Set<string> }>();
  let taken = 0;
  const of = (key: string): Truth & { threads: Set<string> } => {
    const known = truths.get(key) ?? { threads: new Set(), starts: 0, ends: [], endSeenMs: undefined };
    truths.set(key, known);
    return known;
  };
  return {
    look() {
      for (const { headers, text, at } of requests.slice(taken)) {
        const key = /run (k\d+) is done/.exec(text)?.[1];
        if (key === undefined) continue;
        const truth = of(key);
        truth.threads.add(String(headers['thread-id']));
        truth.starts = truth.threads.size;
        if (text.split('"function_call_output"').length - 1 < calls) continue;
        truth.ends = ['0'];
        truth.endSeenMs = at;
      }
      taken = requests.length;
    },
    of,
  };
}
