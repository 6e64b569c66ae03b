/** A request of the client that has no answer yet. */
export interface PendingRequest {
  /** JSON text of its id. */
  id: string;
  method: string;
  line: Buffer;
  /** Since when (ms) it waits for a coordinator. */
  waitingFrom: number;
  /** How often it was passed on. */
  sends: number;
}

export interface Pending {
  add(request: PendingRequest): void;
  /** The request, where it was waiting. */
  delete(id: string): PendingRequest | undefined;
  /** In order of arrival; safe to change while reading. */
  all(): PendingRequest[];
  /** From now on every one of them waits. */
  waitFrom(now: number): void;
  readonly size: number;
  readonly bytes: number;
}

export function createPending(): Pending {
  const requests = new Map<string, PendingRequest>();
  let bytes = 0;
  return {
    add: (request) => {
      bytes += request.line.length - (requests.get(request.id)?.line.length ?? 0);
      requests.set(request.id, request);
    },
    delete: (id) => {
      const request = requests.get(id);
      bytes -= request?.line.length ?? 0;
      requests.delete(id);
      return request;
    },
    all: () => [...requests.values()],
    waitFrom: (now) => {
      for (const request of requests.values()) request.waitingFrom = now;
    },
    get size() {
      return requests.size;
    },
    get bytes() {
      return bytes;
    },
  };
}
