import { writeFileSync } from 'node:fs';
import { defineCommand, wrongUsage } from '../command.ts';
import { readInteger } from '../options.ts';
import { formatAge, print, printJson, table } from '../output.ts';
import { FleetError } from '../../core/errors.ts';
import {
  addToken,
  defaultOwner,
  defaultTokenId,
  revokeToken,
  rotateToken,
} from '../../core/trust/token-list.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths, makePrivateDir, type FleetPaths } from '../../platform/paths.ts';
import { changeTokens, newToken, readTokens, tokenDigest } from '../../platform/tokens.ts';
import { plainName } from '../../schemas/ids.ts';
import { scope, sha256Hex, type Scope, type TokenRecord } from '../../schemas/principal.ts';

const dayMs = 86_400_000;
/** Leaves room for what marks the one before it. */
const tokenName = plainName.max(48);

export const token = defineCommand({
  name: 'token',
  usage: '[OPTIONS] list | add NAME | rotate NAME | revoke NAME',
  about:
    'Who may use the URL of the fleet. Each token belongs to an owner, who alone sees the runs started with it;\n' +
    'scope `read` looks, `run` starts and steers (the default), `admin` does both for the runs of all owners.\n' +
    'A token is shown once and kept as a hash. After `rotate` the one before it is valid for another 24 h;\n' +
    '`default` is the one in http-secret in the state folder.',
  examples: [
    'codex-fleet token add jane',
    'codex-fleet token add night-watch --owner jane --scope read --days 30',
    'codex-fleet token rotate default',
  ],
  options: {
    owner: { type: 'string', value: 'OWNER', about: 'Whose runs; default the name' },
    scope: { type: 'string', value: 'SCOPE', about: 'read, run or admin' },
    days: { type: 'string', value: 'N', about: 'Valid for so long; default without end' },
    certificate: {
      type: 'string',
      value: 'SHA256',
      about: 'Valid only with the client certificate of this fingerprint',
    },
  },
  run: async ({ values, positionals, json }) => {
    const [action = 'list', name, ...more] = positionals;
    if (more.length > 0) throw wrongUsage('token', 'Name one token');
    const paths = fleetPaths(processEnv);
    makePrivateDir(paths.stateDir);
    if (action === 'list' && name === undefined) return list(paths, json);
    if (name === undefined || !tokenName.safeParse(name).success) {
      throw wrongUsage('token', 'A name takes up to 48 letters, digits, dots, dashes, underscores');
    }
    const forMs = readInteger('token', 'days', values.days, { min: 1, max: 36_500, unit: dayMs });
    switch (action) {
      case 'add': {
        const owner = values.owner ?? name;
        if (!plainName.safeParse(owner).success) throw wrongUsage('token', `"${owner}" is no name`);
        const certificate = readCertificate(values.certificate);
        const wanted = { id: name, owner, scope: readScope(values.scope), certificate, forMs };
        return show(name, await add(paths, wanted), json);
      }
      case 'rotate':
        return show(name, await rotate(paths, name), json);
      case 'revoke':
        return revoke(paths, name, json);
      default:
        throw wrongUsage('token', `"${action}" is none of list, add, rotate, revoke`);
    }
  },
});

function list({ tokenFile }: FleetPaths, json: boolean): number {
  const now = Date.now();
  const tokens = readTokens(tokenFile).filter(({ expires_at: end }) => end === undefined || end > now);
  if (json) printJson(tokens.map((one) => ({ ...one, sha256: undefined })));
  else
    print(
      table(
        ['NAME', 'OWNER', 'SCOPE', 'AGE', 'VALID FOR'],
        tokens.map((one) => rowOf(one, now)),
      ),
    );
  return 0;
}

function rowOf({ id, owner, scope: may, created_at: made, expires_at: end }: TokenRecord, now: number) {
  return [id, owner, may, formatAge(now - made), end === undefined ? 'ever' : formatAge(end - now)];
}

interface Wanted {
  id: string;
  owner: string;
  scope: Scope;
  certificate: string | undefined;
  forMs: number | undefined;
}

async function add({ tokenFile }: FleetPaths, { certificate, forMs, ...wanted }: Wanted): Promise<string> {
  const secret = newToken();
  const now = Date.now();
  return changeTokens(tokenFile, now, (tokens) => {
    if (wanted.id === defaultTokenId || tokens.some(({ id }) => id === wanted.id)) {
      throw new FleetError('CONFLICT', `There is a token "${wanted.id}".`, {
        next: 'Rotate it, or revoke it.',
      });
    }
    const added = addToken(tokens, {
      ...wanted,
      sha256: tokenDigest(secret),
      now,
      ...(forMs !== undefined && { expires_at: now + forMs }),
      ...(certificate !== undefined && { certificate }),
    });
    return { tokens: added, result: secret };
  });
}

async function rotate({ tokenFile, secretFile }: FleetPaths, name: string): Promise<string> {
  const secret = newToken();
  const now = Date.now();
  return changeTokens(tokenFile, now, (known) => {
    const tokens = rotateToken(known, name, tokenDigest(secret), now);
    if (tokens === undefined) throw noToken(name);
    if (name === defaultTokenId) writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
    return { tokens, result: secret };
  });
}

/** The default token is replaced: the user's own clients need one. */
async function revoke({ tokenFile, secretFile }: FleetPaths, name: string, json: boolean): Promise<number> {
  const now = Date.now();
  await changeTokens(tokenFile, now, (known) => {
    const tokens = revokeToken(known, name);
    if (tokens === undefined) throw noToken(name);
    if (name !== defaultTokenId) return { tokens, result: undefined };
    const secret = newToken();
    writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
    const fresh = { id: name, owner: defaultOwner, scope: 'run' as const, sha256: tokenDigest(secret), now };
    return { tokens: addToken(tokens, fresh), result: undefined };
  });
  if (json) printJson({ revoked: name });
  else if (name === defaultTokenId) print(`Revoked; ${secretFile} holds another from now on.`);
  else print(`Revoked: ${name}`);
  return 0;
}

function show(name: string, secret: string, json: boolean): number {
  if (json) printJson({ name, token: secret });
  else print(secret);
  return 0;
}

function readScope(value: string | undefined): Scope {
  const parsed = scope.safeParse(value ?? 'run');
  if (parsed.success) return parsed.data;
  throw wrongUsage('token', '--scope is read, run or admin');
}

function readCertificate(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const parsed = sha256Hex.safeParse(value.replaceAll(':', '').toLowerCase());
  if (parsed.success) return parsed.data;
  throw wrongUsage('token', '--certificate is a SHA-256 fingerprint: 64 hex digits');
}

function noToken(name: string): FleetError {
  return new FleetError('NOT_FOUND', `There is no token "${name}".`, {
    next: '`codex-fleet token list` shows those there are.',
  });
}
