/** What an analysis holds: plain data, the JSON form of `lm-resnet analyze`. */
import type { Range } from './coefficients.ts';
import type { Line } from './contour.ts';
import type { StepNorms } from './measure.ts';
import type { LinearOrder } from './multistep.ts';
import type { Characteristic } from './polynomials.ts';
import type { StepKind } from './recurrence.ts';
import type { Complex } from './roots.ts';

/**
 * One step, as a time step of an integrator. Numbers are at the mean of per-channel coefficients where no
 * range is given.
 */
export interface StepAnalysis {
  readonly path: string;
  readonly scheme: string;
  readonly stage: number;
  /** Step n of the whole network, and its depth t in [0, 1]. */
  readonly n: number;
  readonly t: number;
  /** True where width or resolution changes. */
  readonly transition: boolean;
  /** Shape [C, H, W] of the newest state after the step. */
  readonly shape: readonly number[];
  /** Evaluations of f. */
  readonly evaluations: number;
  /** Parameters that the step's coefficients read, with their values as they are stored. */
  readonly learned: readonly { readonly path: string; readonly values: Range }[];
  /** Why the step is no linear recurrence in u and f; null when it is one, and all below is there. */
  readonly reason: string | null;
  readonly kind: StepKind | null;
  /** Characteristic polynomial for f(u) = z u: entry [i][j] stands before zeta^i z^j. */
  readonly polynomial: Characteristic | null;
  /** Its roots at z = 0, as [re, im]. */
  readonly roots: readonly Complex[];
  /** Root condition at z = 0, in every channel. */
  readonly zeroStable: boolean | null;
  /** k_n in the paper's sign, for a step of the form of eq. (1) with u_{n-1}; null for another form. */
  readonly k: Range | null;
  /** first u' + second dt u'' = forcing f; null for methods that are not of this form. */
  readonly modified: { readonly first: Range; readonly second: Range; readonly forcing: Range } | null;
  /** Order on u' = lambda u and the speed there; null when 1 is no simple root. */
  readonly order: LinearOrder | null;
  /**
   * Absolutely stable for z in (-real, 0), and for z = i y with y in (0, imaginary); 64 stands for 64 or
   * more.
   */
  readonly real: number | null;
  readonly imaginary: number | null;
  /** Means over the images; null without images. */
  readonly norms: StepNorms | null;
}

/** One boundary of absolute stability. */
export interface RegionVariant {
  /** 'all' when every step is the same, else where it stands among the steps. */
  readonly which: 'all' | 'least' | 'mean' | 'greatest';
  readonly k: number | null;
  /** Step (and channel) that it is; null for the mean. */
  readonly path: string | null;
  readonly polynomial: Characteristic;
  readonly real: number;
  readonly imaginary: number;
  /** Boundary of the region as lines [x, y]; empty when the region has no inside. */
  readonly lines: readonly Line[];
}

/** The region of absolute stability of the steps of one form. */
export interface Region {
  readonly scheme: string;
  readonly kind: StepKind;
  /** Steps it stands for, and whether they only start a stage, with fewer states than the others. */
  readonly steps: number;
  readonly starting: boolean;
  readonly variants: readonly RegionVariant[];
}

/** Paths of images through the states of one stage, in the plane of their first two principal components. */
export interface StageTrajectories {
  readonly stage: number;
  /** Step that each point is after; the first point of a stage without a transition is its start, n - 1. */
  readonly steps: readonly number[];
  /** Parts of the variance that the two axes hold. */
  readonly explained: readonly [number, number];
  readonly images: readonly {
    readonly name: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
}

/** An analysed model. */
export interface Analysis {
  readonly name: string;
  readonly parameters: number;
  readonly macs: number;
  readonly input: { readonly channels: number; readonly height: number; readonly width: number };
  readonly classes: number;
  readonly schemes: readonly string[];
  readonly stages: readonly {
    readonly stage: number;
    readonly steps: number;
    readonly first: number;
    readonly shape: readonly number[];
  }[];
  readonly steps: readonly StepAnalysis[];
  readonly regions: readonly Region[];
  /** Images that norms and trajectories are from; 0 for none. */
  readonly images: number;
  /** Where the images are from; null when it was not said. */
  readonly data: string | null;
  readonly trajectories: readonly StageTrajectories[];
  /** What does not apply, or is to be kept in mind. */
  readonly notes: readonly string[];
}
