/** The settings of a training as the native trainer takes them; what changes from step to step is in stepTable.ts. */
import type { NativeTrainerSpec } from '../native/binding.ts';
import type { Dataset } from '../runtime/dataset.ts';
import { loaderSpec } from '../runtime/loading.ts';
import type { Model } from '../runtime/model.ts';
import { optimizerSpec } from './optimizerSpec.ts';
import type { TrainSettings } from './options.ts';

/** All that a native trainer of a model on a data set is made with. */
export function trainerSpec(model: Model, data: Dataset, settings: TrainSettings): NativeTrainerSpec {
  const { seed, memory, mixup, cutmix, mixupSwitchProb, loss, smoothing, bceTargetThreshold } = settings;
  return {
    ...{ seed, memory },
    loader: loaderSpec(data, model.input, { ...settings, training: true, device: model.device }),
    optimizer: optimizerSpec(model.graph.params, settings),
    mixing: { mixup, cutmix, switchProb: mixupSwitchProb },
    loss: {
      ...{ kind: loss, smoothing },
      ...(bceTargetThreshold === undefined ? {} : { threshold: bceTargetThreshold }),
    },
  };
}
