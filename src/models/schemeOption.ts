/** Schemes by their names, as an option of built-in models: one row each. */
import { z } from 'zod';
import { kindOrObject } from '../check.ts';
import type { Scheme } from '../roles.ts';
import {
  adamsBashforth2,
  euler,
  type LinearTwoStepOptions,
  leapfrog,
  linearTwoStep,
  type MomentumOptions,
  midpoint,
  momentum,
  mpoly,
  poly,
  type RungeKuttaOptions,
  rungeKutta,
  type TableauName,
  type ThreeStepOptions,
  tableaus,
  threeStep,
  way,
} from '../schemes/index.ts';

/** The number of terms of a polynomial scheme. */
interface Terms {
  readonly m?: number;
  readonly scale?: number;
}

/** Options of every scheme that one state or a history of states will do for. */
interface SchemeOptions extends Record<TableauName, RungeKuttaOptions> {
  readonly euler: object;
  readonly linearTwoStep: LinearTwoStepOptions;
  readonly leapfrog: object;
  readonly midpoint: object;
  readonly momentum: MomentumOptions;
  readonly adamsBashforth2: object;
  readonly threeStep: ThreeStepOptions;
  readonly poly: Terms;
  readonly mpoly: Terms;
  readonly way: Terms;
}

type Kind = keyof SchemeOptions;

/** A scheme by its name, with options of its own. */
export type SchemeChoice = { [K in Kind]: { readonly kind: K } & SchemeOptions[K] }[Kind];

/** A scheme as it may be written: its name alone does. */
export type SchemeInput = Kind | SchemeChoice;

interface Row<Options> {
  readonly shape: z.ZodRawShape;
  readonly make: (options: Options) => Scheme;
}

const terms = { m: z.int().min(1).max(16).optional(), scale: z.number().optional() };
const alone = (scheme: Scheme): Row<object> => ({ shape: {}, make: () => scheme });
const tableau = (name: TableauName): Row<RungeKuttaOptions> => ({
  shape: { share: z.boolean().optional() },
  make: (options) => rungeKutta(name, options),
});

const rows: { readonly [K in Kind]: Row<SchemeOptions[K]> } = {
  euler: alone(euler),
  linearTwoStep: {
    shape: {
      per: z.enum(['layer', 'channel']).optional(),
      init: z.tuple([z.number(), z.number()]).readonly().optional(),
      parameterization: z.enum(['paper', 'official']).optional(),
      bounded: z.enum(['tanh', 'none']).optional(),
      scaling: z.enum(['consistent', 'none']).optional(),
    },
    make: linearTwoStep,
  },
  leapfrog: alone(leapfrog),
  midpoint: alone(midpoint),
  momentum: { shape: { gamma: z.number().optional() }, make: momentum },
  adamsBashforth2: alone(adamsBashforth2),
  threeStep: { shape: { c: z.number().optional(), trained: z.boolean().optional() }, make: threeStep },
  poly: { shape: terms, make: ({ m, ...options }) => poly(m, options) },
  mpoly: { shape: terms, make: ({ m, ...options }) => mpoly(m, options) },
  way: { shape: terms, make: ({ m, ...options }) => way(m, options) },
  ...(Object.fromEntries(
    (Object.keys(tableaus) as TableauName[]).map((name) => [name, tableau(name)]),
  ) as Record<TableauName, Row<RungeKuttaOptions>>),
};

const kinds = Object.keys(rows) as Kind[];
const objects = kinds.map((kind) => z.strictObject({ kind: z.literal(kind), ...rows[kind].shape }));

/** Schema of a scheme by its name. */
export const schemeSchema: z.ZodType<SchemeChoice, SchemeInput> = kindOrObject(
  z.discriminatedUnion('kind', objects as unknown as [z.ZodObject, ...z.ZodObject[]]) as unknown as z.ZodType<
    SchemeChoice,
    SchemeChoice
  >,
);

/**
 * The scheme of a choice.
 *
 * @throws ERR_CONFIG as the scheme.
 */
export function schemeOf({ kind, ...options }: SchemeChoice): Scheme {
  const { make } = rows[kind] as Row<object>;
  return make(options);
}
