import { describe, expect, it } from 'vitest';
import type { Model } from '../../src/model/model.ts';
import type { StepEvent, TrainEvent } from '../../src/run/events.ts';
import { type TrainOptions, train } from '../../src/train/train.ts';
import type { TrainRun } from '../../src/train/trainRun.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { askNode, dist } from '../support/libtorch.ts';
import { noiseBytes } from '../support/noise.ts';
import { loaded, noise, tensorsOf, tinyModel } from '../support/training.ts';

const data = { train: noise(32) };
/** 8 steps; 2 of them an epoch, and an event at least at the end of every epoch. */
const short: TrainOptions = { epochs: 4, batch: 16 };
/** So long that only a stop ends it. */
const endless: TrainOptions = { epochs: 1_000_000, batch: 16 };

async function all(run: TrainRun): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of run) events.push(event);
  return events;
}

const steps = (events: readonly TrainEvent[]): StepEvent[] => events.filter((event) => event.type === 'step');

/** Waits for the first event; the run goes on. */
async function begun(run: TrainRun): Promise<void> {
  await run[Symbol.asyncIterator]().next();
}

async function expectUsable(model: Model): Promise<void> {
  expect(model.training).toBe(false);
  expect(await train(model, data, { steps: 1, batch: 16 })).toMatchObject({ steps: 1, stopped: false });
}

describe('the handle of a training', () => {
  it('is a promise of the result', async () => {
    const run = train(await tinyModel(), data, short);
    let over = false;
    const settled = run.finally(() => {
      over = true;
    });
    expect(await run).toMatchObject({ steps: 8, epochs: 4, stopped: false });
    expect(await settled).toBe(await run);
    expect(over).toBe(true);
    expect(await run.then(({ steps: n }) => n)).toBe(8);
    expect(await run.catch(() => null)).toBe(await run);
  });

  it('is an iterable of the events, whose step events cover every step once', async () => {
    const run = train(await tinyModel(), data, short);
    const events = steps(await all(run));
    expect(events.at(-1)).toMatchObject({ step: 8, totalSteps: 8, epoch: 4 });
    expect(events.reduce((sum, e) => sum + e.samples, 0)).toBe(128);
    expect(events.flatMap((e) => e.losses)).toHaveLength(8);
    for (const { loss, losses } of events)
      expect(loss).toBeCloseTo(losses.reduce((a, b) => a + b) / losses.length, 12);
    expect((await run).loss).toBe(events.at(-1)?.loss);
  });

  it('may be iterated by several at once, each of which sees everything', async () => {
    const run = train(await tinyModel(), data, short);
    const both = await Promise.all([all(run), all(run), run]);
    const losses = both.slice(0, 2).map((events) => steps(events as TrainEvent[]).flatMap((e) => e.losses));
    expect(losses[0]).toHaveLength(8);
    expect(losses[1]).toEqual(losses[0]);
  });

  it('has nothing left to iterate after the end', async () => {
    const run = train(await tinyModel(), data, short);
    await run;
    expect(await all(run)).toEqual([]);
    expect((await run).stopped).toBe(false);
  });

  it('may be iterated late: the events from then on', async () => {
    const run = train(await tinyModel(), data, short);
    const early = await run[Symbol.asyncIterator]().next();
    const late = steps(await all(run));
    expect(late.at(-1)?.step).toBe(8);
    const first = (late[0]?.step ?? 0) - (late[0]?.losses.length ?? 0);
    expect(early.done).toBe(false);
    expect(first).toBeGreaterThan(0);
  });

  it('joins the step events that a slow reader has not read', async () => {
    const fast = train(await tinyModel(), data, short);
    const losses = steps(await all(fast)).flatMap((e) => e.losses);
    const slow = train(await tinyModel(), data, short);
    const iterator = slow[Symbol.asyncIterator]();
    const first = await iterator.next();
    await slow;
    const rest = await iterator.next();
    expect((await iterator.next()).done).toBe(true);
    const events = steps([first.value as TrainEvent, rest.value as TrainEvent]);
    expect(events.flatMap((e) => e.losses)).toEqual(losses);
    expect(events.reduce((sum, e) => sum + e.samples, 0)).toBe(128);
    expect(events[1]?.step).toBe(8);
  });

  it('keeps evaluations apart from the steps around them', async () => {
    const run = train(await tinyModel(), { ...data, test: noise(8, 1) }, short);
    const iterator = run[Symbol.asyncIterator]();
    const kinds = [(await iterator.next()).value?.type];
    await run;
    for (let e = await iterator.next(); e.done !== true; e = await iterator.next()) kinds.push(e.value.type);
    expect(kinds.filter((kind) => kind === 'eval')).toHaveLength(4);
    expect(kinds.at(-1)).toBe('eval');
  });
});

describe('leaving a training early', () => {
  it('by break stops it, and leaves the model usable', async () => {
    const model = await tinyModel();
    const run = train(model, data, endless);
    for await (const event of run) if (event.type === 'step') break;
    expect(await run).toMatchObject({ stopped: true });
    await expectUsable(model);
  });

  it('by an error in the loop body stops it, and the error passes', async () => {
    const model = await tinyModel();
    const run = train(model, data, endless);
    const failing = async (): Promise<void> => {
      for await (const event of run) throw new RangeError(event.type);
    };
    await expect(failing()).rejects.toThrow(RangeError);
    expect(await run).toMatchObject({ stopped: true });
    await expectUsable(model);
  });

  it('by stop resolves with the steps done so far', async () => {
    const model = await tinyModel();
    const run = train(model, data, endless);
    await begun(run);
    const result = await run.stop();
    expect(result.stopped).toBe(true);
    expect(result.steps).toBeGreaterThan(0);
    expect(await run.stop()).toBe(result);
    await expectUsable(model);
  });

  it('before the first step changes nothing', async () => {
    const [model, untouched] = [await tinyModel(), await tinyModel()];
    expect(await train(model, data, endless).stop()).toMatchObject({ steps: 0, stopped: true });
    expect(await tensorsOf(model)).toEqual(await tensorsOf(untouched));
  });
});

describe('a failing training', () => {
  it('rejects the promise and ends the loop with the same error', async () => {
    const run = train(await tinyModel(), data, { ...short, run: '/dev/null/run' });
    const errors = await Promise.all([run.catch((e: unknown) => e), all(run).catch((e: unknown) => e)]);
    expect(errors[0]).toMatchObject({ code: 'ERR_FILE' });
    expect(errors[1]).toBe(errors[0]);
    expect(await codeOf(all(run))).toBe('ERR_FILE');
  });

  it('that nobody listens to is no unhandled rejection', async () => {
    const program = `
      const { createModel, imageSet, init, train } = await import('${dist}index.js');
      let unhandled = 0;
      process.on('unhandledRejection', () => unhandled++);
      init({ threads: 1 });
      const model = await createModel('lm_resnet20', { input: [1, 8, 8], device: 'cpu' });
      const set = imageSet({ images: new Uint8Array(64), labels: [0], height: 8, width: 8, channels: 1 });
      const run = train(model, { train: set }, { batch: 1, run: '/dev/null/run' });
      run.stop();
      while (model.training) await new Promise(setImmediate);
      await new Promise(setImmediate);
      answer(unhandled);`;
    expect(await askNode(program)).toBe(0);
  });
});

describe('a model that is being trained', () => {
  const much = { train: noise(1024), test: noise(16, 1) };
  const trained = async (): Promise<{ model: Model; run: TrainRun }> => {
    const model = await tinyModel();
    const run = train(model, much, { epochs: 1_000_000, batch: 4 });
    await begun(run);
    return { model, run };
  };

  it('takes no second training', async () => {
    const { model, run } = await trained();
    expect(await codeOf(() => train(model, data, short))).toBe('ERR_BUSY');
    expect((await run.stop()).stopped).toBe(true);
    await expectUsable(model);
  });

  it('predicts, evaluates, is read and saved between the steps', async () => {
    const { model, run } = await trained();
    const path = `${await temporaryFolder()}/midway.safetensors`;
    const [prediction] = await model.predict(noiseBytes(64));
    expect(prediction?.top).toHaveLength(4);
    expect(await model.evaluate(noise(8))).toMatchObject({ count: 8 });
    expect(await model.readTensor('stage1.step1.k')).toHaveLength(1);
    await model.save(path);
    expect(model.training).toBe(true);
    expect((await run.stop()).steps).toBeGreaterThan(0);
    expect((await loaded(path)).graph).toEqual(model.graph);
  });

  it('is not written to and gives no gradients', async () => {
    const { model, run } = await trained();
    expect(await codeOf(model.writeTensor('stage1.step1.k', Float32Array.of(0)))).toBe('ERR_BUSY');
    expect(await codeOf(model.vjp(new Float64Array(64), null))).toBe('ERR_BUSY');
    await run.stop();
    expect(await codeOf(model.writeTensor('stage1.step1.k', Float32Array.of(0)))).toBe('none');
  });

  it('ends the training when it is closed', async () => {
    const { model, run } = await trained();
    await model.close();
    expect(await codeOf(run.then())).toBe('ERR_CLOSED');
    expect(model).toMatchObject({ closed: true, training: false });
    expect(await codeOf(() => train(model, data, short))).toBe('ERR_CLOSED');
  });
});
