/**
 * Thin twins of the named models: the same parts, a few steps and channels, small images. Every architecture
 * once.
 */
import { architecture, type Spec } from '../../../src/models/architectures.ts';
import type { NetworkConfig } from '../../../src/models/network.ts';
import { type PresetName, presets } from '../../../src/models/presets.ts';
import type { Variants } from '../../../src/models/variants.ts';

/** One named model and variant of each architecture. */
const chosen: readonly (readonly [PresetName, Variants?])[] = [
  ['resnet20'],
  ['resnet20', { shortcut: 'B' }],
  ['resnet164'],
  ['resnet18'],
  ['resnet50'],
  ['resnext29_8x64d'],
  ['resnext50_32x4d'],
  ['preact_resnet20'],
  ['preact_resnet20', { shortcut: 'A' }],
  ['preact_resnet20', { shortcut: 'B' }],
  ['preact_resnet164'],
  ['preact_resnet18'],
  ['preact_resnet50'],
  ['lm_resnet20'],
  ['lm_resnet20', { k: 'official' }],
  ['lm_resnet20', { history: 'project' }],
  ['lm_resnet164'],
  ['lm_resnet50'],
  ['lm_resnet50', { history: 'project' }],
  ['lm_resnext29_8x64d'],
  ['lm_resnext50_32x4d'],
  ['resnet110_sd'],
  ['lm_resnet56_sd'],
  ['polynet'],
  ['fractalnet20'],
  ['fractalnet40', { affine: true }],
  ['revnet38'],
  ['revnet164'],
  ['revnet56'],
  ['shake_shake26_2x32d'],
];

/** Thin twins by name, such as `lm_resnet20 history=project`. */
export const thinNets: Readonly<Record<string, NetworkConfig>> = Object.fromEntries(
  chosen.map(([name, variants = {}]) => {
    const title = [name, ...Object.entries(variants).map(([key, value]) => `${key}=${value}`)].join(' ');
    return [title, thinNet(name, variants)];
  }),
);

/**
 * The thin twin of a named model: 4 to 16 channels, 2 steps per stage, 5 classes, images of 16 to 75 pixels.
 */
export function thinNet(name: PresetName, variants: Variants = {}): NetworkConfig {
  const spec: Spec = presets[name];
  const pixels = { cifar: 16, imagenet: 32, polynet: 75 }[spec.set] * (spec.net === 'fractal' ? 2 : 1);
  const input = {
    channels: 3,
    height: pixels,
    width: pixels,
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
  };
  return { ...architecture(thinSpec(spec), variants), name: `thin_${name}`, input, classes: 5 };
}

function thinSpec(spec: Spec): Spec {
  switch (spec.net) {
    case 'polynet':
      return { ...spec, modules: [1, 1, 1], factor: 1 / 16 };
    case 'fractal':
      return { ...spec, widths: [4, 4, 8, 8, 8] };
    case 'shakeShake':
      return { ...spec, base: 4, steps: 2 };
    case 'revnet': {
      const factor = 8 / (spec.widths[0] ?? 8);
      return { ...spec, steps: spec.steps.map(() => 2), widths: spec.widths.map((width) => width * factor) };
    }
    default: {
      const steps = typeof spec.steps === 'number' ? 2 : spec.steps.map(() => 2);
      return { ...spec, ...(spec.groups && { groups: [2, 32] as const }), steps, base: 4 };
    }
  }
}
