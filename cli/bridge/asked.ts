import { replaceId, type Request } from './message.ts';

interface Open {
  /** The coordinator's own id, as JSON text. */
  id: string;
}

/**
 * What coordinators ask of the client. Every coordinator counts its requests from 0, so the client gets
 * each under an id no other had: the answer to one that is gone must never be taken for an answer to
 * the next, which asks something else.
 */
export interface Asked {
  /** The request as the client gets it. */
  pass(request: Request): Buffer;
  /** The client's answer as the coordinator gets it; undefined where nobody waits for it any more. */
  answer(id: string, line: Buffer): Buffer | undefined;
  /** A coordinator takes its request back: the same for the client; undefined where that has answered. */
  takeBack(id: string): string | undefined;
  /** The coordinator is gone: takes back all it had asked. */
  takeAllBack(): string[];
}

export function createAsked(): Asked {
  const open = new Map<string, Open>();
  let count = 0;

  function forget(ownId: string): string {
    open.delete(ownId);
    const params = `{"requestId":${ownId},"reason":"It is no longer asked."}`;
    return `{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`;
  }
  return {
    pass({ id, line }) {
      count += 1;
      open.set(String(count), { id });
      return replaceId(line, String(count));
    },
    answer(ownId, line) {
      const asked = open.get(ownId);
      open.delete(ownId);
      return asked && replaceId(line, asked.id);
    },
    takeBack(id) {
      const found = [...open].find(([, asked]) => asked.id === id);
      return found && forget(found[0]);
    },
    takeAllBack: () => [...open.keys()].map(forget),
  };
}
