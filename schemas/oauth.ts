import { z } from 'zod';
import { loopbackHosts } from './loopback.ts';

/** RFC 6749, 3.3: safe between the quotes of a header, too. */
const scopeToken = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/);

/** Nothing secret goes there, but what comes from there lets people in. */
function isSafe(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  const isHere = protocol === 'http:' && loopbackHosts.has(hostname.replaceAll(/^\[|\]$/g, ''));
  return (protocol === 'https:' || isHere) && username === '' && password === '' && hash === '';
}

const safeUrl = z
  .string()
  .max(2_048)
  .refine(isSafe, { error: 'takes https, or http to 127.0.0.1 or ::1, without credentials' });

/** Whose access tokens count, and for what (OAuth 2.1 resource server). */
export const oauth = z.strictObject({
  issuer: safeUrl.describe('The authorization server, exactly as its tokens name it (`iss`).'),
  audience: z
    .string()
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,2048}$/)
    .optional()
    .describe(
      'What a token has to be made for (`aud`); default: the URL it is sent to. Say one where more than one machine takes tokens of this issuer.',
    ),
  jwks: z
    .union([z.string().startsWith('/'), safeUrl])
    .describe('The public keys of the issuer (a JWK Set): a file, or a URL.'),
  scopes: z
    .strictObject({
      read: scopeToken.default('read'),
      run: scopeToken.default('run'),
      admin: scopeToken.default('admin'),
    })
    .prefault({})
    .describe(
      "What the issuer calls the scopes `read`, `run` and `admin`. One's holder may do what is before it.",
    ),
});
export type OAuth = z.infer<typeof oauth>;

/** Of a JWK Set only that it is one: each key is judged when it is used. */
export const keySet = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });
export type KeySet = z.infer<typeof keySet>;
