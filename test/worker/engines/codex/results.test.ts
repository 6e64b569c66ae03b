import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pipeline } from '../../../../schemas/pipeline.ts';
import { resultCheck } from '../../../../servers/worker/engines/codex/check-result.ts';
import { failureCode, tokensSince } from '../../../../servers/worker/engines/codex/exec-events.ts';
import { CapturedOutput } from '../../../../servers/worker/engines/codex/output-capture.ts';
import { codexStage, stagePrompt } from '../../../../servers/worker/engines/codex/prompt.ts';
import { fixFor } from '../../../../servers/worker/engines/codex/prove-sandbox.ts';
import { processEnd, turnFailure } from '../../../../servers/worker/engines/codex/turn-end.ts';
import { scratchFolder } from '../../../helpers/scratch.ts';

describe('a result', () => {
  const check = resultCheck({
    type: 'object',
    properties: { list: { type: 'array', items: { type: 'integer' } } },
    required: ['list'],
    additionalProperties: false,
  });

  it('fits its schema, or says where it does not', () => {
    expect(check('{"list":[1,2]}')).toBeUndefined();
    expect(check('{"list":[1,"2"]}')).toContain('list.1');
    expect(check('{"list":[],"more":1}')).toContain('top level');
    expect(check('Here you are: {}')).toContain('not JSON');
  });

  it.each([{ $ref: 'https://example.com/s.json' }, { type: 'nonsense' }, { not: { type: 'string' } }])(
    'is not asked for by a schema that cannot be checked: %j',
    (schema) => {
      expect(() => resultCheck(schema)).toThrowError(expect.objectContaining({ code: 'INVALID_INPUT' }));
    },
  );
});

describe('the end of a turn', () => {
  it('has the code Codex gave', () => {
    expect(turnFailure({ message: 'a\n b', codexErrorInfo: 'usageLimitExceeded' })).toEqual({
      kind: 'engine',
      code: 'usageLimitExceeded',
      message: 'a b',
    });
    const many = { responseTooManyFailedAttempts: { httpStatusCode: 503 } };
    expect(turnFailure({ message: 'm', codexErrorInfo: many }).code).toBe('responseTooManyFailedAttempts');
    const limited = { responseTooManyFailedAttempts: { httpStatusCode: 429 } };
    expect(turnFailure({ message: 'm', codexErrorInfo: limited }).code).toBe('rateLimitExceeded');
    expect(turnFailure(null).code).toBe('other');
  });

  it('is the end of the process where that came first', () => {
    expect(processEnd({ kind: 'signal', signal: 'SIGKILL' }, '').outcome).toEqual({
      kind: 'signal',
      signal: 'SIGKILL',
    });
    expect(processEnd({ kind: 'exit', code: 1 }, 'a\nlast words\n').error).toMatch(/exit 1 .* last words$/);
  });

  it('is told from the text of codex exec', () => {
    expect(failureCode('exceeded retry limit, last status: 429 Too Many Requests')).toBe('rateLimitExceeded');
    expect(failureCode("You've hit your usage limit")).toBe('usageLimitExceeded');
    expect(failureCode('?')).toBe('other');
  });

  it('counts the tokens since the last one', () => {
    const total = { input_tokens: 30, cached_input_tokens: 6, output_tokens: 3, reasoning_output_tokens: 2 };
    const earlier = {
      input_tokens: 10,
      cached_input_tokens: 1,
      output_tokens: 1,
      reasoning_output_tokens: 0,
    };
    expect(tokensSince(total, undefined)).toEqual(total);
    expect(tokensSince(total, earlier)).toEqual({
      input_tokens: 20,
      cached_input_tokens: 5,
      output_tokens: 2,
      reasoning_output_tokens: 2,
    });
  });
});

describe('the copy of an output', () => {
  it('is read on as it grows, and removed at the end', () => {
    const file = join(scratchFolder(), 'copy');
    const copy = new CapturedOutput(file);
    expect(copy.isThere()).toBe(false);
    let text = '';
    const drain = (): void => copy.drain((chunk) => (text += Buffer.from(chunk).toString()));
    writeFileSync(file, 'a');
    drain();
    writeFileSync(file, 'b', { flag: 'a' });
    drain();
    drain();
    expect(text).toBe('ab');
    copy.close();
    expect(new CapturedOutput(file).isThere()).toBe(false);
  });

  it('is nothing but a plain file of its own', () => {
    const dir = scratchFolder();
    writeFileSync(join(dir, 'secret'), 's');
    symlinkSync(join(dir, 'secret'), join(dir, 'link'));
    linkSync(join(dir, 'secret'), join(dir, 'hard'));
    mkdirSync(join(dir, 'folder'));
    for (const name of ['link', 'hard', 'folder']) {
      expect(new CapturedOutput(join(dir, name)).isThere()).toBe(false);
    }
  });
});

describe('a prompt', () => {
  const recipe = pipeline.parse({
    inputs: { file: { type: 'string' } },
    stages: [{ name: 's', engine: 'codex', prompt: 'Read ${inputs.file}. ${prompt}' }],
  });
  const [stage] = recipe.stages;
  const spec = {
    depth: 0,
    pipeline: 'p',
    task_id: 't',
    cwd: '/w',
    ask: false,
    inputs: { file: '$& ${prompt}' },
    prompt: 'Now $1.',
  };

  it('takes its values literally', () => {
    if (stage === undefined) throw new Error('No stage.');
    expect(stagePrompt(codexStage(stage), recipe, spec)).toBe('Read $& ${prompt}. Now $1.');
    expect(() => stagePrompt({ ...codexStage(stage), prompt: '${inputs.none}' }, recipe, spec)).toThrowError(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    );
    expect(() => stagePrompt({ ...codexStage(stage), prompt: ' ' }, recipe, spec)).toThrowError(/empty/);
  });
});

it('knows the fix for a sandbox that does not start', () => {
  expect(fixFor('bwrap: loopback: Failed RTM_NEWADDR')).toContain('apparmor_restrict_unprivileged_userns');
  expect(fixFor('bwrap: Creating new namespace failed')).toContain('max_user_namespaces');
  expect(fixFor('something else')).toContain('doctor');
});
