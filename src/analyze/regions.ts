/**
 * Regions of absolute stability of a model's steps: one per form of step, at its extreme and mean
 * coefficients.
 */
import { must } from '../must.ts';
import type { Region, RegionVariant } from './analysis.ts';
import { levelLines } from './contour.ts';
import { type Characteristic, meanOf } from './polynomials.ts';
import { regionWindow, spectralRadius, stableLength } from './stability.ts';
import type { AnalysedStep } from './steps.ts';

interface Candidate {
  readonly polynomial: Characteristic;
  readonly k: number | null;
  readonly path: string;
}

/** The regions, in the order in which their forms first appear. */
export function regionsOf(steps: readonly AnalysedStep[]): Region[] {
  const groups = new Map<string, AnalysedStep[]>();
  for (const analysed of steps) {
    if (analysed.channels.length === 0) continue;
    const { scheme, evaluations } = analysed.step;
    const key = `${scheme} ${analysed.states} ${evaluations}`;
    groups.set(key, [...(groups.get(key) ?? []), analysed]);
  }
  const all = [...groups.values()];
  return all.map((group) => region(group, all));
}

function region(group: readonly AnalysedStep[], all: readonly (readonly AnalysedStep[])[]): Region {
  const { step, states } = must(group[0]);
  const { scheme, kind } = step;
  const starting = all.some(
    ([other]) => other !== undefined && other.step.scheme === scheme && other.states > states,
  );
  return { scheme, kind: must(kind), steps: group.length, starting, variants: variants(group) };
}

function variants(group: readonly AnalysedStep[]): RegionVariant[] {
  const candidates = group.flatMap(({ step, channels }) =>
    channels.map((channel, c): Candidate => {
      return { ...channel, path: channels.length > 1 ? `${step.path}, channel ${c}` : step.path };
    }),
  );
  const [least, greatest] = extremes(candidates);
  if (least === undefined || greatest === undefined) return [];
  if (same(least.polynomial, greatest.polynomial)) return [variant('all', least)];
  const ks = candidates.map(({ k }) => k).filter((k) => k !== null);
  const k = ks.length === candidates.length ? ks.reduce((a, b) => a + b, 0) / ks.length : null;
  const mean = { polynomial: meanOf(candidates.map(({ polynomial }) => polynomial)), k, path: null };
  return [variant('least', least), variant('mean', mean), variant('greatest', greatest)];
}

/**
 * The first of least and of greatest k; of longest and shortest interval of stability where there is no k.
 */
function extremes(candidates: readonly Candidate[]): (Candidate | undefined)[] {
  const keys = candidates.map(({ k, polynomial }) => k ?? -stableLength(polynomial, 'real'));
  const [low, high] = [keys.reduce((a, b) => Math.min(a, b)), keys.reduce((a, b) => Math.max(a, b))];
  return [low, high].map((key) => candidates[keys.indexOf(key)]);
}

function variant(
  which: RegionVariant['which'],
  { polynomial, k, path }: { polynomial: Characteristic; k: number | null; path: string | null },
): RegionVariant {
  const window = regionWindow(polynomial);
  const lines = window === null ? [] : levelLines((x, y) => spectralRadius(polynomial, x, y) - 1, window);
  const [real, imaginary] = [stableLength(polynomial, 'real'), stableLength(polynomial, 'imaginary')];
  return { which, k, path, polynomial, real, imaginary, lines: lines.map((line) => line.map(rounded)) };
}

function rounded([x, y]: readonly [number, number]): readonly [number, number] {
  return [Math.round(x * 1e4) / 1e4, Math.round(y * 1e4) / 1e4];
}

function same(a: Characteristic, b: Characteristic): boolean {
  return a.every((p, i) => {
    const q = must(b[i]);
    return (
      Math.max(p.length, q.length) === 0 ||
      [...p.keys(), ...q.keys()].every((j) => Math.abs((p[j] ?? 0) - (q[j] ?? 0)) < 1e-9)
    );
  });
}
