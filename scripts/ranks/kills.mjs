// Ranks of a training that are killed at random moments, again and again, and what the rest comes to.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastGoodCheckpoint } from '../../dist/index.js';
import { digest, generator, launched, runToEnd, stepsOf, training, until } from './job.mjs';

const steps = 36; // of training() in job.mjs
const timeout = 12; // for ranks that wait for one which was killed before it came

/** The number of the rank that a process is, as it was told. */
const rankOf = (pid) => /(?:^|\0)RANK=(\d+)/.exec(readFileSync(`/proc/${pid}/environ`, 'latin1'))?.[1];
const isNamed = (said, rank) =>
  new RegExp(`rank ${rank} (?:(?:came and )?does not answer|has not come|ended|was ended|at )`).test(said);

/** Kills one of two ranks at a moment between the start and a step; what became of the rest. */
async function killOne(folder, begin, random) {
  const run = begin();
  await until(() => run.ranks().length === 2, run.ended);
  if (random() < 0.7) {
    const step = stepsOf(folder, 'disturbed') + Math.floor(3 * random());
    await until(() => stepsOf(folder, 'disturbed') >= step, run.ended);
  }
  await sleep(1500 * random());
  const ranks = run.ranks();
  const victim = ranks[Math.floor(random() * ranks.length)];
  const rank = victim === undefined ? undefined : rankOf(victim);
  if (victim !== undefined) process.kill(victim, 'SIGKILL');
  const begun = performance.now();
  const { failed, said } = await run.ended;
  const took = Number(((performance.now() - begun) / 1000).toFixed(1));
  return { killed: victim !== undefined && failed, isNamed: isNamed(said, rank), said, took };
}

/**
 * Kills ranks of a training that the same command goes on with each time.
 *
 * @param begin starts the two ranks of a command: `ranks()` are their processes, `ended` has whether one
 *   failed and what they said.
 * @returns whether each time the rest named the one within the timeout and eight seconds, the last checkpoint
 *   was whole, and all came to the bytes of an undisturbed run.
 */
export async function kills(folder, { wanted, seed, begin }) {
  const random = generator(seed);
  await runToEnd(launched(2, training(folder, 'undisturbed')));
  const command = training(folder, 'disturbed', { more: ['--timeout', String(timeout)] });
  const found = { kills: 0, slowest: 0, unnamed: [], runs: 0 };
  while (found.kills < wanted) {
    const { killed, isNamed, said, took } = await killOne(folder, () => begin(command), random);
    if (killed) {
      found.kills++;
      found.slowest = Math.max(found.slowest, took);
      if (!isNamed) found.unnamed.push(said);
      if (stepsOf(folder, 'disturbed') > 4) await lastGoodCheckpoint(join(folder, 'disturbed'));
    }
    if (stepsOf(folder, 'disturbed') < steps && found.kills < wanted) continue;
    const { failed, said: words } = await begin(command).ended;
    if (failed) return { ok: false, ...found, words };
    found.runs++;
    if (digest(folder, 'disturbed') !== digest(folder, 'undisturbed'))
      return { ok: false, ...found, same: false };
    rmSync(join(folder, 'disturbed'), { recursive: true });
  }
  return { ok: found.slowest < timeout + 8 && found.unnamed.length === 0, ...found, same: true };
}
