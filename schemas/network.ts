import { z } from 'zod';

const label = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
/** `127.1` and `0x7f000001` are addresses to some programs: no name ends in a number. */
const endsInNumber = '(?:[^:]*\\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)(?::|$)';
const name = `(?!${endsInNumber})${label}(?:\\.${label})*`;
const below = `(?!${endsInNumber})\\*(?:\\.${label}){2,}`;
const ipv4 = `${octet}(?:\\.${octet}){3}`;
const ipv6 = '\\[[0-9A-Fa-f:]{2,39}\\]';
const port = '[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]';

/**
 * A name, `*.` with a name for all below that, an IPv4 address, or an IPv6 address in brackets; then `:PORT`,
 * without which ports 443 and 80 are meant.
 */
export const networkHost = z
  .string()
  .max(259)
  .regex(new RegExp(`^(?:${name}|${below}|${ipv4}|${ipv6})(?::(?:${port}))?$`), {
    error: 'not HOST, *.HOST, HOST:PORT or an address',
  })
  .refine((text) => !text.startsWith('[') || URL.canParse(`http://${text}/`), {
    error: 'not an IPv6 address',
  });

/** All of the network, none of it, or these hosts by a proxy. */
export const networkGrant = z.union([z.boolean(), z.array(networkHost).max(64)]);
export type NetworkGrant = z.infer<typeof networkGrant>;
