/** The few sentences that sum an analysis up, made from its numbers. */
import type { Analysis, StepAnalysis } from '../../analyze/analysis.ts';
import { escapeXml } from '../../picture/text.ts';
import { short } from '../chart.ts';
import { inline } from '../html.ts';
import { span } from './depth.ts';

/** Sentences (HTML), most telling first. */
export function glance(analysis: Analysis): string[] {
  return [
    ...kSentences(analysis),
    ...zeroSentence(analysis),
    ...regionSentence(analysis),
    ...normSentence(analysis),
  ];
}

type WithK = StepAnalysis & { readonly k: NonNullable<StepAnalysis['k']> };

function kSentences({ steps, stages }: Analysis): string[] {
  const found = steps.filter((step): step is WithK => step.k !== null);
  if (found.length === 0) return [];
  const learned = found.filter(({ learned: own }) => own.length > 0).length;
  const what =
    learned > 0
      ? `${learned} of ${steps.length} steps have a learned ${inline('k')}`
      : `${found.length} of ${steps.length} steps have a fixed ${inline('k')}`;
  const mean = found.reduce((sum, { k }) => sum + k.mean, 0) / found.length;
  const least = found.reduce((a, b) => (b.k.min < a.k.min ? b : a));
  const most = found.reduce((a, b) => (b.k.max > a.k.max ? b : a));
  if (least.k.min === most.k.max) return [`${what}: it is ${short(mean)} everywhere.`];
  const byStage = stages.flatMap(({ stage }) => {
    const own = found.filter((step) => step.stage === stage);
    return own.length === 0
      ? []
      : [`${short(own.reduce((sum, { k }) => sum + k.mean, 0) / own.length)} in stage ${stage}`];
  });
  return [
    `${what}, from ${short(least.k.min)} (${escapeXml(least.path)}) to ${short(most.k.max)} (${escapeXml(most.path)}); its mean is ${byStage.join(', ')}.`,
    signs(found.filter(({ k }) => k.mean < 0).length, found.filter(({ k }) => k.mean > 0).length),
  ];
}

function signs(negative: number, positive: number): string {
  const parts = [
    ...(negative > 0 ? [`${negative} with ${inline('k < 0')} accelerate`] : []),
    ...(positive > 0 ? [`${positive} with ${inline('k > 0')} average with the past`] : []),
  ];
  return `Of these, ${parts.join(', ')}.`;
}

function zeroSentence({ steps }: Analysis): string[] {
  const known = steps.filter(({ zeroStable }) => zeroStable !== null);
  const bad = known.filter(({ zeroStable }) => zeroStable === false);
  if (known.length === 0) return [];
  if (bad.length === 0)
    return [`All ${known.length} steps that can be read as a recurrence are zero-stable.`];
  const names = bad.slice(0, 6).map(({ path }) => escapeXml(path));
  const more = bad.length > names.length ? ` and ${bad.length - names.length} more` : '';
  return [
    `<span class="bad">${bad.length} of ${known.length} steps are not zero-stable:</span> ${names.join(', ')}${more}.`,
  ];
}

function regionSentence({ regions }: Analysis): string[] {
  const main = regions.find(({ starting }) => !starting);
  if (main === undefined) return [];
  const reals = main.variants.map(({ real }) => real);
  const [low, high] = [Math.min(...reals), Math.max(...reals)];
  const length = low === high ? short(low) : `${short(low)} to ${short(high)}`;
  return [
    `On the negative real axis its steps are absolutely stable over a length of ${length}; forward Euler's is 2.`,
  ];
}

function normSentence({ steps }: Analysis): string[] {
  const found = steps.flatMap(({ path, transition, norms }) => {
    const relative = norms?.evaluations[0]?.relative;
    return relative === undefined || transition ? [] : [{ path, relative }];
  });
  const [first] = found;
  if (first === undefined) return [];
  const largest = found.reduce((a, b) => (b.relative > a.relative ? b : a), first);
  const values = found.map(({ relative: r }) => ({ mean: r, min: r, max: r }));
  return [
    `Inside the stages the residual function is ${span(values)} times as large as what it is applied to; it is largest at ${escapeXml(largest.path)}.`,
  ];
}
