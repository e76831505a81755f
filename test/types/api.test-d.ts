/** What the compiler knows about the public API. */
import { describe, expectTypeOf, it } from 'vitest';
import {
  type Block,
  type CheckpointEvent,
  constant,
  cosine,
  createModel,
  type Dataset,
  type EvalEvent,
  exportOnnx,
  exportTorch,
  type Field,
  type Graph,
  type ImageSet,
  importTorchvision,
  isLmError,
  type LabelledImages,
  lin,
  loadDataset,
  type Model,
  minus,
  type NoteEvent,
  network,
  nn,
  type Prediction,
  type PresetName,
  preset,
  presetConfig,
  type ResumeEvent,
  recipe,
  type Scheme,
  type StepEvent,
  type TensorSet,
  type TimmName,
  type TrainEvent,
  type TrainOptions,
  type TrainResult,
  train,
  type UnwrittenEvent,
  uniform,
  type WarningEvent,
} from '../../src/index.ts';

declare const model: Model;
declare const images: ImageSet;

describe('names', () => {
  it('of presets are a union', () => {
    expectTypeOf<'lm_resnet20' | 'preact_resnet164'>().toExtend<PresetName>();
    expectTypeOf<string>().not.toExtend<PresetName>();
    // @ts-expect-error: no such preset
    preset('lm_resnet21');
    // @ts-expect-error: no such preset
    void createModel('resnet21');
    // @ts-expect-error: no such recipe
    recipe('mnist');
  });

  it('that are none are told which are like them', () => {
    expectTypeOf(preset<'lm_resnet21'>)
      .parameter(0)
      .toEqualTypeOf<'lm_resnet20' | 'lm_resnet200'>();
    expectTypeOf(presetConfig<'revnet'>)
      .parameter(0)
      .toEqualTypeOf<Extract<PresetName, `revnet${number}`>>();
    expectTypeOf(createModel<'polynett'>)
      .parameter(0)
      .toEqualTypeOf<'polynet'>();
    expectTypeOf(createModel<'vgg'>)
      .parameter(0)
      .toEqualTypeOf<PresetName>();
    expectTypeOf(recipe<'mnist-onecyle'>)
      .parameter(0)
      .toEqualTypeOf<'mnist-onecycle'>();
    expectTypeOf(loadDataset<'mnits'>)
      .parameter(0)
      .toEqualTypeOf<'mnist'>();
    expectTypeOf(importTorchvision<'resnet51'>)
      .parameter(0)
      .toEqualTypeOf<Extract<TimmName, `resnet5${string}`>>();
    expectTypeOf(preset<PresetName>)
      .parameter(0)
      .toEqualTypeOf<PresetName>();
  });

  it('of tensor sets are a union', () => {
    expectTypeOf<TensorSet>().toEqualTypeOf<'value' | 'gradient' | 'momentum' | 'secondMoment' | 'ema'>();
    expectTypeOf(model.readTensor).parameter(1).toEqualTypeOf<TensorSet | undefined>();
    // @ts-expect-error: no such set
    void model.readTensor('head.fc.weight', 'average');
  });
});

describe('exports', () => {
  it('take a model or a path, and say what was written', () => {
    expectTypeOf(exportOnnx).parameter(0).toEqualTypeOf<Model | string>();
    expectTypeOf(exportTorch).returns.resolves.toHaveProperty('module').toEqualTypeOf<string | null>();
    // @ts-expect-error: no such weights
    void exportOnnx(model, 'model.onnx', { weights: 'momentum' });
  });
});

describe('options', () => {
  it('of a model are checked', () => {
    expectTypeOf(
      createModel('lm_resnet20', { device: 'cuda:1', classes: 10 }),
    ).resolves.toEqualTypeOf<Model>();
    void createModel('lm_resnet20', { data: images });
    void createModel('lm_resnet20', { classNames: ['cat', 'dog'] });
    // @ts-expect-error: no such precision
    void createModel('lm_resnet20', { dtype: 'float16' });
    // @ts-expect-error: no such device
    void createModel('lm_resnet20', { device: 'gpu' });
    // @ts-expect-error: three sizes
    preset('lm_resnet20', { input: [28, 28] });
  });

  it('of a training are checked', () => {
    const options: TrainOptions = { epochs: 2, schedule: { kind: 'multistep', milestones: [1] } };
    train(
      model,
      { train: images, test: images },
      { ...options, schedule: cosine(), signal: AbortSignal.abort() },
    );
    train(model, { train: images }, { ...recipe('mnist-onecycle'), schedule: constant() });
    train(model, { train: images }, { schedule: 'cosine', memory: 'recompute' });
    // @ts-expect-error: no such schedule
    train(model, { train: images }, { schedule: 'cosin' });
    // @ts-expect-error: a multistep schedule has no default
    train(model, { train: images }, { schedule: 'multistep' });
    // @ts-expect-error: a multistep schedule needs milestones
    train(model, { train: images }, { schedule: { kind: 'multistep' } });
    // @ts-expect-error: no such option
    train(model, { train: images }, { learningRate: 0.1 });
    // @ts-expect-error: the images to train on are missing
    train(model, { test: images });
  });

  it('take any labelled images, those of imageSet among them', () => {
    expectTypeOf<ImageSet>().toExtend<LabelledImages>();
    expectTypeOf(model.evaluate).parameter(0).toEqualTypeOf<LabelledImages | Dataset>();
  });
});

describe('a training', () => {
  it('is awaited for its result and iterated for its events', async () => {
    const run = train(model, { train: images });
    expectTypeOf(await run).toEqualTypeOf<TrainResult>();
    expectTypeOf(run.stop()).resolves.toEqualTypeOf<TrainResult>();
    expectTypeOf<TrainResult['evaluation']>().extract<null>().toBeNull();
    for await (const event of run) expectTypeOf(event).toEqualTypeOf<TrainEvent>();
  });

  it('has events that are told apart by their type', () => {
    const told = (event: TrainEvent): void => {
      // @ts-expect-error: not every event has a loss
      void event.loss;
      if (event.type === 'step') expectTypeOf(event).toEqualTypeOf<StepEvent>();
      else if (event.type === 'eval') expectTypeOf(event).toEqualTypeOf<EvalEvent>();
      else if (event.type === 'checkpoint') expectTypeOf(event).toEqualTypeOf<CheckpointEvent>();
      else if (event.type === 'resume') expectTypeOf(event).toEqualTypeOf<ResumeEvent>();
      else if (event.type === 'note') expectTypeOf(event).toEqualTypeOf<NoteEvent>();
      else if (event.type === 'unwritten') expectTypeOf(event).toEqualTypeOf<UnwrittenEvent>();
      else expectTypeOf(event).toEqualTypeOf<WarningEvent>();
    };
    expectTypeOf(told).returns.toBeVoid();
  });
});

describe('a model', () => {
  it('predicts typed guesses', async () => {
    const [first] = await model.predict(new Uint8Array());
    expectTypeOf(first).toEqualTypeOf<Prediction | undefined>();
    expectTypeOf<Prediction['top'][number]['probability']>().toBeNumber();
    // @ts-expect-error: pixels are bytes
    void model.predict([1, 2, 3]);
  });

  it('is disposed of at the end of a block', () => {
    expectTypeOf<Model>().toExtend<AsyncDisposable>();
  });

  it('cannot be changed by assignment', () => {
    // @ts-expect-error: read-only
    model.classNames = [];
    // @ts-expect-error: read-only
    model.graph.nodes[0] = model.graph.nodes[1];
  });
});

describe('the roles', () => {
  it('accept a scheme as the design writes it', () => {
    const damped: Scheme = {
      name: 'damped',
      enter: (h) => h,
      step([u, prev], field, { s }) {
        const f = field();
        if (!prev) return [lin([1, u], [1, f(u)]), u];
        const k = s.param('k', [1], uniform(-0.1, 0));
        return [lin([minus(1, k), u], [k, prev], [1, f(u)]), u];
      },
    };
    expectTypeOf(network({ ...presetConfig('lm_resnet20'), scheme: damped })).toEqualTypeOf<Graph>();
  });

  it('accept a block that is one function, and a field with other sizes', () => {
    const block: Block = (s, io) => nn.conv(s, { in: io.in, out: io.out, kernel: 3, stride: io.stride });
    expectTypeOf(network({ ...presetConfig('lm_resnet20'), block })).toEqualTypeOf<Graph>();
    expectTypeOf<Field>().toBeCallableWith({ stride: 2 });
  });

  it('refuse a scheme that returns no state', () => {
    // @ts-expect-error: a state is a list of nodes
    const wrong: Scheme = { name: 'wrong', step: ([u]) => u };
    expectTypeOf(wrong).toEqualTypeOf<Scheme>();
  });
});

describe('an error', () => {
  it('is narrowed by isLmError', () => {
    const read = (error: unknown): string => {
      if (!isLmError(error, 'ERR_CHECKPOINT')) return '';
      expectTypeOf(error.hint).toEqualTypeOf<string | undefined>();
      return error.message;
    };
    // @ts-expect-error: no such code
    isLmError(new Error(), 'ERR_NOTHING');
    expectTypeOf(read).returns.toBeString();
  });
});
