/**
 * A scheme and a block of one's own: written, trained, saved, and served without this file. Run by
 * test/examples.test.ts.
 */
import {
  type Block,
  type LabelledImages,
  lin,
  Model,
  minus,
  network,
  nn,
  presetConfig,
  type Scheme,
  train,
  uniform,
} from 'lm-resnet';

/** u_{n+1} = (1 - k) u_n + k u_{n-1} + f(u_n): what a built-in scheme looks like. */
export const damped: Scheme = {
  name: 'damped',
  enter: (history) => history,
  step([u, previous], field, { s }) {
    const f = field();
    if (!previous) return [lin([1, u], [1, f(u)]), u];
    const k = s.param('k', [1], uniform(-0.1, 0));
    return [lin([minus(1, k), u], [k, previous], [1, f(u)]), u];
  },
};

/** f(u) = conv3x3(relu(bn(u))): half a basic block. */
export const half: Block = (s, io) =>
  nn.chain(
    nn.norm(s.at('bn'), io.in),
    nn.relu(s.at('relu')),
    nn.conv(s.at('conv'), { in: io.in, out: io.out, kernel: 3, stride: io.stride }),
  );

/** Trains the net for a few steps and saves it. */
export async function trainAndSave(images: LabelledImages, file: string): Promise<number> {
  const { channels, height, width } = images;
  const config = presetConfig('preact_resnet20', { input: [channels, height, width] });
  const model = await Model.create(network({ ...config, name: 'damped20', scheme: damped, block: half }));
  const { loss } = await train(model, { train: images }, { batch: 8, steps: 4 });
  await model.save(file);
  await model.close();
  return loss;
}
