import { array, assert, constantFrom, json, property, record, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMembers } from '../../cli/bridge/json-members.ts';
import { addCallMeta, readMessage, readParam, replaceId } from '../../cli/bridge/message.ts';

const call = { id: 'b.1', cwd: '/home/jane', depth: 0 };

function parse(line: Buffer): unknown {
  return JSON.parse(line.toString('utf8'));
}

/** Any JSON value, written with spaces in any place JSON allows them. */
const spaced = record({ text: json(), space: constantFrom('', ' ', '\t', '  ') }).map(({ text, space }) => {
  const value: unknown = JSON.parse(text);
  return JSON.stringify(value, undefined, space);
});

describe('readMembers', () => {
  it('finds each member of any object, where JSON.parse finds it', () => {
    const members = array(record({ key: string(), value: spaced }), { maxLength: 6 });
    assert(
      property(members, constantFrom('', ' ', ' \t'), (pairs, space) => {
        const text = `{${pairs.map(({ key, value }) => `${space}${JSON.stringify(key)}${space}:${space}${value}${space}`).join(',')}}`;
        const bytes = Buffer.from(text);
        const found = readMembers(bytes, 0);
        const read = new Map(
          [...(found?.members ?? [])].map(([key, { start, end }]) => [
            key,
            JSON.parse(bytes.toString('utf8', start, end)),
          ]),
        );
        expect(read).toEqual(new Map(Object.entries(JSON.parse(text))));
        expect(found?.close).toBe(bytes.length - 1);
      }),
    );
  });

  it.each([
    '',
    '[]',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a" 1}',
    '{"a":1,}',
    '{"a":"',
    '{a:1}',
    'null',
    '{"a":}',
  ])('takes %j for no object, and ends', (text) => {
    expect(readMembers(Buffer.from(text), 0)).toBeUndefined();
  });
});

describe('readMessage', () => {
  it.each([
    ['{"jsonrpc":"2.0","id":1,"method":"ping"}', { kind: 'request', id: '1', method: 'ping' }],
    ['{"method":"ping","id":"1"}', { kind: 'request', id: '"1"', method: 'ping' }],
    ['{"method":"notifications/x"}', { kind: 'notification', method: 'notifications/x' }],
    ['{"result":{"id":7,"method":"no"},"id":2}', { kind: 'response', id: '2' }],
    ['{"error":{"code":1},"id":"a\\"b"}', { kind: 'response', id: '"a\\"b"' }],
    ['[{"id":1,"method":"ping"}]', { kind: 'other' }],
    ['{"result":{},"id":null}', { kind: 'other' }],
    ['not json', { kind: 'other' }],
  ])('reads %s', (text, expected) => {
    expect(readMessage(Buffer.from(text))).toMatchObject(expected);
  });

  it('reads a parameter, and none where there is none', () => {
    const line = Buffer.from('{"params":{"requestId":4,"deep":{"a":1}},"method":"x"}');
    expect(readParam(line, 'requestId')).toBe(4);
    expect(readParam(line, 'deep')).toBeUndefined();
    expect(readParam(Buffer.from('{"method":"x"}'), 'requestId')).toBeUndefined();
  });
});

describe('addCallMeta', () => {
  it.each([
    ['{"params":{"name":"x"}}', '{"params":{"name":"x","_meta":{"codex-fleet/call":@}}}'],
    ['{"params":{}}', '{"params":{"_meta":{"codex-fleet/call":@}}}'],
    ['{ "params" : { "_meta" : { } } }', '{ "params" : { "_meta" : { "codex-fleet/call":@} } }'],
    [
      '{"params":{"_meta":{"progressToken":1},"n":1.0}}',
      '{"params":{"_meta":{"progressToken":1,"codex-fleet/call":@},"n":1.0}}',
    ],
    ['{"id":1}', '{"id":1}'],
    ['{"params":[1]}', '{"params":[1]}'],
  ])('adds to %s and leaves every other byte', (before, after) => {
    expect(addCallMeta(Buffer.from(before), call).toString()).toBe(after.replace('@', JSON.stringify(call)));
  });

  it('wins over what the caller put there', () => {
    const line = Buffer.from('{"params":{"_meta":{"codex-fleet/call":{"cwd":"/etc"}}}}');
    expect(parse(addCallMeta(line, call))).toEqual({ params: { _meta: { 'codex-fleet/call': call } } });
  });

  it('changes nothing else of any call', () => {
    assert(
      property(json(), json(), (args, other) => {
        const line = Buffer.from(`{"params":{"arguments":${args}},"other":${other}}`);
        const { params, ...rest } = JSON.parse(addCallMeta(line, call).toString());
        expect(params).toEqual({ arguments: JSON.parse(args), _meta: { 'codex-fleet/call': call } });
        expect(rest).toEqual({ other: JSON.parse(other) });
      }),
    );
  });
});

it('replaceId changes the id alone', () => {
  const line = Buffer.from('{"id": 12 ,"method":"initialize","params":{"id":3}}');
  expect(replaceId(line, '"b"').toString()).toBe('{"id": "b" ,"method":"initialize","params":{"id":3}}');
});
