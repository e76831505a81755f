/** What a training truly uses, beside its settings: what settings.json of a run says. */
import type { Dataset } from '../loading/dataset.ts';
import { batchSize, transformOf } from '../loading/loaderSpec.ts';
import type { Model } from '../model/model.ts';
import { must } from '../must.ts';
import { native } from '../native/load.ts';
import { sameJson } from '../run/runState.ts';
import { decodingOf } from '../transforms/decoding.ts';
import { resizedTo } from '../transforms/transforms.ts';
import type { TrainSettings } from './settings.ts';
import { type TrainSets, toTrainOn } from './trainSets.ts';

/** A data set as a training reads it. */
export interface UsedData {
  /** Of what has no `spec`. */
  readonly name: string | undefined;
  /** What it can be opened from again; null for pixels in memory and streams. */
  readonly spec: Readonly<Record<string, unknown>> | null;
  /** Null for a stream. */
  readonly images: number | null;
  /** Where they are others than those of the model, or in another order. */
  readonly classNames?: readonly string[];
  /** [height, width] in a batch, one after the other where they change. */
  readonly sizes: readonly (readonly [height: number, width: number])[];
  /** What happens to an image, its own or the usual; to one of the first size where they change. */
  readonly transform: readonly unknown[];
  readonly exif: boolean;
  readonly sixteenBit: 'scale' | 'clip';
}

/** Plain data: the network and its input, where it computes, the settings, the classes, and the data sets. */
export function usedBy(model: Model, { train, test }: TrainSets, settings: TrainSettings): object {
  const { graph, input, classNames, device, dtype } = model;
  const trained = trainedOn(toTrainOn(train, model, settings), model, settings.sizes);
  return {
    model: graph.name,
    ...settings,
    device,
    dtype,
    threads: native().info().threads,
    input,
    classNames,
    data: { train: trained, test: test === undefined ? null : usedData(test, model, false) },
  };
}

/** A set to train on, whose images have these sizes or their own. */
function trainedOn(data: Dataset, model: Model, sizes: TrainSettings['sizes']): UsedData {
  const used = usedData(data, model, true);
  if (sizes === undefined) return used;
  const transform = resizedTo(transformOf(data, model.input, true), must(sizes[0]));
  return { ...used, sizes: sizes.map((size) => [size, size]), transform };
}

function usedData(data: Dataset, { input, classNames }: Model, training: boolean): UsedData {
  const { name, spec, count: images } = data;
  return {
    name: spec === null ? name : undefined,
    spec,
    images,
    ...(sameJson(data.classNames, classNames) ? {} : { classNames: data.classNames }),
    sizes: [batchSize(data, input, training)],
    transform: transformOf(data, input, training),
    ...decodingOf(data.decoding, input),
  };
}
