/**
 * Counts of parameters of paper.md section 6, to the digit, and multiply-accumulates (MACs) of convolutions
 * and linear layers.
 */
import type { NetworkConfig } from '../../src/models/network.ts';
import { type PresetName, type PresetOptions, presetConfig } from '../../src/models/presets.ts';
import { cifarStem } from '../../src/nn/stems.ts';
import { euler } from '../../src/schemes/euler.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';

/** Trained numbers with 10 and 100 classes, or with 1000; and MACs per image with 10, or 1000. */
export interface GoldenRow {
  readonly c10?: number;
  readonly c100?: number;
  readonly c1000?: number;
  readonly macs: number;
}

/**
 * Every named model in its published form. LM nets: parameters that receive gradients in the official code
 * (2prime/LM-ResNet), whose class registers some more and uses none of them. Counts of paper.md, but for
 * those named at `derived`; k costs no MACs.
 */
export const golden: Readonly<Record<PresetName, GoldenRow>> = {
  resnet20: { c10: 269_722, c100: 275_572, macs: 40_551_040 },
  resnet32: { c10: 464_154, c100: 470_004, macs: 68_862_592 },
  resnet44: { c10: 658_586, c100: 664_436, macs: 97_174_144 },
  resnet56: { c10: 853_018, c100: 858_868, macs: 125_485_696 },
  resnet110: { c10: 1_727_962, c100: 1_733_812, macs: 252_887_680 },
  resnet164: { c10: 1_704_154, c100: 1_727_284, macs: 247_646_720 },
  resnet1202: { c10: 19_421_274, c100: 19_427_124, macs: 2_829_238_912 },
  resnet18: { c1000: 11_689_512, macs: 1_814_073_344 },
  resnet34: { c1000: 21_797_672, macs: 3_663_761_408 },
  resnet50: { c1000: 25_557_032, macs: 4_089_184_256 },
  resnet101: { c1000: 44_549_160, macs: 7_801_405_440 },
  resnet152: { c1000: 60_192_808, macs: 11_513_626_624 },
  resnet200: { c1000: 64_673_832, macs: 15_007_481_856 },
  wide_resnet50_2: { c1000: 68_883_240, macs: 11_398_021_120 },
  wide_resnet101_2: { c1000: 126_886_696, macs: 22_753_050_624 },
  preact_resnet20: { c10: 272_378, c100: 278_228, macs: 40_813_184 },
  preact_resnet32: { c10: 466_810, c100: 472_660, macs: 69_124_736 },
  preact_resnet44: { c10: 661_242, c100: 667_092, macs: 97_436_288 },
  preact_resnet56: { c10: 855_674, c100: 861_524, macs: 125_747_840 },
  preact_resnet110: { c10: 1_730_618, c100: 1_736_468, macs: 253_149_824 },
  preact_resnet164: { c10: 1_703_674, c100: 1_726_804, macs: 247_646_720 },
  preact_resnet1001: { c10: 10_328_122, c100: 10_351_252, macs: 1_490_995_712 },
  preact_resnet1202: { c10: 19_423_930, c100: 19_429_780, macs: 2_829_501_056 },
  preact_resnet18: { c1000: 11_687_720, macs: 1_814_073_344 },
  preact_resnet34: { c1000: 21_795_880, macs: 3_663_761_408 },
  preact_resnet50: { c1000: 25_549_352, macs: 4_089_184_256 },
  preact_resnet101: { c1000: 44_541_480, macs: 7_801_405_440 },
  preact_resnet152: { c1000: 60_185_128, macs: 11_513_626_624 },
  preact_resnet200: { c1000: 64_666_152, macs: 15_007_481_856 },
  lm_resnet20: { c10: 272_384, c100: 278_234, macs: 40_813_184 },
  lm_resnet32: { c10: 466_822, c100: 472_672, macs: 69_124_736 },
  lm_resnet44: { c10: 661_260, c100: 667_110, macs: 97_436_288 },
  lm_resnet56: { c10: 855_698, c100: 861_548, macs: 125_747_840 },
  lm_resnet110: { c10: 1_730_669, c100: 1_736_519, macs: 253_149_824 },
  lm_resnet164: { c10: 1_703_725, c100: 1_726_855, macs: 247_646_720 },
  lm_resnet1202: { c10: 19_424_527, c100: 19_430_377, macs: 2_829_501_056 },
  lm_resnet18: { c1000: 11_688_748, macs: 1_814_073_344 },
  lm_resnet34: { c1000: 21_796_916, macs: 3_663_761_408 },
  lm_resnet50: { c1000: 25_553_204, macs: 4_089_184_256 },
  lm_resnet101: { c1000: 44_545_349, macs: 7_801_405_440 },
  lm_resnet152: { c1000: 60_189_014, macs: 11_513_626_624 },
  lm_resnet200: { c1000: 64_670_054, macs: 15_007_481_856 },
  resnext29_8x64d: { c10: 34_426_698, c100: 34_518_948, macs: 5_387_266_048 },
  resnext29_16x64d: { c10: 68_155_210, c100: 68_247_460, macs: 10_688_866_304 },
  resnext50_32x4d: { c1000: 25_028_904, macs: 4_230_479_872 },
  resnext101_32x4d: { c1000: 44_177_704, macs: 7_969_996_800 },
  resnext101_32x8d: { c1000: 88_791_336, macs: 16_414_015_488 },
  resnext101_64x4d: { c1000: 83_455_272, macs: 15_460_270_080 },
  lm_resnext29_8x64d: { c10: 35_081_682, c100: 35_173_932, macs: 5_454_374_912 },
  lm_resnext29_16x64d: { c10: 68_810_194, c100: 68_902_444, macs: 10_755_975_168 },
  lm_resnext50_32x4d: { c1000: 25_025_076, macs: 4_230_479_872 },
  lm_resnext101_32x4d: { c1000: 44_173_893, macs: 7_969_996_800 },
  lm_resnext101_64x4d: { c1000: 83_451_461, macs: 15_460_270_080 },
  resnet110_sd: { c10: 1_727_962, c100: 1_733_812, macs: 252_887_680 },
  resnet1202_sd: { c10: 19_421_274, c100: 19_427_124, macs: 2_829_238_912 },
  lm_resnet56_sd: { c10: 855_698, c100: 861_548, macs: 125_747_840 },
  lm_resnet110_sd: { c10: 1_730_669, c100: 1_736_519, macs: 253_149_824 },
  polynet: { c1000: 95_366_600, macs: 34_699_493_472 },
  fractalnet20: { c10: 33_714_314, c100: 33_760_484, macs: 845_222_912 },
  fractalnet40: { c10: 76_084_554, c100: 76_130_724, macs: 2_036_077_568 },
  revnet38: { c10: 464_890, c100: 475_060, macs: 77_231_200 },
  revnet110: { c10: 1_729_194, c100: 1_740_804, macs: 253_330_688 },
  revnet164: { c10: 1_748_778, c100: 1_794_948, macs: 250_188_800 },
  revnet56: { c1000: 27_553_128, macs: 4_450_928_640 },
  revnet104: { c1000: 45_428_072, macs: 7_944_783_872 },
  shake_shake26_2x32d: { c10: 2_923_162, c100: 2_934_772, macs: 426_689_792 },
  shake_shake26_2x64d: { c10: 11_653_978, c100: 11_677_108, macs: 1_685_506_560 },
  shake_shake26_2x96d: { c10: 26_192_922, c100: 26_227_572, macs: 3_776_892_672 },
  shake_shake26_2x112d: { c10: 35_640_442, c100: 35_680_852, macs: 5_134_799_232 },
};

/**
 * LM nets whose count paper.md does not give: that of the pre-activation net with the same shortcuts, and one
 * k for every step that is the first of no stage. Not in paper.md either: resnet164 (1_703_258 of 6.1, and
 * 2·448 for norms that follow convolutions), preact_resnet1001 with its own-norm shortcut, lm_resnext50 and
 * lm_resnext101, and shake-shake with 100 classes. resnext101_32x8d and the wide nets: torchvision's own.
 */
export const derived: readonly (readonly [lm: PresetName, preact: PresetName, ks: number])[] = [
  ['lm_resnet1202', 'preact_resnet1202', 597],
  ['lm_resnet18', 'preact_resnet18', 4],
  ['lm_resnet34', 'preact_resnet34', 12],
  ['lm_resnet152', 'preact_resnet152', 46],
  ['lm_resnet200', 'preact_resnet200', 62],
];

/** A named model in another form. */
export interface VariantRow {
  readonly title: string;
  readonly config: (options: PresetOptions) => NetworkConfig;
  readonly c10?: number;
  readonly c100?: number;
  readonly c1000?: number;
}

type Counts = readonly (readonly [depth: number, c10: number, c100: number])[];

function basicRows(
  net: 'resnet' | 'preact_resnet' | 'lm_resnet',
  variant: PresetOptions,
  counts: Counts,
): VariantRow[] {
  return counts.map(([depth, c10, c100]) => row(`${net}${depth}` as PresetName, variant, { c10, c100 }));
}

function row(
  name: PresetName,
  variant: PresetOptions,
  counts: Omit<VariantRow, 'title' | 'config'>,
): VariantRow {
  const title = `${name} ${JSON.stringify(variant)}`;
  return { title, config: (options) => presetConfig(name, { ...options, ...variant }), ...counts };
}

/** Every other form of paper.md section 6 (6.1 … 6.6, in its order), "as registered" aside. */
export const variants: readonly VariantRow[] = [
  ...basicRows('preact_resnet', { shortcut: 'A' }, [
    [20, 269_722, 275_572],
    [32, 464_154, 470_004],
    [44, 658_586, 664_436],
    [56, 853_018, 858_868],
    [110, 1_727_962, 1_733_812],
  ]),
  ...basicRows('resnet', { shortcut: 'B' }, [
    [20, 272_474, 278_324],
    [32, 466_906, 472_756],
    [44, 661_338, 667_188],
    [56, 855_770, 861_620],
    [110, 1_730_714, 1_736_564],
  ]),
  ...basicRows('preact_resnet', { shortcut: 'B' }, [
    [20, 272_282, 278_132],
    [32, 466_714, 472_564],
    [44, 661_146, 666_996],
    [56, 855_578, 861_428],
    [110, 1_730_522, 1_736_372],
  ]),
  row('preact_resnet164', { shortcut: 'B' }, { c10: 1_703_258, c100: 1_726_388 }),
  row('preact_resnet1001', { shortcut: 'B' }, { c10: 10_327_706, c100: 10_350_836 }),
  {
    title: 'preact_resnet20 with a norm after the stem: 32 more',
    config: (options) => ({
      ...presetConfig('preact_resnet20', options),
      stem: cifarStem(16, { norm: true, relu: true }),
    }),
    c10: 272_410,
    c100: 278_260,
  },
  ...basicRows('lm_resnet', { shortcut: 'A' }, [
    [20, 269_728, 275_578],
    [32, 464_166, 470_016],
    [44, 658_604, 664_454],
    [56, 853_042, 858_892],
    [110, 1_728_013, 1_733_863],
  ]),
  ...basicRows('lm_resnet', { shortcut: 'B' }, [
    [20, 272_288, 278_138],
    [32, 466_726, 472_576],
    [44, 661_164, 667_014],
    [56, 855_602, 861_452],
    [110, 1_730_573, 1_736_423],
  ]),
  ...basicRows('lm_resnet', { history: 'project' }, [
    [20, 275_042, 280_892],
    [32, 469_480, 475_330],
    [44, 663_918, 669_768],
    [56, 858_356, 864_206],
    [110, 1_733_327, 1_739_177],
  ]),
  {
    title: 'lm_resnet20 with a k per channel (MResNetC20)',
    config: (options) => ({
      ...presetConfig('lm_resnet20', options),
      scheme: linearTwoStep({ per: 'channel' }),
    }),
    c10: 272_602,
  },
  {
    title: 'pre-activation resnext29_8x64d with shared-norm shortcuts',
    config: (options) => ({
      ...presetConfig('lm_resnext29_8x64d', { ...options, shortcut: 'B', history: 'restart' }),
      scheme: euler,
    }),
    c10: 34_423_114,
    c100: 34_515_364,
  },
  row('lm_resnext29_8x64d', { shortcut: 'B', history: 'restart' }, { c10: 34_423_120, c100: 34_515_370 }),
  row('lm_resnext29_8x64d', { history: 'restart' }, { c10: 34_424_784, c100: 34_517_034 }),
  {
    title: 'pre-activation resnext29_16x64d with shared-norm shortcuts',
    config: (options) => ({
      ...presetConfig('lm_resnext29_16x64d', { ...options, shortcut: 'B', history: 'restart' }),
      scheme: euler,
    }),
    c10: 68_151_626,
    c100: 68_243_876,
  },
  row('lm_resnext29_16x64d', { shortcut: 'B', history: 'restart' }, { c10: 68_151_632, c100: 68_243_882 }),
  row('lm_resnext29_16x64d', { history: 'restart' }, { c10: 68_153_296, c100: 68_245_546 }),
  row('lm_resnet50', { shortcut: 'B' }, { c1000: 25_549_364 }),
  row('lm_resnet50', { history: 'project' }, { c1000: 28_309_303 }),
  row('lm_resnet101', { shortcut: 'B' }, { c1000: 44_541_509 }),
  row('lm_resnet101', { history: 'project' }, { c1000: 47_301_448 }),
  // RevNet's own ResNets of 32, 110 and 164 layers have the counts of preact_resnet with shortcut A, and B
  // for 164.
  row('fractalnet20', { affine: true }, { c10: 33_724_618, c100: 33_770_788 }),
  row('fractalnet40', { affine: true }, { c10: 76_106_634, c100: 76_152_804 }),
];

/**
 * Nets of 1202 layers in other forms, from those of 20 and 32 layers: every two layers more per stage cost
 * the same.
 */
export const giants: readonly {
  readonly net: 'resnet' | 'preact_resnet';
  readonly shortcut: 'A' | 'B';
  readonly c10: number;
}[] = [
  { net: 'preact_resnet', shortcut: 'A', c10: 19_421_274 },
  { net: 'resnet', shortcut: 'B', c10: 19_424_026 },
  { net: 'preact_resnet', shortcut: 'B', c10: 19_423_834 },
];

/** Parts of PolyNet: path below which its parameters lie, and their number. */
export const polynetParts: readonly (readonly [path: string, parameters: number])[] = [
  ['stem', 605_728],
  ['stage1', 2_759_040],
  ['stage1.step0', 275_904],
  ['stage1.step0.f0', 137_952],
  ['stage2.step0', 2_902_528],
  ['stage2', 2_902_528 + 44_112_000],
  ['stage2.step1', 2_065_088],
  ['stage2.step2', 2_346_112],
  ['stage2.step2.f0', 1_173_056],
  ['stage3.step0', 3_542_784],
  ['stage3', 3_542_784 + 39_395_520],
  ['stage3.step1', 3_857_472],
  ['stage3.step2', 4_021_632],
  ['stage3.step2.f1', 2_010_816],
  ['head', 2_049_000],
];
