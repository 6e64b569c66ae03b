import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { config as configSchema } from '../../../schemas/config.ts';
import { pipeline as pipelineSchema } from '../../../schemas/pipeline.ts';
import type { SandboxLayer, SandboxProfile } from '../../../schemas/sandbox.ts';
import { probeReaping } from '../../../servers/worker/runner/reaping.ts';
import { createStartProcess } from '../../../servers/worker/runner/start-process.ts';
import { createSandbox } from '../../../servers/worker/sandbox/sandbox.ts';
import { path } from '../runner/support.ts';
import { escapeScript, gotThrough, openEscapeTargets } from './escape-targets.ts';

/** What one user has on this machine, and layers to run commands in. */
export interface EscapePlace {
  /**
   * Tries all of them in one run of that profile, which may go without layers; answers the names of those
   * that got through.
   */
  escapes(
    profile: SandboxProfile,
    tried: Readonly<Record<string, string>>,
    options?: { allowed?: readonly SandboxLayer[]; cwd?: string; heard?: (said: string) => void },
  ): Promise<string[]>;
  /** With the folders `home`, `out`, and `ws`, where commands work. */
  readonly root: string;
  close(): Promise<void>;
}

/** `runtime`: see openEscapeTargets(). */
export async function openEscapePlace(runtime: string): Promise<EscapePlace> {
  const targets = await openEscapeTargets(runtime);
  const { env } = targets;
  const state = join(targets.root, 'state');
  const tmpDir = join(state, 'tmp');
  mkdirSync(tmpDir);
  // Without namespaces, so that every attack has its twin.
  const open = await probeReaping({ config: { reaping: 'best_effort' }, path, stateDir: state });
  const probed = await probeReaping({ config: { reaping: 'auto' }, path, stateDir: state });
  const sandbox = createSandbox({ layer: probed.layer, dir: state, ours: [state], path });

  return {
    root: targets.root,
    async escapes(profile, tried, options = {}) {
      const { cwd = join(targets.root, 'ws'), heard, allowed = [] } = options;
      const config = configSchema.parse({ sandbox: { profile, allow_degraded: [...allowed] } });
      const stage = { name: 'attack', engine: 'command' as const, argv: ['/bin/sh'] };
      const pipeline = pipelineSchema.parse({ stages: [stage] });
      await sandbox.check({ config, pipeline, stages: [stage], cwd });
      const argv = ['/bin/sh', '-c', escapeScript(tried)] as const;
      const layer = profile === 'off' ? open.layer : probed.layer;
      const report = (): void => undefined;
      const start = sandbox.around(createStartProcess(layer), { stage, pipeline, cwd, config, env, report });
      let said = '';
      const hear = (chunk: Buffer): void => {
        said += chunk.toString();
        heard?.(said);
      };
      const running = start({ argv, cwd, env, stdin: 'ignore', tmpDir }, { stdout: hear, stderr: hear });
      await running.ended;
      return gotThrough(said);
    },
    async close() {
      targets.close();
      await Promise.all([open.layer.close(), probed.layer.close()]);
    },
  };
}
