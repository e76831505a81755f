/** Numbers in the JSON files of a run. */
import { z } from 'zod';

/** A number; JSON has no NaN and no Infinity: they are written as null, and read as NaN. */
export const jsonNumber: z.ZodType<number> = z
  .number()
  .nullable()
  .transform((x) => x ?? Number.NaN);
