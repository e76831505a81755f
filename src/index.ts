/**
 * lm-resnet: ResNet-family image classifiers as numerical ODE integrators, on libtorch.
 *
 * @packageDocumentation
 */
import './nodeCheck.ts';

export type { Analysis, Region, StageTrajectories, StepAnalysis } from './analyze/analysis.ts';
export { type AnalyzeOptions, analyze } from './analyze/analyze.ts';
export { createModel, type NewModelOptions } from './createModel.ts';
export { type BatchesOptions, batches, type ImageBatch } from './data/batches.ts';
export {
  type DatasetName,
  type DatasetRow,
  datasetNames,
  datasets,
  loadDataset,
  type Split,
} from './data/datasets.ts';
export { channelStatistics, type ImageSet, type ImageSetInput, imageSet } from './data/imageSet.ts';
export { openDataset } from './data/open.ts';
export { type PreviewOptions, writePreview } from './data/preview.ts';
export { type PackOptions, type PackResult, pack } from './data/records/pack.ts';
export { type CheckOptions, checkImages } from './data/scan.ts';
export {
  type DatasetSpec,
  type DatasetSpecInput,
  type HoldOut,
  type ImageFolderSpec,
  type NamedSpec,
  parseDataset,
  type RecordsSpec,
  type WebDatasetSpec,
} from './data/spec.ts';
export { fromAsyncIterable, type StreamOptions, type StreamSample } from './data/stream.ts';
export { type DeepenOptions, type DeepenRule, deepen, type HalfStep, halfStep } from './deepen/deepen.ts';
export { type ErrorCode, errorCodes, isLmError, LmError } from './errors.ts';
export {
  type DetailedEvaluation,
  type DetailOptions,
  evaluateInDetail,
} from './evaluate/evaluateInDetail.ts';
export type { Calibration, ClassScore, ReliabilityBin } from './evaluate/scores.ts';
export type { ExportOptions } from './export/exported.ts';
export { exportOnnx, type OnnxExport } from './export/exportOnnx.ts';
export { exportTorch, type TorchExport } from './export/exportTorch.ts';
export { minus, plus, reciprocal, tanh, times } from './graph/coefficients.ts';
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
export type { Coef, Node, Param } from './graph/node.ts';
export {
  bernoulli,
  dropout,
  dropPath,
  gaussianNoise,
  type MixLaw,
  mix,
  shake,
} from './graph/random.ts';
export type { Scope } from './graph/scope.ts';
export type { GraphSpec, InputSpec, StepRecord } from './graph/spec.ts';
export { type LayerSummary, type Summary, summary } from './graph/summary.ts';
export type { Bytes, ImageFile } from './images/imageFile.ts';
export type { ImageSize } from './images/imageSize.ts';
export { type ImageInput, type ReadImageOptions, readImage } from './images/readImage.ts';
export { type RgbImage, type TransformImageOptions, transformImage } from './images/transformImage.ts';
export { writeImage } from './images/writeImage.ts';
export { type ImportOptions, importTorchvision } from './import/importTorchvision.ts';
export type { TimmModel, TimmName } from './import/namedWeights.ts';
export { Dataset } from './loading/dataset.ts';
export type { Images, LabelledImages } from './loading/images.ts';
export type { LoadingOptions } from './loading/loaderSpec.ts';
export type { MetricsRow } from './metricsRow.ts';
export type { LoadReport } from './model/adapt.ts';
export type { FeatureName } from './model/features.ts';
export type { GivenImages } from './model/givenImages.ts';
export { Model } from './model/model.ts';
export type {
  LoadOptions,
  MemoryStrategy,
  MemoryStrategyInput,
  ModelOptions,
  PredictOptions,
  VjpOptions,
} from './model/options.ts';
export type { Guess, Prediction } from './model/predictions.ts';
export { type NetworkConfig, network, type StageConfig } from './models/network.ts';
export {
  type PresetName,
  type PresetOptions,
  preset,
  presetConfig,
  presetNames,
  presets,
} from './models/presets.ts';
export { type TorchvisionModel, torchvisionModels } from './models/torchvision.ts';
export type { BadImage, Dtype, Evaluation, NativeTraffic as Traffic, TensorSet } from './native/binding.ts';
export { type InitOptions, init } from './native/load.ts';
export * as nn from './nn/index.ts';
export * as noise from './noise/index.ts';
export { type CurvesOptions, drawCurves, type LossKind } from './picture/curves.ts';
export { drawNetwork } from './picture/network.ts';
export { drawRates, type RateSearch } from './picture/rates.ts';
export { writeCurves, writeRates } from './pictureFile.ts';
export type { RankPlace } from './ranks/environment.ts';
export { joinRanks, Ranks, type RanksOptions } from './ranks/ranks.ts';
export { analysisPage } from './report/analysis/page.ts';
export { compareRuns } from './report/run/compareRuns.ts';
export type { Comparison, RunReport } from './report/run/comparison.ts';
export { reportPage } from './report/run/page.ts';
export type { At, Block, BlockFn, Field, Fn, IO, Noise, Scheme, State, Transition } from './roles.ts';
export { type EventFile, type EventFileOptions, openEventFile, type PngImage } from './run/eventFile.ts';
export type {
  CheckpointEvent,
  EvalEvent,
  NoteEvent,
  ResumeEvent,
  StepEvent,
  TrainEvent,
  UnwrittenEvent,
  WarningEvent,
} from './run/events.ts';
export { readMetrics } from './run/metricsLog.ts';
export * from './schemes/index.ts';
export { type BatchSearch, type BatchTrial, type FindBatchOptions, findBatch } from './search/findBatch.ts';
export { type FindRateOptions, findLearningRate } from './search/findLearningRate.ts';
export { Classifier } from './serve/classifier.ts';
export type { ClassifierImage } from './serve/givenImage.ts';
export { type ClassifierHandler, classifierHandler } from './serve/http/handler.ts';
export type { FastifyClassifierOptions, ServiceOptions } from './serve/http/options.ts';
export { fastifyClassifier } from './serve/http/plugin.ts';
export { type ClassifierServer, type ServeOptions, serveClassifier } from './serve/http/server.ts';
export type { ClassifierOptions, ClassifyOptions } from './serve/options.ts';
export type { ClassifierPlan } from './serve/plan.ts';
export type { ClassifierStats, Timing } from './serve/statistics.ts';
export {
  type Recipe,
  type RecipeName,
  type RecipeTransforms,
  recipe,
  recipeNames,
  recipes,
} from './train/recipes.ts';
export { lastGoodCheckpoint } from './train/resume.ts';
export {
  constant,
  cosine,
  linearDecay,
  multistep,
  oneCycle,
  polyDecay,
  type Schedule,
  type ScheduleInput,
  stepDecay,
} from './train/schedules.ts';
export type { TrainSettings, TrainSettingsInput } from './train/settings.ts';
export { type TrainData, type TrainOptions, train } from './train/train.ts';
export type { TrainResult, TrainRun } from './train/trainRun.ts';
export type { Decoding, DecodingInput } from './transforms/decoding.ts';
export {
  type Preprocessing,
  type PreprocessingInput,
  usualEval,
  wholeImage,
} from './transforms/preprocessing.ts';
export {
  cifarTrain,
  imagenetEval,
  imagenetMean,
  imagenetStd,
  imagenetTrain,
  type Transform,
  type TransformInput,
  type TransformOp,
} from './transforms/transforms.ts';
