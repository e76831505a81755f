/** timm's policies of augmentation: their strings (`rand-m9-mstd0.5-inc1`), and what they come to. */
import { z } from 'zod';
import { expected } from '../errors.ts';
import {
  augMixOps,
  autoAugmentChains,
  type PolicyStep,
  randOps,
  randOpsIncreasing,
  randSets,
} from './autoAugmentPolicies.ts';

/** What reads the points of turned, sheared and shifted images; `random`: bilinear or bicubic, drawn. */
export type PolicySampling = (typeof policySamplings)[number];

/** Their names. */
export const policySamplings = ['nearest', 'bilinear', 'bicubic', 'random'] as const;

/** A policy as the native side has it. */
export type NativePolicy = Strokes & (Chains | Draws | Mixture);

/** What all operations share. */
interface Strokes {
  /** Deviation of a magnitude; null: uniform between 0 and it. */
  readonly deviation: number | null;
  /** Most that a magnitude may be. */
  readonly most: number;
  /** Of translations at magnitude 10, as part of the side. */
  readonly farthest: number;
}
type Step = { readonly op: string; readonly probability: number; readonly magnitude: number };
interface Chains {
  readonly kind: 'timmAutoAugment';
  readonly chains: readonly (readonly Step[])[];
}
interface Draws {
  readonly kind: 'timmRandAugment';
  readonly steps: readonly Step[];
  readonly weights?: readonly number[];
  readonly count: number;
}
interface Mixture {
  readonly kind: 'augMix';
  readonly steps: readonly Step[];
  readonly alpha: number;
  readonly width: number;
  /** 0: one to three, drawn for each chain. */
  readonly depth: number;
  readonly blended: boolean;
}

/** One kind of section: what its number must be. */
type Check = readonly [fits: (value: number) => boolean, what: string];
type Sections = Readonly<Record<string, Check>>;

const whole = (least: number, most: number): Check => [
  (value) => Number.isInteger(value) && value >= least && value <= most,
  `an integer from ${least} to ${most}`,
];
const between = (least: number, most: number): Check => [
  (value) => value >= least && value <= most,
  `a number from ${least} to ${most}`,
];
const deviation = between(0, 1e6);
const flag: Check = whole(0, 1);
const magnitude = whole(0, 100);

const sections: Readonly<Record<'rand' | 'augmix' | 'auto', Sections>> = {
  rand: { m: magnitude, n: whole(1, 100), p: between(0, 1), mstd: deviation, mmax: whole(1, 100), inc: flag },
  augmix: {
    m: magnitude,
    w: whole(1, 100),
    d: whole(1, 100),
    a: between(1e-3, 1e3),
    b: flag,
    mstd: deviation,
  },
  auto: { mstd: deviation },
};

const names = ['rand', 'augmix', ...Object.keys(autoAugmentChains)];

/** The numbers of a policy by section, and the set of `t`. */
interface Parsed {
  readonly name: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly set?: string | undefined;
}

/** What is wrong with a policy's string, as what was expected; else its parts. */
function parse(policy: string): Parsed | string {
  const [name = '', ...rest] = policy.split('-');
  if (!names.includes(name)) return `a policy of timm that begins with ${names.join(', ')}`;
  const known = sections[name === 'rand' || name === 'augmix' ? name : 'auto'];
  const numbers: Record<string, number> = {};
  let set: string | undefined;
  for (const section of rest) {
    if (name === 'rand' && section.startsWith('t')) {
      if (!Object.hasOwn(randSets, section.slice(1)) || set !== undefined)
        return `one set of operations, ${listed(Object.keys(randSets).map((s) => `t${s}`))}`;
      set = section.slice(1);
      continue;
    }
    const [, key = '', text = ''] = /^([a-z]+)(\d+(?:\.\d+)?)$/.exec(section) ?? [];
    const check = Object.hasOwn(known, key) ? known[key] : undefined;
    if (check === undefined)
      return `sections of \`${name}\`, ${listed([...Object.keys(known), ...(name === 'rand' ? ['t'] : [])])}, each with its value, not "${section}"`;
    if (key in numbers) return `each section once, not "${section}" beside another`;
    if (!check[0](Number(text))) return `${check[1]} behind \`${key}\` of \`${name}\``;
    numbers[key] = Number(text);
  }
  const most = weighted(set)?.length ?? Number.POSITIVE_INFINITY;
  if ((numbers.n ?? 2) > most) return `at most n${most} with \`t${set}\`, which draws no operation twice`;
  return { name, numbers, set };
}

const listed = (words: readonly string[]): string => words.join(', ');

/** The weights of a set; undefined where all weigh the same. */
function weighted(set: string | undefined): readonly number[] | undefined {
  const found = set === undefined ? undefined : randSets[set];
  return found === undefined || Array.isArray(found) ? undefined : Object.values(found);
}

/**
 * Schema of a policy's string: a name and sections, each a word and its number.
 * `rand`: m magnitude (default 10), n operations (2), p probability of each (0.5), mstd deviation of the
 * magnitude (0; above 100: uniform up to it), mmax its bound (10), inc1 strengths that grow with it, t3a,
 * t3aw and tweights other sets. `original`, `originalr`, `v0`, `v0r`, `3a`: mstd. `augmix`: m (3), w chains
 * (3), d operations of each (one to three), a of the Beta and Dirichlet laws (1), b1 blended one by one, mstd
 * (uniform).
 */
export const policySchema: z.ZodType<string, string> = z.string().superRefine((policy, context) => {
  const parsed = parse(policy);
  if (typeof parsed === 'string') context.addIssue({ code: 'custom', message: parsed });
});

/**
 * A policy's string as lists of operations.
 *
 * @throws ERR_CONFIG for what is no policy of timm.
 */
export function nativePolicy(policy: string): NativePolicy {
  const parsed = parse(policy);
  if (typeof parsed === 'string') throw expected('ERR_CONFIG', parsed, 'policy', policy);
  const { name, numbers } = parsed;
  const strokes = { deviation: numbers.mstd ?? 0, most: numbers.mmax ?? 10, farthest: 0.45 };
  if (name === 'rand') return { ...strokes, ...randPolicy(parsed) };
  if (name === 'augmix') return { ...strokes, ...augMix(numbers) };
  const chains = (autoAugmentChains[name] ?? []).map((chain) => chain.map(step));
  return { ...strokes, kind: 'timmAutoAugment', chains };
}

const step = ([op, probability, magnitude]: PolicyStep): Step => ({ op, probability, magnitude });

function randPolicy({ numbers, set }: Parsed): Draws & Pick<Strokes, 'deviation'> {
  const { m = 10, n = 2, p = 0.5, mstd = 0, inc = 0 } = numbers;
  const usual = inc === 1 ? randOpsIncreasing : randOps;
  const chosen = set === undefined ? usual : (randSets[set] ?? usual);
  const ops: readonly string[] = Array.isArray(chosen) ? chosen : Object.keys(chosen);
  const weights = weighted(set);
  return {
    kind: 'timmRandAugment',
    steps: ops.map((op) => step([op, p, m])),
    ...(weights === undefined ? {} : { weights }),
    count: n,
    deviation: mstd > 100 ? null : mstd,
  };
}

function augMix({ m = 3, w = 3, d = 0, a = 1, b = 0, mstd }: Parsed['numbers']): Mixture & Partial<Strokes> {
  return {
    kind: 'augMix',
    steps: augMixOps.map((op) => step([op, 1, m])),
    alpha: a,
    width: w,
    depth: d,
    blended: b === 1,
    deviation: mstd ?? null,
    farthest: 0.3,
  };
}
