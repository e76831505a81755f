/**
 * Whole published networks, by hand: scripts/reference/README.md says how. Writes what it finds into the
 * folder.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importTorchvision } from '../../src/import/importTorchvision.ts';
import type { NetworkConfig } from '../../src/models/network.ts';
import { type PresetName, presetConfig } from '../../src/models/presets.ts';
import { torchvisionModels } from '../../src/models/torchvision.ts';
import { plainHead } from '../../src/nn/heads.ts';
import { uniform } from '../support/graphs/formula.ts';
import { distance } from '../support/tensor.ts';
import { errorOf, graphFor, readGolden } from './golden.ts';

const folder = process.env.LM_RESNET_REFERENCE ?? '.';
const logitsFile = 'torchvision_logits.json';
const nets = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== logitsFile);
/**
 * The 40 modules of PolyNet in training: an image changed by its last bit moves PyTorch's own gradients by
 * 6e-10.
 */
const tolerances: Readonly<Record<string, number>> = { 'polynet without dropout': 1e-8 };
const minutes = 10 * 60_000;

const report = (line: string): void => appendFileSync(join(folder, 'errors.txt'), `${line}\n`);

function configOf(title: string): NetworkConfig {
  const [name, without] = title.split(' without ');
  const config = presetConfig(name as PresetName);
  return without === undefined ? config : { ...config, head: (classes) => plainHead(classes) };
}

describe('a whole published network, from the same weights and images in float64', () => {
  it.each(nets)(
    '%s: logits, gradients and statistics to 1e-9, PolyNet’s to 1e-8',
    async (file) => {
      for (const [title, net] of Object.entries(readGolden(join(folder, file)).cases)) {
        const graph = graphFor(configOf(title), net);
        for (const pass of net.passes) {
          const { error, where } = await errorOf(graph, net, pass);
          report(`${title}, ${pass.mode}, against ${net.against}: ${error.toExponential(1)} (${where})`);
          expect(error, where).toBeLessThan(tolerances[title] ?? 1e-9);
        }
      }
    },
    minutes,
  );
});

describe('weights of a whole torchvision network, in float32', () => {
  it.each(torchvisionModels.filter((name) => existsSync(join(folder, `${name}.safetensors`))))(
    '%s: logits of an image of 224 x 224 to 1e-4',
    async (name) => {
      const { logits } = JSON.parse(readFileSync(join(folder, logitsFile), 'utf8')) as {
        logits: Readonly<Record<string, readonly number[]>>;
      };
      await using model = await importTorchvision(name, join(folder, `${name}.safetensors`), {
        device: 'cpu',
      });
      const pixels = Uint8Array.from(uniform('pixels', 224 * 224 * 3), (r) => Math.floor(256 * r));
      const error = distance(await model.logits(pixels), logits[name] ?? []);
      report(`${name}, weights of torchvision in float32: ${error.toExponential(1)}`);
      expect(error).toBeLessThan(1e-4);
    },
    minutes,
  );
});
