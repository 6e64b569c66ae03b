import { z } from 'zod';

/** `run_` and 21 URL-safe characters (nanoid, 126 bits). */
export const runId = z.string().regex(/^run_[A-Za-z0-9_-]{21}$/);
/** `hdl_` and 21 URL-safe characters. Opaque: never a path, never a digest. */
export const handleId = z.string().regex(/^hdl_[A-Za-z0-9_-]{21}$/);
/** The parent's name for a piece of work; also names the folder `.runs/<taskId>/`. */
export const taskId = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/)
  .refine((id) => id !== '.' && id !== '..', { message: 'must be neither . nor ..' });
/** Name of a worker, a pipeline or a stage. */
export const plainName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
