/**
 * What a run tells TensorBoard: its events as scalars, k_n of all steps as a histogram, some of its images.
 */
import { kOfSteps } from '../analyze/steps.ts';
import type { Graph } from '../graph/graph.ts';
import type { Dataset } from '../loading/dataset.ts';
import type { CoefficientsRow } from '../metricsRow.ts';
import type { NativeLoaderSpec } from '../native/binding.ts';
import { native } from '../native/load.ts';
import type { EventFile } from './eventFile.ts';
import type { TrainEvent } from './events.ts';

/** Training images that are shown. */
const samples = 8;

/** Writes the numbers of an event. */
export async function boardEvent(board: EventFile, event: TrainEvent): Promise<void> {
  if (event.type === 'step') {
    const { step, loss, top1, lr, imagesPerSecond } = event;
    await board.scalars(step, { 'train/loss': loss, 'train/top1': top1, lr, imagesPerSecond });
  } else if (event.type === 'eval') {
    const { step, loss, top1, top5, ema } = event;
    const averaged =
      ema === undefined ? {} : { 'ema/loss': ema.loss, 'ema/top1': ema.top1, 'ema/top5': ema.top5 };
    await board.scalars(step, { 'test/loss': loss, 'test/top1': top1, 'test/top5': top5, ...averaged });
  }
}

/** Writes k_n of all steps, in the paper's sign; nothing for a network without. */
export async function boardCoefficients(
  board: EventFile,
  graph: Graph,
  { step, values }: CoefficientsRow,
): Promise<void> {
  const ks = kOfSteps(graph, new Map(Object.entries(values)));
  if (ks.length > 0)
    await board.histogram(
      step,
      'k',
      ks.flatMap((k) => k.values),
    );
}

/**
 * Writes the first images of the first batch as training gets them, augmented, with their classes in the
 * tags; none of a stream, whose images can be read only once.
 */
export async function boardSamples(
  board: EventFile,
  data: Dataset,
  spec: NativeLoaderSpec,
  classNames: readonly string[],
): Promise<void> {
  if (data.count === null) return;
  const { height, width } = spec;
  const channels = spec.channels === 1 ? 1 : 3;
  const few = { batch: Math.min(samples, spec.batch), workers: 0, pinned: false };
  const { default: sharp } = await import('sharp');
  const loader = new (native().Loader)(data.source, { ...spec, ...few });
  try {
    const { pixels, labels } = await loader.at(0);
    for (const [i, label] of labels.entries()) {
      const size = height * width * channels;
      const one = pixels.subarray(i * size, (i + 1) * size);
      const png = await sharp(one, { raw: { height, width, channels } })
        .toColourspace(channels === 1 ? 'b-w' : 'srgb')
        .png()
        .toBuffer();
      const tag = `samples/${i} ${classNames[label] ?? label}`;
      await board.image(0, tag, { png, height, width, channels });
    }
  } finally {
    loader.close();
  }
}
