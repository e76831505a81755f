/**
 * What a built-in model may be asked to be beside its published form, and what its parts give to `network`.
 */
import { z } from 'zod';
import type { NetworkConfig } from './network.ts';
import { type SchemeInput, schemeSchema } from './schemeOption.ts';

/** A network but for its name, its images and its classes. */
export type Architecture = Omit<NetworkConfig, 'name' | 'input' | 'classes'>;

/** Choices among the forms that papers and code know. */
export interface Variants {
  /**
   * The k of the LM models, see `linearTwoStep`: 'paper' (default) and 'official' say how it is stored,
   * 'per-channel' learns one for every channel.
   */
  readonly k?: 'paper' | 'official' | 'per-channel' | undefined;
  /**
   * Shortcut where the width changes: 'A' without parameters, 'B' conv1x1 (post-activation: with a norm;
   * pre-activation: after f's first norm-relu, with the places of fb.resnet.torch), 'own' conv1x1 after a
   * norm-relu of its own (pre-activation only). Default: the published one, see the table of presets.
   */
  readonly shortcut?: 'A' | 'B' | 'own' | undefined;
  /**
   * LM models at a stage border: u_{n-1} = P u ('restart', default but for lm_resnext29), or its own
   * projection ('project').
   */
  readonly history?: 'restart' | 'project' | undefined;
  /**
   * FractalNet: norms with scale and shift after convolutions without bias; default false, the released net.
   */
  readonly affine?: boolean | undefined;
  /**
   * Scheme of a ResNet, pre-activation or LM net, by its name or as `{ kind, … }` with its options; a
   * post-activation net rectifies after it. Default: the published one.
   */
  readonly scheme?: SchemeInput | undefined;
  /**
   * Stochastic depth, for every image: the rate, in [0, 1), at which the last residual function is dropped,
   * from 0 at the first in proportion (timm's `drop_path_rate`). In a FractalNet it is the rate of its own
   * drop-path; where a model has stochastic depth it replaces it. Default: as published.
   */
  readonly dropPath?: number | undefined;
}

/** Schema of `Variants`, for options, configuration files and flags. */
export const variantsShape: { readonly [K in keyof Variants]-?: z.ZodType<Variants[K], Variants[K]> } = {
  k: z
    .enum(['paper', 'official', 'per-channel'])
    .optional()
    .describe('the k of an LM model: how it is stored, or one for every channel (default: paper)'),
  shortcut: z
    .enum(['A', 'B', 'own'])
    .optional()
    .describe('shortcut where the width changes (default: as published)'),
  history: z
    .enum(['restart', 'project'])
    .optional()
    .describe('what an LM model does with its history at a stage border (default: as published)'),
  affine: z.boolean().optional().describe('FractalNet: norms with scale and shift (default: false)'),
  scheme: schemeSchema
    .optional()
    .describe('scheme of a ResNet, pre-activation or LM model (default: as published)') as z.ZodType<
    SchemeInput | undefined,
    SchemeInput | undefined
  >,
  dropPath: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe(
      'stochastic depth: rate at which the last residual function is dropped (default: as published)',
    ),
};
