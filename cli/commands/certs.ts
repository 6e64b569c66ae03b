import { isIP } from 'node:net';
import { defineCommand, wrongUsage } from '../command.ts';
import { readInteger } from '../options.ts';
import { print, printJson } from '../output.ts';
import { makePair, type Pair } from '../trust/make-pair.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths, makePrivateDir } from '../../platform/paths.ts';
import { plainName } from '../../schemas/ids.ts';

/** Longer, and some clients refuse it. */
const longestDays = 825;
const usualDays = 365;

export const certs = defineCommand({
  name: 'certs',
  usage: '[OPTIONS] NAME',
  about:
    'Makes certificates for a server NAME and its one client, by a private authority of your own, which is made\n' +
    'first where there is none. The folder `server` goes to the host of NAME, `client` is for the fleet that uses\n' +
    'it. Again for the same name: new ones, and the client before stays good until its certificate ends, so that\n' +
    'one side can be renewed after the other; with --replace it does not.',
  examples: ['codex-fleet certs gpu --host gpu.lan --host 10.0.0.5', 'codex-fleet certs gpu --replace'],
  options: {
    host: { type: 'string', multiple: true, value: 'HOST', about: 'A name or address it is reached by' },
    days: { type: 'string', value: 'N', about: `How long they are good; default ${String(usualDays)}` },
    replace: { type: 'boolean', about: 'No client made before is let in any more' },
  },
  run: ({ values, positionals, json }) => {
    const [name, ...more] = positionals;
    if (name === undefined || more.length > 0 || !plainName.safeParse(name).success) {
      throw wrongUsage('certs', 'Name one server');
    }
    const hosts = [values.host ?? []].flat();
    const odd = hosts.find((host) => isIP(host) === 0 && !/^[a-z\d]([a-z\d.-]{0,251}[a-z\d])?$/i.test(host));
    if (odd !== undefined) throw wrongUsage('certs', `--host takes a name or an address, and not "${odd}"`);
    const days = readInteger('certs', 'days', values.days, { min: 1, max: longestDays }) ?? usualDays;
    const { certsDir, stateDir } = fleetPaths(processEnv);
    makePrivateDir(stateDir);
    const isOnly = values.replace === true;
    const pair = makePair(certsDir, { name, hosts, days, isOnly, now: Date.now() });
    if (json) printJson(pair);
    else tell(name, pair);
    return Promise.resolve(0);
  },
});

function tell(name: string, { server, client, hosts, expires }: Pair): void {
  const [host = 'HOST'] = hosts;
  const shown = host.includes(':') ? `[${host}]` : host;
  print(`${server}   for the server, of ${hosts.join(', ')}`);
  print(`${client}   for its client`);
  print(`Good until ${expires}.`);
  print('');
  print(`There:  scp -r ${server} ${host}:${name}-server`);
  print(`        codex-fleet worker --id ${name} --http 8787 --host 0.0.0.0 --tls ${name}-server`);
  print(
    `Here:   "remote_workers": { "${name}": { "url": "https://${shown}:8787/mcp", "tls": "${client}", … } }`,
  );
}
