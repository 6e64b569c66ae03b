/**
 * A boot id names one life of a worker's process, and before a point the boot of its machine, where that
 * is known: `7f3c19ab.V1StGXR8Z5jd`.
 */
export function bootIdOf(machineBoot: string, life: string): string {
  return machineBoot === '' ? life : `${machineBoot.slice(0, machineLength)}.${life}`;
}

/**
 * Whether the machine was started anew between two lives of a worker. What a process wrote without a
 * flush outlives its death, by `kill -9` also, but not that of its machine.
 */
export function machineWentDown(before: string, after: string): boolean {
  const [was, is] = [machineOf(before), machineOf(after)];
  return was !== undefined && is !== undefined && was !== is;
}

const machineLength = 8;

function machineOf(bootId: string): string | undefined {
  return bootId[machineLength] === '.' ? bootId.slice(0, machineLength) : undefined;
}
