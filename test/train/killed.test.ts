/** A training that is killed and resumed; scripts/check-resume.mjs is the same with more kills. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readCheckpointInfo } from '../../src/checkpoint/checkpoint.ts';
import { readMetrics } from '../../src/run/metricsLog.ts';
import '../support/addon.ts';
import { runProgram } from '../support/children.ts';
import { temporaryFolder } from '../support/folder.ts';
import { dist } from '../support/libtorch.ts';

const script = fileURLToPath(new URL('../../scripts/check-resume.mjs', import.meta.url));

it('a training that is killed twice and resumed ends in the bytes of an undisturbed one', async () => {
  const { code, stdout, stderr } = await runProgram(process.execPath, [script, '--kills', '2']);
  expect(stderr).toBe('');
  expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, kills: 2, same: true, sameLog: true });
}, 120_000);

/** Begins a training of 6 steps, 2 an epoch, or goes on with it; its process dies within some evaluation. */
async function trained(run: string, dyingIn: number): Promise<string | null> {
  const program = `
    const { createModel, imageSet, init, train } = await import('${dist}index.js');
    const { native } = await import('${dist}native/load.js');
    init({ threads: 1 });
    let evaluations = 0;
    native().Model = class extends native().Model {
      evaluate(...given) {
        evaluations += 1;
        if (evaluations === ${dyingIn}) process.kill(process.pid, 'SIGKILL');
        return super.evaluate(...given);
      }
    };
    const set = (count) => imageSet({
      images: Uint8Array.from({ length: 16 * count }, (_, i) => (i * i * 31) % 251),
      labels: Array.from({ length: count }, (_, i) => i % 2), height: 4, width: 4, channels: 1,
    });
    const model = await createModel('lm_resnet20', { data: set(8), device: 'cpu', seed: 1 });
    const settings = { epochs: 3, batch: 4, lr: 0.05, modelEma: true, mixup: 0.3, checkpointEvery: 100 };
    await train(model, { train: set(8), test: set(6) },
      { ...settings, run: ${JSON.stringify(run)}, autoResume: true });`;
  const { signal, stderr } = await runProgram(process.execPath, ['--input-type=module', '-e', program]);
  expect(stderr).toBe('');
  return signal ?? null;
}

it('a training killed within its evaluations has their checkpoints, and ends in the same bytes', async () => {
  const [plain, run] = [join(await temporaryFolder(), 'run'), join(await temporaryFolder(), 'run')];
  expect(await trained(plain, 0)).toBeNull();
  const filesOf = async (folder: string): Promise<unknown[]> => [
    ...(await Promise.all(
      ['checkpoint', 'best'].map((name) => readFile(join(folder, `${name}.safetensors`), 'base64')),
    )),
    await readFile(join(folder, 'evaluation.json'), 'utf8'),
    (await readMetrics(join(folder, 'metrics.jsonl'))).filter(({ type }) => type !== 'step'),
  ];
  // Within the evaluations of epoch 1, of the weights and then of their average, and of epoch 2.
  for (const [dyingIn, step] of [
    [1, 2],
    [2, 2],
    [3, 4],
  ] as const) {
    expect(await trained(run, dyingIn)).toBe('SIGKILL');
    const { run: state } = await readCheckpointInfo(join(run, 'checkpoint.safetensors'));
    expect(state).toMatchObject({ step });
  }
  expect(await trained(run, 0)).toBeNull();
  expect(await filesOf(run)).toEqual(await filesOf(plain));
});
