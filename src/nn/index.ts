/** Layers, blocks, stems, heads, shortcuts and transitions: the parts that networks are made of. */
export {
  type BottleneckOptions,
  basic,
  basicConvs,
  bottleneck,
  bottleneckConvs,
  type ConvBnReluOptions,
  type Convs,
  convBnRelu,
  type PostactOptions,
  type PreactOptions,
  postact,
  preact,
  preactBasic,
  preactBottleneck,
  reluBasic,
} from './blocks.ts';
export { type Head, type HeadOptions, plainHead, preactHead } from './heads.ts';
export { inception, polynetStem, reduction, type WidthOptions } from './inception.ts';
export {
  type ConvSizes,
  chain,
  conv,
  convNormRelu,
  dropout,
  linear,
  type NormOptions,
  norm,
  relu,
  remembered,
  xavierUniform,
} from './layers.ts';
export {
  normedProjection,
  optionA,
  ownNorm,
  plainProjection,
  pooledPadding,
  preactivated,
  type Shortcut,
  twoPaths,
} from './shortcuts.ts';
export { cifarStem, imagenetStem, noStem, type Stem, type StemOptions } from './stems.ts';
export {
  type HistoryOptions,
  halvesTransition,
  ownNormShortcut,
  projectedHistory,
  restarted,
} from './transitions.ts';
