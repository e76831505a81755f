/**
 * The settings of a training as the native trainer takes them; what changes from step to step is in
 * stepTable.ts.
 */
import type { ParamSpec } from '../graph/spec.ts';
import type { Dataset } from '../loading/dataset.ts';
import { loaderSpec } from '../loading/loaderSpec.ts';
import { ampFor } from '../model/amp.ts';
import { classesOf } from '../model/core.ts';
import { coreOf, type Model } from '../model/model.ts';
import type { NativeSharing, NativeTrainerSpec } from '../native/binding.ts';
import type { Ranks } from '../ranks/ranks.ts';
import { optimizerSpec } from './optimizer/spec.ts';
import { sharesStatistics } from './ranks/shares.ts';
import type { TrainSettings } from './settings.ts';
import { toTrainOn } from './trainSets.ts';

/** All that a native trainer of a model on a data set is made with. */
export function trainerSpec(
  model: Model,
  data: Dataset,
  settings: TrainSettings,
  ranks?: Ranks,
): NativeTrainerSpec {
  const { clipGrad, clipMode, accumulate, modelEma, amp, capture, deterministic } = settings;
  const { seed, memory, mixup, cutmix, mixupSwitchProb, loss, smoothing, bceTargetThreshold } = settings;
  return {
    seed,
    memory,
    accumulate,
    amp: ampFor(amp, model, memory.kind),
    batches: settings.overfitBatches ?? 0,
    ema: modelEma,
    capture,
    deterministic,
    loader: loaderSpec(toTrainOn(data, model, settings), model.input, {
      ...settings,
      training: true,
      share: ranks,
      device: model.device,
      classes: classesOf(coreOf(model)),
    }),
    ...(ranks === undefined ? {} : { sharing: sharingOf(settings, ranks) }),
    optimizer: optimizerSpec(model.graph.params, settings),
    mixing: { mixup, cutmix, switchProb: mixupSwitchProb },
    loss: {
      kind: loss,
      smoothing,
      ...(bceTargetThreshold === undefined ? {} : { threshold: bceTargetThreshold }),
    },
    ...(clipGrad === undefined
      ? {}
      : { clip: { mode: clipMode, limit: clipGrad, params: allButTheLast(model.graph.params) } }),
  };
}

function sharingOf(settings: TrainSettings, { worldSize }: Ranks): NativeSharing {
  return { syncNorm: sharesStatistics(settings, worldSize), compress: settings.compressGradients };
}

/** Parameters outside the last layer, whose gradients adaptive clipping leaves alone. */
function allButTheLast(params: readonly ParamSpec[]): number[] {
  const layerOf = (path = ''): string => path.split('.').slice(0, -1).join('.');
  const last = layerOf(params.at(-1)?.path);
  return [...params.keys()].filter((i) => layerOf(params[i]?.path) !== last);
}
