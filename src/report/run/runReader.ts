/**
 * One run folder as data: settings.json, metrics.jsonl, and where they exist checkpoint.safetensors and
 * evaluation.json.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { rangeOf } from '../../analyze/coefficients.ts';
import { kOfSteps } from '../../analyze/steps.ts';
import { type CheckpointInfo, readCheckpointInfo } from '../../checkpoint/checkpoint.ts';
import { LmError } from '../../errors.ts';
import { errnoOf, readBounded } from '../../files.ts';
import type { Graph } from '../../graph/graph.ts';
import { parseJson } from '../../json.ts';
import {
  bestFirst,
  type CoefficientsRow,
  type EvalRow,
  type MetricsRow,
  type StepRow,
} from '../../metricsRow.ts';
import { must } from '../../must.ts';
import { median } from '../../picture/curves.ts';
import { mostConfusedClasses, runFileNames } from '../../run/folder.ts';
import { readMetrics } from '../../run/metricsLog.ts';
import type { CoefficientCurves, Confusion, RunReport, RunResult } from './comparison.ts';

/** The most that a file of a run is: an evaluation of so many classes that are confused with each other. */
const maxBytes = 64 * 2 ** 20;
const maxValues = mostConfusedClasses * (mostConfusedClasses + 10);

const confusionSchema = z.object({
  confusion: z.array(z.array(z.int().min(0))).min(1),
  classNames: z.array(z.string()),
});
const settingsSchema = z.looseObject({ model: z.string(), loss: z.enum(['crossEntropy', 'bce']).optional() });

/**
 * Reads a run.
 *
 * @throws ERR_FILE, ERR_CHECKPOINT as `compareRuns`.
 */
export async function readRun(folder: string): Promise<Omit<RunReport, 'name'>> {
  const settings = await readJson(folder, 'settings.json', settingsSchema);
  if (settings === null) throw noRun(folder, 'settings.json');
  const rows = await readMetrics(join(folder, 'metrics.jsonl')).catch((cause: unknown) => {
    throw isMissing(cause) ? noRun(folder, 'metrics.jsonl', cause) : cause;
  });
  const [steps, evals] = [latest(rows, 'step'), latest(rows, 'eval')];
  if (steps.length + evals.length === 0)
    throw new LmError('ERR_CHECKPOINT', `Expected rows of metrics for \`${folder}\` but received none`, {
      hint: 'The training has not come to its first row: repeat when it has, or leave this run out.',
    });
  const info = await readCheckpointInfo(join(folder, 'checkpoint.safetensors')).catch((cause: unknown) => {
    if (isMissing(cause)) return null;
    throw cause;
  });
  return {
    folder,
    model: settings.model,
    loss: settings.loss ?? 'crossEntropy',
    parameters: info === null ? null : parametersOf(info.graph),
    settings: flattened(settings),
    result: resultOf(steps, evals, info),
    steps,
    evals,
    coefficients: curvesOf(latest(rows, 'coefficients'), info?.graph ?? null),
    confusion: await readConfusion(folder),
  };
}

/**
 * Rows of one type in the order of their steps. A run that was continued repeats steps: then what it said
 * later counts.
 */
function latest<T extends MetricsRow['type']>(
  rows: readonly MetricsRow[],
  type: T,
): Extract<MetricsRow, { type: T }>[] {
  const kept: Extract<MetricsRow, { type: T }>[] = [];
  const isOfType = (row: MetricsRow): row is Extract<MetricsRow, { type: T }> => row.type === type;
  for (const row of rows.filter(isOfType)) {
    while ((kept.at(-1)?.step ?? -1) >= row.step) kept.pop();
    kept.push(row);
  }
  return kept;
}

/** Reads a JSON file of a run; null when it is missing. */
async function readJson<S extends z.ZodType>(
  folder: string,
  name: string,
  schema: S,
): Promise<z.output<S> | null> {
  const path = join(folder, name);
  const bytes = await readBounded(path, maxBytes).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (bytes === null) return null;
  try {
    return schema.parse(parseJson(bytes.toString(), maxValues));
  } catch (cause) {
    throw damaged(path, cause);
  }
}

async function readConfusion(folder: string): Promise<Confusion | null> {
  const found = await readJson(folder, runFileNames.evaluation, confusionSchema);
  if (found === null) return null;
  const { confusion, classNames } = found;
  const n = classNames.length;
  if (confusion.length !== n || confusion.some((row) => row.length !== n))
    throw damaged(join(folder, runFileNames.evaluation), undefined);
  return { confusion, classNames };
}

function damaged(path: string, cause: unknown): LmError {
  const message = `Expected a file that this version writes for \`${path}\` but received something else`;
  return new LmError('ERR_CHECKPOINT', message, {
    hint: 'It is damaged, or of another version of lm-resnet.',
    cause,
  });
}

function isMissing(error: unknown): boolean {
  const code = error instanceof LmError ? errnoOf(error.cause) : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function noRun(folder: string, lacks: string, cause?: unknown): LmError {
  const message = `Expected a run folder for \`${folder}\` but received one without ${lacks}`;
  return new LmError('ERR_FILE', message, {
    hint: 'A run folder is what training writes: lm-resnet train … --run FOLDER.',
    cause,
  });
}

/** Nested options joined by dots; arrays stay values. */
function flattened(settings: Readonly<Record<string, unknown>>, prefix = ''): Record<string, unknown> {
  const entries = Object.entries(settings).flatMap(([key, value]): [string, unknown][] => {
    const nested = z.record(z.string(), z.unknown()).safeParse(value);
    return nested.success
      ? Object.entries(flattened(nested.data, `${prefix}${key}.`))
      : [[prefix + key, value]];
  });
  return Object.fromEntries(entries);
}

function parametersOf({ params }: Graph): number {
  return params.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

function resultOf(
  steps: readonly StepRow[],
  evals: readonly EvalRow[],
  info: CheckpointInfo | null,
): RunResult {
  const [trained, tested] = [steps.at(-1), evals.at(-1)];
  const [best] = evals.filter(({ top1 }) => Number.isFinite(top1)).toSorted(bestFirst);
  const total = info?.run?.totalSteps;
  const rates = steps.map(({ imagesPerSecond }) => imagesPerSecond).filter(Number.isFinite);
  return {
    steps: Math.max(trained?.step ?? 0, tested?.step ?? 0),
    epochs: Math.max(trained?.epoch ?? 0, tested?.epoch ?? 0),
    totalSteps: typeof total === 'number' ? total : null,
    trainLoss: trained?.loss ?? null,
    trainTop1: trained?.top1 ?? null,
    testLoss: tested?.loss ?? null,
    testTop1: tested?.top1 ?? null,
    testTop5: tested?.top5 ?? null,
    bestTop1: best?.top1 ?? null,
    bestEpoch: best?.epoch ?? null,
    imagesPerSecond: rates.length === 0 ? null : median(rates),
  };
}

/** k_n over time where the graph is known and has one, else the coefficients as they are stored. */
function curvesOf(rows: readonly CoefficientsRow[], graph: Graph | null): CoefficientCurves | null {
  if (rows.length === 0) return null;
  const ks = graph === null ? [] : rows.map(({ values }) => kMeans(graph, values));
  const kind = (ks[0]?.size ?? 0) > 0 ? 'k' : 'stored';
  const all = kind === 'k' ? ks : rows.map(({ values }) => storedMeans(values));
  const names = [...must(all[0]).keys()];
  return {
    kind,
    names,
    steps: rows.map(({ step }) => step),
    epochs: rows.map(({ epoch }) => epoch),
    values: names.map((name) => all.map((at) => at.get(name) ?? Number.NaN)),
  };
}

type Means = ReadonlyMap<string, number>;

function kMeans(graph: Graph, stored: CoefficientsRow['values']): Means {
  const ks = kOfSteps(graph, new Map(Object.entries(stored)));
  return new Map(ks.map(({ path, values }) => [path, rangeOf(values).mean]));
}

function storedMeans(stored: CoefficientsRow['values']): Means {
  return new Map(Object.entries(stored).map(([path, values]) => [path, rangeOf(values).mean]));
}
