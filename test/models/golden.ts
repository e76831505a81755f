import type { PresetName } from '../../src/models/presets.ts';

/** Trained numbers with 10 and 100 classes, and MACs per image with 10. */
export interface GoldenRow {
  readonly c10: number;
  readonly c100: number;
  /** Multiply-accumulates of convolutions and linear layers, counted by formula. */
  readonly macs: number;
}

/**
 * LM nets: parameters that receive gradients in the official code (2prime/LM-ResNet), whose class registers some more
 * and uses none of them; pre-activation nets: the same with its shortcut and no k. MACs counted by hand; k costs none.
 */
export const golden: Readonly<Record<PresetName, GoldenRow>> = {
  lm_resnet20: { c10: 272_384, c100: 278_234, macs: 40_813_184 },
  lm_resnet32: { c10: 466_822, c100: 472_672, macs: 69_124_736 },
  lm_resnet44: { c10: 661_260, c100: 667_110, macs: 97_436_288 },
  lm_resnet56: { c10: 855_698, c100: 861_548, macs: 125_747_840 },
  lm_resnet110: { c10: 1_730_669, c100: 1_736_519, macs: 253_149_824 },
  lm_resnet164: { c10: 1_703_725, c100: 1_726_855, macs: 247_646_720 },
  preact_resnet20: { c10: 272_378, c100: 278_228, macs: 40_813_184 },
  preact_resnet32: { c10: 466_810, c100: 472_660, macs: 69_124_736 },
  preact_resnet44: { c10: 661_242, c100: 667_092, macs: 97_436_288 },
  preact_resnet56: { c10: 855_674, c100: 861_524, macs: 125_747_840 },
  preact_resnet110: { c10: 1_730_618, c100: 1_736_468, macs: 253_149_824 },
  preact_resnet164: { c10: 1_703_674, c100: 1_726_804, macs: 247_646_720 },
};
