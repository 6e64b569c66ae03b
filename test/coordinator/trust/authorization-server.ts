import { createHash, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { SignJWT } from 'jose';
import { onTestFinished } from 'vitest';

export interface SigningKey {
  kid: string;
  alg: 'ES256' | 'RS256' | 'EdDSA';
  key: KeyObject;
}

export function signingKey(kid: string, alg: SigningKey['alg'] = 'ES256'): SigningKey {
  if (alg === 'EdDSA') return { kid, alg, key: generateKeyPairSync('ed25519').privateKey };
  if (alg === 'RS256')
    return { kid, alg, key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey };
  return { kid, alg, key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey };
}

export const publicJwk = ({ kid, key }: SigningKey): object => {
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...open } = key.export({ format: 'jwk' });
  return { ...open, kid, use: 'sig' };
};

/** An authorization server on the loopback address that says what the test says. */
export interface AuthorizationServer {
  issuer: string;
  /** What its key set holds. */
  keys: SigningKey[];
  /** What it does at its key set instead of answering. */
  jwks: 'answers' | 'fails' | 'redirects' | 'floods' | 'hangs';
  jwksAsked: number;
  /** What clients sent to `/token` and `/authorize`. */
  asked: URLSearchParams[];
  sign(claims: object, how?: { by?: SigningKey; header?: object }): Promise<string>;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

export async function authorizationServer(subject = 'alice'): Promise<AuthorizationServer> {
  const codes = new Map<string, URLSearchParams>();
  const http = createServer((request, response) => {
    void answer(request).then(
      ({ status = 200, location, body }) =>
        response
          .writeHead(status, {
            'content-type': 'application/json',
            ...(location !== undefined && { location }),
          })
          .end(typeof body === 'string' ? body : JSON.stringify(body)),
      () => response.destroy(),
    );
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const address = http.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const issuer = `http://127.0.0.1:${String(port)}`;
  const server: AuthorizationServer = {
    issuer,
    keys: [signingKey('first')],
    jwks: 'answers',
    jwksAsked: 0,
    asked: [],
    sign(claims, { by = server.keys[0], header = {} } = {}) {
      if (by === undefined) throw new Error('no key to sign with');
      const head = { alg: by.alg, kid: by.kid, typ: 'at+jwt', ...header };
      return new SignJWT({ ...claims }).setProtectedHeader(head).sign(by.key);
    },
  };

  interface Answer {
    status?: number;
    location?: string;
    body?: unknown;
  }
  async function answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '/', issuer);
    if (url.pathname === '/jwks') return keySet();
    if (url.pathname === '/elsewhere') return { body: { keys: server.keys.map(publicJwk) } };
    if (url.pathname === '/.well-known/oauth-authorization-server') return { body: metadata() };
    if (url.pathname === '/register') {
      return { status: 201, body: { ...Object(JSON.parse(await bodyOf(request))), client_id: 'client' } };
    }
    if (url.pathname === '/authorize') return authorize(url.searchParams);
    if (url.pathname === '/token') return token(new URLSearchParams(await bodyOf(request)));
    return { status: 404, body: {} };
  }
  const metadata = (): object => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
  });
  function keySet(): Answer | Promise<Answer> {
    server.jwksAsked += 1;
    if (server.jwks === 'fails') return { status: 500, body: {} };
    if (server.jwks === 'redirects') return { status: 302, location: `${issuer}/elsewhere`, body: {} };
    if (server.jwks === 'floods') return { body: `{"keys":[],"x":"${'x'.repeat(1_000_000)}"}` };
    if (server.jwks === 'hangs') return new Promise(() => undefined);
    return { body: { keys: server.keys.map(publicJwk) } };
  }
  /** Says yes at once, as a user who has done so before. */
  function authorize(asked: URLSearchParams): Answer {
    server.asked.push(asked);
    const code = randomBytes(8).toString('hex');
    codes.set(code, asked);
    const location = new URL(asked.get('redirect_uri') ?? '');
    location.searchParams.set('code', code);
    location.searchParams.set('state', asked.get('state') ?? '');
    return { status: 302, location: location.href, body: {} };
  }
  async function token(asked: URLSearchParams): Promise<Answer> {
    server.asked.push(asked);
    const begun = codes.get(asked.get('code') ?? '');
    const shown = createHash('sha256')
      .update(asked.get('code_verifier') ?? '')
      .digest('base64url');
    if (begun?.get('code_challenge') !== shown) return { status: 400, body: { error: 'invalid_grant' } };
    const now = Math.floor(Date.now() / 1_000);
    const scope = begun.get('scope') ?? '';
    const claims = { iss: issuer, sub: subject, aud: begun.get('resource'), scope, iat: now, exp: now + 60 };
    return {
      body: { access_token: await server.sign(claims), token_type: 'Bearer', expires_in: 60, scope },
    };
  }
  return server;
}
