// Training steps beside PyTorch on the same machine, from the same weights, on the same images: eager in its
// best effort (channels-last, fused SGD), under bf16 autocast, and compiled. Programs that live on train in
// turn, A B A B …; of every figure the median, of every ratio the median over rounds. No figure appears
// unless 20 losses in float32 are PyTorch's to 1e-4.
//   PYTHON=python npm run bench -- [--full] [--ablation] [--json] [--rounds 3] [--steps N]
//     [--races lm_resnet20:128:32:2,…] [--rivals best,bf16,compile,compile-bf16]
// A race is network:batch:size:threads. Quick (the default): three races, eager rivals, under 5 minutes;
// --full: all races and rivals, over an hour. Rivals of float32 alone, such as best,compile, leave out ours
// in bfloat16, for processors that do not multiply it. --ablation: ours without each pass of the plan, no
// rivals.
// PYTHON names an interpreter with torch (default python3). Nothing else should run meanwhile.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isLmError, LmError } from '../../../dist/index.js';
import { inTurn } from '../turns.mjs';
import { checkLosses, checkTurn, ours, passes, prepare, profileOf, rival } from './programs.mjs';
import { ablationRow, describeMachine, head, isMixed, json, raceRow, table } from './report.mjs';

const quick = {
  races: 'lm_resnet20:128:32:2,lm_resnet20:8:32:2,lm_resnet50:16:224:2',
  rivals: 'best,bf16',
  rounds: '3',
};
const full = {
  races: [
    'lm_resnet20:128:32:2,lm_resnet56:128:32:2,lm_resnet20:8:32:2,lm_resnet56:8:32:2',
    'lm_resnet20:1:32:1,lm_resnet56:1:32:1,lm_resnet50:16:224:2,lm_resnext50_32x4d:8:224:2',
  ].join(),
  rivals: 'best,bf16,compile,compile-bf16',
  rounds: '5',
};

function parse() {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const options = {
    ...{ full: flag, ablation: flag, json: flag },
    ...{ races: text, rivals: text, rounds: text, steps: text },
  };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    throw new LmError('ERR_CONFIG', error.message);
  }
  const all = { ...(values.full ? full : quick), ...values };
  const rounds = Number(all.rounds);
  if (!(Number.isInteger(rounds) && rounds > 0))
    throw new LmError('ERR_CONFIG', `Expected an integer above 0 for \`rounds\` but received ${all.rounds}`);
  const rivals = all.ablation ? [] : all.rivals.split(',');
  for (const mode of rivals)
    if (!full.rivals.split(',').includes(mode))
      throw new LmError('ERR_CONFIG', `Expected some of ${full.rivals} for \`rivals\` but received ${mode}`);
  if (all.steps !== undefined && !(Number(all.steps) > 0))
    throw new LmError('ERR_CONFIG', `Expected a number above 0 for \`steps\` but received ${all.steps}`);
  return { ...all, rounds, rivals, races: all.races.split(',').map(parseRace) };
}

function parseRace(text) {
  const [name, ...sizes] = text.split(':');
  const [batch, size, threads] = sizes.map(Number);
  if (sizes.length !== 3 || !sizes.every((word) => Number.isInteger(Number(word)) && Number(word) > 0))
    throw new LmError('ERR_CONFIG', `Expected network:batch:size:threads for \`races\` but received ${text}`);
  return { name, batch, size, threads };
}

/** Steps of a turn: a second or more. */
function stepsOf({ batch, size }, { full, steps }) {
  if (steps !== undefined) return Number(steps);
  if (size > 100) return full ? 8 : 2;
  return batch > 8 ? 15 : 60;
}

const amp = ['--amp', 'bfloat16'];

/** Ours in both precisions, and the twin; or without each pass of the plan. */
function starters(options) {
  const exact = { ours: { words: [] } };
  const both = { ...exact, 'ours, bfloat16': { words: amp } };
  if (!options.ablation)
    return isMixed(options.rivals)
      ? { ...both, 'twin, bfloat16': { words: amp, graph: 'twin' } }
      : { ...exact, twin: { words: [], graph: 'twin' } };
  const without = passes().flatMap((pass) =>
    Object.entries(both).map(([title, { words }]) => [
      `${title}, without ${pass}`,
      { words: [...words, '--off', pass] },
    ]),
  );
  return { ...both, ...Object.fromEntries(without) };
}

async function run(race, options, folder) {
  const gap = options.ablation ? undefined : await checkLosses(join(folder, 'gate'), race);
  const files = join(folder, `${race.name}-${race.batch}-${race.size}`);
  prepare(files, race);
  const steps = stepsOf(race, options);
  const programs = [];
  const turns = new Map(); // by program
  const first = new Map(); // losses
  try {
    for (const [title, how] of Object.entries(starters(options)))
      programs.push(await ours(title, files, race, steps, how));
    for (const mode of options.rivals) programs.push(await rival(mode, files, race, steps));
    for (const { name } of programs) turns.set(name, []);
    for (let round = -1; round < options.rounds; round++) {
      for (const program of inTurn(programs, round + 1)) {
        const turn = await program.turn();
        if (round >= 0) turns.get(program.name).push(turn);
        else first.set(program.name, turn.losses);
      }
      if (round < 0)
        for (const { name } of programs.filter((program) => !program.name.startsWith('twin')))
          checkTurn(name, first.get(name), first.get('ours'));
      if (!options.json) console.error(`${race.name}: ${round < 0 ? 'warmed up' : `round ${round + 1}`}`);
    }
  } finally {
    for (const program of programs) program.close();
  }
  const torch = programs.find(({ about }) => about.torch)?.about.torch;
  if (options.ablation) return ablationRow(race, turns);
  const profiles = { float32: profileOf(files, race, []) };
  if (isMixed(options.rivals)) profiles.bfloat16 = profileOf(files, race, amp);
  return { ...raceRow(race, turns, options.rivals), gap, torch, profiles };
}

async function main() {
  const options = parse();
  const folder = mkdtempSync(join(tmpdir(), 'lm-bench-'));
  const rows = [];
  try {
    const machine = describeMachine();
    if (!options.json) console.log(head(machine));
    for (const race of options.races) {
      rows.push(await run(race, options, folder));
      if (!options.json) table(rows.at(-1)); // at once: what follows may be stopped
    }
    if (options.json) console.log(json(machine, rows, options.rounds));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  if (!isLmError(error)) throw error;
  console.error(`${error.code}: ${error.message}${error.hint ? `\n  ${error.hint}` : ''}`);
  process.exitCode = 1;
}
