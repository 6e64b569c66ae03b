import { networkHost, type NetworkGrant } from '../schemas/network.ts';

/** A host as it is compared: in lower case, without a last dot, an IPv6 address in its shortest form. */
export interface Host {
  name: string;
  isAddress: boolean;
}

interface Rule extends Host {
  /** All names below it, at any depth, and not itself. */
  below: boolean;
  ports: readonly number[];
}

const usualPorts = [443, 80];

/**
 * The host and port of `HOST:PORT` or `HOST`; undefined for what is spelled in any other way than plainly:
 * user names, escapes, other characters than those of names, numbers that some take for an address.
 */
export function parseAuthority(text: string): { host: Host; port: number | undefined } | undefined {
  const plain = text.replace(/\.(?=$|:\d+$)/, '');
  if (text.startsWith('*') || !networkHost.safeParse(plain).success) return undefined;
  const { host, port } = split(plain);
  return { host, port };
}

/** Whether a host is listed with that port. */
export function grants(grant: NetworkGrant, host: Host, port: number): boolean {
  if (typeof grant === 'boolean') return grant;
  return grant.map(ruleOf).some((rule) => rule.ports.includes(port) && covers(rule, host));
}

/** What either grants; everything only where one of them is `true`. */
export function eitherGrant(one: NetworkGrant, other: NetworkGrant): NetworkGrant {
  if (one === true || other === true) return true;
  return plainGrant([...listOf(one), ...listOf(other)].map(ruleOf));
}

/** What both grant. */
export function bothGrant(one: NetworkGrant, other: NetworkGrant): NetworkGrant {
  if (one === true) return other;
  if (other === true) return one;
  const others = listOf(other).map(ruleOf);
  const rules = listOf(one).map(ruleOf);
  return plainGrant(rules.flatMap((rule) => others.flatMap((against) => overlap(rule, against))));
}

/** Whether the one grants nothing the other does not. */
export function grantsNoMore(one: NetworkGrant, other: NetworkGrant): boolean {
  if (one === true || other === true) return other === true;
  const others = listOf(other).map(ruleOf);
  return listOf(one)
    .map(ruleOf)
    .every((rule) =>
      rule.ports.every((port) =>
        others.some((against) => against.ports.includes(port) && isWithin(rule, against)),
      ),
    );
}

function overlap(one: Rule, other: Rule): Rule[] {
  const ports = one.ports.filter((port) => other.ports.includes(port));
  const narrower = isWithin(one, other) ? one : isWithin(other, one) ? other : undefined;
  return narrower === undefined || ports.length === 0 ? [] : [{ ...narrower, ports }];
}

function isWithin(inner: Rule, outer: Rule): boolean {
  if (inner.below && outer.below && inner.name === outer.name) return true;
  return inner.below && !outer.below ? false : covers(outer, inner);
}

function covers(rule: Rule, { name }: Host): boolean {
  return rule.below ? name.endsWith(`.${rule.name}`) : name === rule.name;
}

function listOf(grant: NetworkGrant): readonly string[] {
  return typeof grant === 'boolean' ? [] : grant;
}

function plainGrant(rules: readonly Rule[]): NetworkGrant {
  const texts = [...new Set(rules.map(textOf))];
  return texts.length === 0 ? false : texts;
}

function textOf({ name, below, ports }: Rule): string {
  const host = `${below ? '*.' : ''}${name.includes(':') ? `[${name}]` : name}`;
  return ports.length === 1 ? `${host}:${ports.join('')}` : host;
}

function ruleOf(text: string): Rule {
  const below = text.startsWith('*.');
  const { host, port } = split(below ? text.slice(2) : text);
  return { ...host, below, ports: port === undefined ? usualPorts : [port] };
}

function split(text: string): { host: Host; port: number | undefined } {
  const port = /(?<=^[^:]*|\]):(\d+)$/.exec(text)?.[1];
  const host = (port === undefined ? text : text.slice(0, -port.length - 1)).toLowerCase();
  const isV6 = host.startsWith('[');
  const name = isV6 ? new URL(`http://${host}/`).hostname.slice(1, -1) : host;
  return {
    host: { name, isAddress: isV6 || /\.\d+$/.test(host) },
    port: port === undefined ? undefined : Number(port),
  };
}
