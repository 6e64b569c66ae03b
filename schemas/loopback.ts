/** By address: a name may come to mean another. */
export const loopbackHosts: ReadonlySet<string> = new Set(['127.0.0.1', '::1']);
