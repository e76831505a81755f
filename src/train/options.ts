/** The options of a training: one schema for the API, the configuration file and the command line. */
import { z } from 'zod';
import type { ParamSpec } from '../graph/spec.ts';
import type { NativeOptimizerSpec } from '../native/binding.ts';
import { type MemoryStrategy, type MemoryStrategyInput, memorySchema } from '../runtime/options.ts';
import { oneCycle, type Schedule, type ScheduleInput, scheduleSchema } from './schedules.ts';

/** Options of a training, defaults filled in. */
export interface TrainSettings {
  /** Passes over the training images, default 1. */
  readonly epochs: number;
  /** Images per step, default 128. */
  readonly batch: number;
  /** Peak learning rate per step, default 0.1. */
  readonly lr: number;
  /** How the rate follows from the step, default one-cycle. */
  readonly schedule: Schedule;
  /** Momentum of SGD in [0, 1), default 0.9. */
  readonly momentum: number;
  /** Nesterov's momentum, default true. */
  readonly nesterov: boolean;
  /** L2 penalty on the weights of convolutions and linear layers, default 1e-4. */
  readonly weightDecay: number;
  /** Weight decay on norm weights and on biases too, default false. */
  readonly decayNorm: boolean;
  /** Seed of the order of the images, default 0. */
  readonly seed: number;
  /** What a step keeps for its backward pass, default all: `store`, `recompute` (every so many steps) or `reverse`. */
  readonly memory: MemoryStrategy;
  /** End after so many steps, the schedule being laid over them; default: the whole epochs. */
  readonly steps?: number | undefined;
}

/** Options of a training as they may be written: all have defaults. */
export type TrainSettingsInput = {
  readonly [K in keyof Omit<TrainSettings, 'schedule' | 'memory'>]?: TrainSettings[K] | undefined;
} & { readonly schedule?: ScheduleInput | undefined; readonly memory?: MemoryStrategyInput | undefined };

/** The schema of a training's options; the flags of the command line and their help are made of it. */
export const trainSchema: z.ZodType<TrainSettings, TrainSettingsInput> = z.object({
  epochs: z.int().min(1).default(1).describe('passes over the training images'),
  batch: z.int().min(1).max(65_536).default(128).describe('images per step'),
  lr: z.number().min(0).default(0.1).describe('peak learning rate, per step'),
  schedule: scheduleSchema.default(oneCycle()).describe('how the rate follows from the step'),
  momentum: z.number().min(0).lt(1).default(0.9).describe('momentum of SGD'),
  nesterov: z.boolean().default(true).describe("Nesterov's momentum"),
  weightDecay: z
    .number()
    .min(0)
    .default(1e-4)
    .describe('L2 penalty on the weights of convolutions and linear layers'),
  decayNorm: z.boolean().default(false).describe('weight decay on norm weights and on biases too'),
  seed: z.int().min(0).default(0).describe('seed of the order of the images'),
  memory: memorySchema
    .default({ kind: 'store', every: 1 })
    .describe('what a step keeps for its backward pass: store, recompute or reverse'),
  steps: z.int().min(1).optional().describe('end after so many steps; the schedule is laid over them'),
});

/**
 * Optimiser and parameter groups of a training. Weight decay acts on weights; on norm weights and biases with `decayNorm`; on a
 * coefficient such as k only when its scheme asks for it.
 */
export function optimizerSpec(params: readonly ParamSpec[], settings: TrainSettings): NativeOptimizerSpec {
  const decayed: number[] = [];
  const free: number[] = [];
  params.forEach((param, i) => {
    (decays(param, settings) ? decayed : free).push(i);
  });
  return {
    kind: 'sgd',
    nesterov: settings.nesterov,
    groups: [
      { params: decayed, lrScale: 1, decayScale: 1 },
      { params: free, lrScale: 1, decayScale: 0 },
    ],
  };
}

function decays({ kind, decay }: ParamSpec, { decayNorm }: TrainSettings): boolean {
  if (decay !== undefined) return decay;
  if (kind === 'weight') return true;
  return kind === 'coefficient' ? false : decayNorm;
}
