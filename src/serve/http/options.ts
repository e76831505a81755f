/** Options of the service. */
import { z } from 'zod';
import type { Classifier } from '../classifier.ts';

/** What a request may have, and who may send one. */
export interface ServiceOptions {
  /** Name of the model in answers and in `/v2/models/NAME`, default: that of its network. */
  readonly name?: string | undefined;
  /** Requests need one of these, as `Authorization: Bearer KEY` or `X-Api-Key: KEY`; default: none. */
  readonly apiKey?: string | readonly string[] | undefined;
  /** Images in a request, default 32. */
  readonly maxImages?: number | undefined;
  /** Bytes of a request, default 2^26 (64 MiB). */
  readonly maxBody?: number | undefined;
}

/** Options of `fastifyClassifier`. */
export interface FastifyClassifierOptions extends ServiceOptions {
  /** Answers the requests; who opened it closes it. */
  readonly classifier: Classifier;
}

/** Options of the service, defaults filled in. */
export interface ServiceSettings {
  readonly name?: string | undefined;
  readonly apiKey?: string | readonly string[] | undefined;
  readonly maxImages: number;
  readonly maxBody: number;
}

const key = z.string().min(1);

/** The options of a service, in the schemas that have them. */
export const serviceShape: {
  readonly [K in keyof Required<ServiceSettings>]: z.ZodType<
    ServiceSettings[K],
    ServiceSettings[K] | undefined
  >;
} = {
  name: z
    .string()
    .regex(/^[\w.-]{1,100}$/, { message: 'a name of letters, digits, "_", "-" and "."' })
    .optional()
    .describe("name of the model in answers (default: the network's)"),
  apiKey: key.or(z.array(key).min(1).readonly()).optional().describe('key that requests need'),
  maxImages: z.int().min(1).max(100_000).default(32).describe('images in a request'),
  maxBody: z
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .default(2 ** 26)
    .describe('bytes of a request'),
};

/** Options of a service. */
export const serviceSchema: z.ZodType<ServiceSettings, ServiceOptions> = z.object(serviceShape);
