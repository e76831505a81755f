/**
 * What a built-in model may be asked to be beside its published form, and what its parts give to `network`.
 */
import type { NetworkConfig } from './network.ts';

/** A network but for its name, its images and its classes. */
export type Architecture = Omit<NetworkConfig, 'name' | 'input' | 'classes'>;

/** Choices among the forms that papers and code know. */
export interface Variants {
  /** How the LM models store k, see `linearTwoStep`; default 'paper'. */
  readonly k?: 'paper' | 'official' | undefined;
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
}
