import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const request = z.looseObject({ refresh_token: z.string() });
const authFile = z.looseObject({ tokens: z.looseObject({ refresh_token: z.string() }) });

/** A token as Codex reads it; `end` in ms since the epoch. Unsigned: nobody checks it here. */
function token(end: number): string {
  const account = { chatgpt_account_id: 'account', chatgpt_plan_type: 'pro', chatgpt_user_id: 'user' };
  const claims = {
    exp: Math.floor(end / 1000),
    email: 'jane@example.org',
    'https://api.openai.com/auth': account,
  };
  return `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.${encode({})}`;
}

export interface RotatingSignIn {
  /** For CODEX_REFRESH_TOKEN_URL_OVERRIDE. */
  url: string;
  /** Renewals granted, and attempts with a refresh token that was spent already. */
  counts(): { renewed: number; reused: number };
  /** The refresh token in the user's file, and the one that is valid. */
  tokens(): { inFile: string; valid: string };
  close(): Promise<void>;
}

/** A sign-in whose refresh tokens can be used once, as OpenAI's, with an access token that ended already. */
export async function rotatingSignIn(codexHome: string): Promise<RotatingSignIn> {
  let renewed = 0;
  let reused = 0;
  const valid = (): string => `refresh-${String(renewed)}`;
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const spent = request.parse(JSON.parse(Buffer.concat(chunks).toString('utf8'))).refresh_token;
      if (spent !== valid()) {
        reused += 1;
        outgoing.writeHead(400, { 'content-type': 'application/json' });
        outgoing.end('{"error":{"code":"refresh_token_reused"}}');
        return;
      }
      renewed += 1;
      const fresh = token(Date.now() + 3_600_000);
      // Long enough for another process to come with the token that was just spent.
      setTimeout(() => {
        outgoing.writeHead(200, { 'content-type': 'application/json' });
        outgoing.end(JSON.stringify({ id_token: fresh, access_token: fresh, refresh_token: valid() }));
      }, 150);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  mkdirSync(codexHome, { recursive: true, mode: 0o700 });
  const ended = token(Date.now() - 600_000);
  const tokens = { id_token: ended, access_token: ended, refresh_token: valid(), account_id: 'account' };
  const last_refresh = new Date(Date.now() - 20 * 86_400_000).toISOString();
  const file = join(codexHome, 'auth.json');
  writeFileSync(file, JSON.stringify({ auth_mode: 'chatgpt', OPENAI_API_KEY: null, tokens, last_refresh }));
  return {
    url: `http://127.0.0.1:${String(port)}/oauth/token`,
    counts: () => ({ renewed, reused }),
    tokens: () => ({
      inFile: authFile.parse(JSON.parse(readFileSync(file, 'utf8'))).tokens.refresh_token,
      valid: valid(),
    }),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
