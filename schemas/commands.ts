import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a sha256 in 64 small hexadecimal digits');
const optionWord = z
  .string()
  .regex(
    /^(?:-NUM|--?[A-Za-z0-9][\w-]*(?:=[\w|.-]+|\[=[\w|.-]+\])?)$/,
    'must be an option as in "--all", "--jobs=number", "--color[=any]" or "-NUM"',
  );

const programPins = {
  path: z
    .string()
    .startsWith('/')
    .optional()
    .describe('Where the program must lie, as an absolute path; links are followed on both sides.'),
  sha256: sha256.optional().describe('What its file must hold; looked at before each start.'),
};

/** A command line written out, element by element; a last element `...` stands for any further ones. */
export const exactCommand = z.strictObject({
  argv: z.array(z.string()).min(1),
  trust_arguments: z
    .boolean()
    .optional()
    .describe(
      'That `...` may follow a program that runs what its arguments say (shells, interpreters, `git`, `npm`, `make`).',
    ),
  ...programPins,
});
export type ExactCommand = z.infer<typeof exactCommand>;

export const optionRules = z.strictObject({
  options: z
    .array(optionWord)
    .default([])
    .describe(
      '`--all`, `--jobs=number`, `--out=path`, `--color[=any]`, `--kind=a|b`; `-NUM` is a count such as -5.',
    ),
  operands: z.enum(['none', 'paths', 'any']).default('paths'),
});

export const ownRules = optionRules.extend({
  commands: z
    .record(z.string().regex(/^[A-Za-z0-9][\w:.-]*$/), optionRules)
    .optional()
    .describe('By sub-command; then one must be given.'),
});
export type OwnRules = z.infer<typeof ownRules>;

/** A program by name, with rules of what arguments it may get. */
export const programCommand = z.strictObject({
  binary: z
    .string()
    .regex(/^[A-Za-z0-9][\w.+-]*$/, 'must be a name without a folder; "path" says where it lies'),
  rules: z
    .union([z.literal('shipped'), ownRules])
    .default('shipped')
    .describe('Those that come with the fleet, or your own.'),
  scripts: z
    .array(z.string().regex(/^[\w@.][\w@.:/+-]*$/))
    .default([])
    .describe('npm: the scripts it may run. node: the files it may run, from the folder the run works in.'),
  anywhere: z.boolean().default(false).describe('Whether paths may lead out of the folder the run works in.'),
  ...programPins,
});
export type ProgramCommand = z.infer<typeof programCommand>;

export const allowedCommand = z.union([exactCommand, programCommand]);
export type AllowedCommand = z.infer<typeof allowedCommand>;
