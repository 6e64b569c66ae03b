import type { Readable, Writable } from 'node:stream';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  idOf,
  invalidRequest,
  isMessage,
  isTooLong,
  maxMessageBytes,
  messageTooLong,
  parseError,
  rpcFailure,
  tooLong,
  type RpcError,
} from './json-rpc.ts';
import { createLineSplitter } from './line-splitter.ts';

export interface LinePair {
  readable: Readable;
  writable: Writable;
  /** Frees both streams, after what was written has left where that is still possible. Called once. */
  release: () => void;
}

/**
 * MCP over any pair of streams, one JSON-RPC message a line: stdio, and both ends of a Unix socket.
 * The SDK's own stdio transport joins its buffer anew at every chunk, outlives its stdin and dies
 * of EPIPE. A server answers what it cannot read (JSON-RPC 2.0, section 5.1) and stops reading a
 * peer that does not take its replies; a client does neither, or two of us could wait for each other.
 */
export function createLineTransport(pair: LinePair, role: 'server' | 'client'): Transport {
  const { readable, writable } = pair;
  let state: 'new' | 'open' | 'closed' = 'new';

  const write = (line: string): void => {
    const taken = writable.write(`${line}\n`);
    if (!taken && role === 'server') readable.pause();
  };
  /** Not while the peer leaves its replies unread: garbage must not fill our memory. */
  const answer = (error: RpcError, id: string | number | null): void => {
    if (role === 'server' && !writable.writableNeedDrain) write(rpcFailure(error, id));
    transport.onerror?.(new Error(error.message));
  };
  const onLine = (line: Buffer): void => {
    const text = line.toString('utf8');
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      if (text.trim() !== '') answer(parseError, null);
      return;
    }
    if (isMessage(value)) transport.onmessage?.(value);
    else answer(invalidRequest, idOf(value));
  };
  const lines = createLineSplitter({
    maxBytes: maxMessageBytes,
    onLine,
    onTooLong: () => {
      answer(messageTooLong, null);
      finish();
    },
  });
  const onDrain = (): void => {
    readable.resume();
  };
  const finish = (): void => {
    if (state === 'closed') return;
    state = 'closed';
    lines.stop();
    readable.off('data', lines.push).off('end', finish).off('close', finish);
    writable.off('drain', onDrain).off('close', finish);
    pair.release();
    transport.onclose?.();
  };

  const transport: Transport = {
    start: () => {
      if (state !== 'new') return Promise.reject(new Error('A line transport starts once.'));
      state = 'open';
      // The error listeners stay for good: a late EPIPE or ECONNRESET would end the process.
      readable.on('error', finish).on('end', finish).on('close', finish);
      writable.on('error', finish).on('close', finish).on('drain', onDrain);
      readable.on('data', lines.push);
      if (readable.destroyed || writable.destroyed) finish();
      return Promise.resolve();
    },
    send: (message) => {
      if (state !== 'open') return Promise.reject(new Error('Not connected'));
      const line = JSON.stringify(message);
      if (isTooLong(line)) return Promise.reject(tooLong());
      write(line);
      return Promise.resolve();
    },
    close: () => {
      finish();
      return Promise.resolve();
    },
  };
  return transport;
}
