/** What stands at a pointer's keys in a value; undefined where nothing does. Own properties only. */
export function resolvePointer(value: unknown, keys: readonly string[]): unknown {
  let found = value;
  for (const key of keys) {
    if (Array.isArray(found)) found = /^(?:0|[1-9]\d{0,9})$/.test(key) ? found[Number(key)] : undefined;
    else if (typeof found === 'object' && found !== null && Object.hasOwn(found, key))
      found = ownValue(found, key);
    else return undefined;
  }
  return found;
}

function ownValue(record: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(record, key)?.value;
}
