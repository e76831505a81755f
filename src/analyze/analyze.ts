/** A model seen as the integrator of an ODE. */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import { Graph } from '../graph/graph.ts';
import { summary } from '../graph/summary.ts';
import { must } from '../must.ts';
import type { Analysis, StepAnalysis } from './analysis.ts';
import { coefValues } from './coefficients.ts';
import { type Measured, measure, type Probed } from './measure.ts';
import { notesOf } from './notes.ts';
import { regionsOf } from './regions.ts';
import { analyseSteps, type ParamValues } from './steps.ts';
import { type StageStates, stageStates, trajectories } from './trajectories.ts';

/** What to measure on, beside the weights. */
export interface AnalyzeOptions {
  /**
   * uint8 [n, height, width, channels] of the model's nominal size: norms and trajectories are from these.
   * Default: none.
   */
  readonly images?: Uint8Array | undefined;
  /** Names of the first images; default "image 1", …. */
  readonly names?: readonly string[] | undefined;
  /** Images whose trajectories are drawn, the first ones; default 10. */
  readonly examples?: number | undefined;
  /** Where the images are from, for the page. */
  readonly data?: string | undefined;
}

const optionsSchema = z.strictObject({
  images: z.instanceof(Uint8Array, { message: 'a Uint8Array' }).optional(),
  names: z.array(z.string()).default([]),
  examples: z.int().min(1).max(100).default(10),
  data: z.string().optional(),
});

/**
 * Analyses a model as a time integrator: learned k_n and modified equation of every step, zero-stability,
 * regions of absolute stability, and on images the norm of f per step and the trajectories of their features.
 * It reads the graph, so it works on a checkpoint whose code is gone.
 *
 * @returns plain data; `analysisPage` makes a page of it.
 * @throws ERR_CONFIG for a wrong option, ERR_SHAPE when the images are no whole number of images, and as the
 *   model's `probe`.
 * @example
 * const analysis = await analyze(model, { images: set.images.subarray(0, 32 * 784) });
 * console.log(analysis.steps.map((step) => step.k?.mean));
 */
export async function analyze(model: Probed, options: AnalyzeOptions = {}): Promise<Analysis> {
  const { images, names, examples, data } = parseOptions(optionsSchema, options, 'analyze');
  if (!(model?.graph instanceof Graph)) throw expected('ERR_CONFIG', 'a model', 'model', model);
  const { graph } = model;
  const { channels, height, width } = graph.input;
  const count = imageCount(images, channels * height * width);
  const params = await coefficientParams(model);
  const analysed = analyseSteps(graph, params, coefValues(graph, params));
  const states = stageStates(graph);
  const measured = images === undefined || count === 0 ? null : await measure(model, images, nodeSet(states));
  const shown = Array.from({ length: Math.min(count, examples) }, (_, i) => names[i] ?? `image ${i + 1}`);
  const steps = analysed.map(({ step }, i): StepAnalysis => ({ ...step, norms: measured?.norms[i] ?? null }));
  return {
    name: graph.name,
    ...totals(model),
    input: { channels, height, width },
    classes: graph.classes,
    schemes: [...new Set(steps.map(({ scheme }) => scheme))],
    stages: stagesOf(steps),
    steps,
    regions: regionsOf(analysed),
    images: count,
    data: data ?? null,
    trajectories: paths(measured, states, shown),
    notes: notesOf(graph, steps, count),
  };
}

function imageCount(images: Uint8Array | undefined, size: number): number {
  const count = (images?.length ?? 0) / size;
  if (Number.isInteger(count)) return count;
  throw expected(
    'ERR_SHAPE',
    `a whole number of images, ${size} bytes each,`,
    'images.length',
    images?.length,
  );
}

function totals({ graph }: Probed): { parameters: number; macs: number } {
  const { parameters, macs } = summary(graph).totals;
  return { parameters, macs };
}

/** Values of all parameters that coefficients read. */
async function coefficientParams(model: Probed): Promise<ParamValues> {
  const { coefs, params } = model.graph;
  const paths = coefs.flatMap((coef) => (coef.kind === 'param' ? [must(params[coef.param]).path] : []));
  return new Map(await Promise.all(paths.map(async (path) => [path, await model.readTensor(path)] as const)));
}

function nodeSet(stages: readonly StageStates[]): Set<number> {
  return new Set(stages.flatMap(({ nodes }) => nodes));
}

function paths(
  measured: Measured | null,
  stages: readonly StageStates[],
  names: readonly string[],
): Analysis['trajectories'] {
  return measured === null ? [] : trajectories(stages, measured.means, names);
}

function stagesOf(steps: readonly StepAnalysis[]): Analysis['stages'] {
  return [...new Set(steps.map(({ stage }) => stage))].map((stage) => {
    const own = steps.filter((step) => step.stage === stage);
    return { stage, steps: own.length, first: must(own[0]).n, shape: must(own.at(-1)).shape };
  });
}
