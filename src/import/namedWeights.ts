/** Names of weights as torchvision and timm have them: the network, and what timm tests it with. */
import { didYouMean, expected, type LmError } from '../errors.ts';
import { type TorchvisionModel, torchvisionModels } from '../models/torchvision.ts';
import { must } from '../must.ts';
import type { Interpolation } from '../transforms/ops.ts';
import { imagenetMean, imagenetStd, parseTransform, type Transform } from '../transforms/transforms.ts';

/** A model whose weights timm has, in torchvision's form. */
export type TimmModel = TorchvisionModel | 'resnet200' | 'resnext101_32x4d';

/** Models whose weights timm has, in torchvision's form. */
export const timmModels: readonly TimmModel[] = [...torchvisionModels, 'resnet200', 'resnext101_32x4d'];

/** How timm tests weights: side of the images, crop_pct (side / shorter side before), the filter. */
type Test = readonly [side: number, cropPct: number, interpolation: Interpolation];

const [first, larger]: readonly [Test, Test] = [
  [224, 0.875, 'bilinear'],
  [288, 1, 'bicubic'],
];

/** A training of timm's: the tag that its weights have. */
type Tag =
  | `${'tv' | 'tv2' | 'a1' | 'a1h' | 'a2' | 'a3' | 'b1k' | 'b2k' | 'c1' | 'c2' | 'd'}_in1k`
  | `${'bt' | 'ra' | 'ram' | 'racm' | 'ra4_e3600_r224' | 'am' | 'gluon'}_in1k`
  | `fb_${'ssl_yfcc100m' | 'swsl_ig1b' | 'wsl_ig1b'}_ft_in1k`;

// biome-ignore format: one line each
const tests: Readonly<Record<Tag, Test>> = {
  tv_in1k: first, tv2_in1k: [224, 0.965, 'bilinear'],
  a1_in1k: larger, a1h_in1k: larger, a2_in1k: larger, a3_in1k: [224, 0.95, 'bicubic'],
  b1k_in1k: larger, b2k_in1k: larger, c1_in1k: larger, c2_in1k: larger, d_in1k: larger,
  bt_in1k: [288, 0.95, 'bicubic'], ra_in1k: [288, 0.95, 'bicubic'], ram_in1k: [288, 0.95, 'bicubic'],
  racm_in1k: [288, 0.95, 'bicubic'], ra4_e3600_r224_in1k: larger,
  am_in1k: [224, 0.875, 'bicubic'], gluon_in1k: [224, 0.875, 'bicubic'],
  fb_ssl_yfcc100m_ft_in1k: first, fb_swsl_ig1b_ft_in1k: first, fb_wsl_ig1b_ft_in1k: first,
};

/** What began names before timm had tags: `tv_resnet50`, `gluon_resnet50_v1b`. */
type Era = 'tv' | 'gluon' | 'ssl' | 'swsl' | 'ig';

const before: Readonly<Record<Era, Tag>> = {
  tv: 'tv_in1k',
  gluon: 'gluon_in1k',
  ssl: 'fb_ssl_yfcc100m_ft_in1k',
  swsl: 'fb_swsl_ig1b_ft_in1k',
  ig: 'fb_wsl_ig1b_ft_in1k',
};

/**
 * Name of weights of timm's: with a tag (`resnet50.a1_in1k`), as its hub has it, of an older release, or
 * bare.
 */
export type TimmName = TimmModel | `${'' | 'timm/'}${TimmModel}.${Tag}` | `${Era}_${TimmModel}${'' | '_v1b'}`;

/** The network of a name, and how images are brought to it; without a tag that is open. */
export interface NamedWeights {
  readonly model: TimmModel;
  readonly test: {
    readonly side: number;
    readonly transform: Transform;
    readonly mean: readonly number[];
    readonly std: readonly number[];
  } | null;
}

/**
 * The network that a name of torchvision's or timm's stands for, and the test of a tag: images resized to
 * floor(side / crop_pct), then the middle.
 *
 * @throws ERR_UNKNOWN_NAME for a network or a tag that is not known, with the nearest.
 * @see timm 1.0.31, models/resnet.py, `default_cfgs`: `test_input_size`, `test_crop_pct`, `interpolation`.
 * @example
 * namedWeights('resnet50.a1_in1k').model; // 'resnet50'
 */
export function namedWeights(name: string): NamedWeights {
  const bare = String(name).replace(/^((hf[-_]hub:)?timm\/)?/, '');
  const [, era, aged] = /^([a-z]+)_(resne.+?)(_v1b)?$/.exec(bare) ?? [];
  const old = lookUp(before, era);
  const [model = '', tag = old] = (old === undefined ? bare : must(aged)).split(/\.(.*)/s, 2);
  const known = timmModels.find((one) => one === model);
  if (known === undefined) throw unknown('model of torchvision or timm', name, timmModels, model);
  if (tag === undefined) return { model: known, test: null };
  const test = lookUp(tests, tag);
  if (test === undefined) {
    const names = Object.keys(tests).map((each) => `${known}.${each}`);
    throw unknown('tag of timm’s weights', name, names, bare);
  }
  return { model: known, test: testOf(known, tag, test) };
}

function testOf(model: TimmModel, tag: string, [side, cropPct, interpolation]: Test): NamedWeights['test'] {
  // The one net of this training that was trained at 176 is tested at 224.
  const size = tag === 'a1h_in1k' && model === 'resnet50' ? 224 : side;
  const resize = { kind: 'resize', size: Math.floor(size / cropPct), interpolation } as const;
  const transform = parseTransform([resize, { kind: 'centerCrop', size }], 'transform');
  const half = tag === 'ra4_e3600_r224_in1k' ? [0.5, 0.5, 0.5] : null;
  return { side: size, transform, mean: half ?? imagenetMean, std: half ?? imagenetStd };
}

function lookUp<T>(table: Readonly<Record<string, T>>, key: string | undefined): T | undefined {
  return key !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
}

function unknown(what: string, name: string, names: readonly string[], nearestTo: string): LmError {
  return expected('ERR_UNKNOWN_NAME', `a known ${what}`, 'name', name, {
    hint: didYouMean(nearestTo, names),
  });
}
