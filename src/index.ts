/**
 * lm-resnet: ResNet-family image classifiers as numerical ODE integrators, on libtorch.
 *
 * @packageDocumentation
 */
export { createModel } from './createModel.ts';
export {
  type DatasetName,
  type DatasetRow,
  datasetNames,
  datasets,
  loadDataset,
  type Split,
} from './data/datasets.ts';
export { type ImageSize, readImage, writeImage } from './data/image.ts';
export { channelStatistics, type ImageSet, type ImageSetInput, imageSet } from './data/imageSet.ts';
export { type ErrorCode, errorCodes, isLmError, LmError } from './errors.ts';
export { type Coef, minus, plus, reciprocal, tanh, times } from './graph/coefficients.ts';
export {
  avgPool2d,
  batchNormApply,
  batchNormStats,
  concat,
  conv2d,
  globalAvgPool,
  lin,
  linear,
  maxPool2d,
  padChannels,
  relu,
  slice,
} from './graph/functions.ts';
export { Graph, trace } from './graph/graph.ts';
export { constant as constantInit, heNormal, normal, uniform } from './graph/inits.ts';
export type { Node, Param } from './graph/node.ts';
export type { Scope } from './graph/scope.ts';
export type { GraphSpec, InputSpec, StepRecord } from './graph/spec.ts';
export { type LayerSummary, type Summary, summary } from './graph/summary.ts';
export { type NetworkConfig, network, type StageConfig } from './models/network.ts';
export {
  type PresetName,
  type PresetOptions,
  preset,
  presetConfig,
  presetNames,
  presets,
} from './models/presets.ts';
export type { Dtype, NativeEvaluation as Evaluation, TensorSet } from './native/binding.ts';
export { type InitOptions, init } from './native/load.ts';
export * as nn from './nn/index.ts';
export type { At, Block, BlockFn, Field, Fn, IO, Noise, Scheme, State, Transition } from './roles.ts';
export { Model } from './runtime/model.ts';
export type { ModelOptions, PredictOptions } from './runtime/options.ts';
export type { Guess, Prediction } from './runtime/predictions.ts';
export type { LabelledImages } from './runtime/source.ts';
export { euler } from './schemes/euler.ts';
export { type SchemeName, schemes } from './schemes/index.ts';
export { type LinearTwoStepOptions, linearTwoStep } from './schemes/linearTwoStep.ts';
export { type CurvesOptions, drawCurves, writeCurves } from './train/curves.ts';
export type { CheckpointEvent, EvalEvent, StepEvent, TrainEvent } from './train/events.ts';
export { type MetricsRow, readMetrics } from './train/metrics.ts';
export type { TrainSettings, TrainSettingsInput } from './train/options.ts';
export { type RecipeName, recipe, recipeNames, recipes } from './train/recipes.ts';
export type { TrainResult, TrainRun } from './train/run.ts';
export {
  constant,
  cosine,
  multistep,
  oneCycle,
  type Schedule,
  type ScheduleInput,
} from './train/schedules.ts';
export { type TrainData, type TrainOptions, train } from './train/train.ts';
