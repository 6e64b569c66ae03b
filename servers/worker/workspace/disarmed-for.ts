import { spawn } from 'node:child_process';
import {
  disarmedDrivers,
  disarmedEnvironment,
  disarmedSettings,
  namesOfSettings,
  settingsEnvironment,
} from './disarmed.ts';

/** Reading a configuration takes milliseconds, also where it includes others. */
const limitMs = 10_000;
const mostBytes = 1024 * 1024;

interface Place {
  cwd: string;
  env: Readonly<Record<string, string>>;
}

/**
 * The variables that disarm a Git started in `cwd`, drivers of the configurations it will read included.
 * Rejects with an errno of `EACCES` where Git cannot tell them: then nothing may be started.
 */
export async function disarmedFor(git: string, place: Place): Promise<Record<string, string>> {
  const drivers = disarmedDrivers(await settingNames(git, place));
  return { ...disarmedEnvironment, ...settingsEnvironment([...disarmedSettings, ...drivers]) };
}

function settingNames(git: string, { cwd, env }: Place): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(git, namesOfSettings, {
      cwd,
      env: { ...env, ...disarmedEnvironment, ...settingsEnvironment(disarmedSettings) },
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    let names = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      names += chunk;
      if (names.length > mostBytes) child.kill('SIGKILL');
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(names);
      else reject(Object.assign(new Error('git did not name its settings'), { code: 'EACCES' }));
    });
  });
}
