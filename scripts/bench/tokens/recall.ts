import type { Output } from './output.ts';

export interface Seen {
  seen: number;
  of: number;
}

export interface Recall {
  failures?: Seen;
  messages?: Seen;
  locations?: Seen;
  codes?: Seen;
}

/** How much of what a reader wants stands in a text. */
export function recallOf({ wanted = {} }: Output, text: string): Recall {
  const { failures, messages, locations, codes } = wanted;
  const lines = text.split('\n');
  return {
    ...(failures !== undefined && { failures: count(failures, (one) => text.includes(one)) }),
    ...(messages !== undefined && { messages: count(messages, (one) => text.includes(one)) }),
    ...(locations !== undefined && { locations: count(locations, (one) => text.includes(one)) }),
    ...(codes !== undefined && {
      codes: count(codes, ({ code, count: times, first }) =>
        lines.some(
          (line) => line.includes(code) && line.includes(`×${String(times)}`) && line.includes(first),
        ),
      ),
    }),
  };
}

/** 0…1; nothing wanted counts as all of it. */
export function shareOf(part: Seen | undefined): number {
  return part === undefined || part.of === 0 ? 1 : part.seen / part.of;
}

function count<T>(all: readonly T[], isSeen: (one: T) => boolean): Seen {
  return { seen: all.filter(isSeen).length, of: all.length };
}
