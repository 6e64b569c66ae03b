import { z } from 'zod';

export { errorCodes, type ErrorCode } from './error-codes.ts';

/** The one line of JSON an `isError` result carries as text. */
export const errorBody = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  next: z.string(),
});
export type ErrorBody = z.infer<typeof errorBody>;
