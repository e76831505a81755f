/** Layers, blocks, stems, heads and transitions: the parts that networks are made of. */
export { type BottleneckOptions, preactBasic, preactBottleneck } from './blocks.ts';
export { type Head, preactHead } from './heads.ts';
export { type ConvSizes, chain, conv, linear, type NormOptions, norm, relu, remembered } from './layers.ts';
export { cifarStem, type Stem } from './stems.ts';
export { ownNormShortcut } from './transitions.ts';
