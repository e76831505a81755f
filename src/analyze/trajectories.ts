/** The paths that images take through the states of each stage. */
import type { Graph } from '../graph/graph.ts';
import { must } from '../must.ts';
import type { StageTrajectories } from './analysis.ts';
import { principalPlane } from './principal.ts';

/** States of one stage in order: nodes, and the step that each is after. */
export interface StageStates {
  readonly stage: number;
  readonly steps: readonly number[];
  readonly nodes: readonly number[];
}

/** At most so many points per path. */
const mostPoints = 41;

/** Newest states of every stage that are in one space: after its transition, or from its start. */
export function stageStates({ steps }: Graph): StageStates[] {
  return [...new Set(steps.map(({ stage }) => stage))].map((stage) => {
    const own = steps.filter((step) => step.stage === stage);
    const start = own
      .filter((step, i) => i === 0 && !step.transition)
      .map(({ before, n }) => [n - 1, must(before[0])] as const);
    const all = [...start, ...own.map(({ after, n }) => [n, must(after[0])] as const)];
    const kept = all.filter((_, i) => i === all.length - 1 || i % Math.ceil(all.length / mostPoints) === 0);
    return { stage, steps: kept.map(([n]) => n), nodes: kept.map(([, node]) => node) };
  });
}

/** Paths of the named images in the plane of their principal components, stage by stage. */
export function trajectories(
  stages: readonly StageStates[],
  means: ReadonlyMap<number, readonly (readonly number[])[]>,
  names: readonly string[],
): StageTrajectories[] {
  return stages.map(({ stage, steps, nodes }) => {
    const points = names.flatMap((_, image) => nodes.map((node) => must(must(means.get(node))[image])));
    const plane = principalPlane(points);
    const images = names.map((name, i) => ({
      name,
      points: plane.points.slice(i * nodes.length, (i + 1) * nodes.length).map(rounded),
    }));
    return { stage, steps, explained: plane.explained, images };
  });
}

function rounded([x, y]: readonly [number, number]): readonly [number, number] {
  return [Number(x.toPrecision(6)), Number(y.toPrecision(6))];
}
