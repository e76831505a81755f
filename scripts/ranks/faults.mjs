// What goes wrong with the ranks of a training, and what is left of it:
//   node scripts/ranks/faults.mjs [--kills 50] [--seed 1] [checks…]
// Prints a line of JSON for each check; exits with 1 where one is not so. Takes minutes; `disk` needs root,
// for a file system of its own.
//   kills      a rank of two is killed at random moments; the rest says which, and all have ended within 20
//              seconds; every time the same command goes on, and comes to the bytes of the undisturbed run
//   hangs      a rank is stopped: the other ends within --timeout and names it
//   joining    a rank of three is killed while the others wait for the third: they end and name it
//   disk       the disk of rank 0 fills up: the run goes on, says so and fails at its end; once there is room
//              the same command comes to the bytes of the undisturbed run
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { lastGoodCheckpoint } from '../../dist/index.js';
import {
  descendants,
  digest,
  freePort,
  inFolder,
  launched,
  report,
  runToEnd,
  start,
  stepsOf,
  training,
  until,
} from './job.mjs';
import { kills } from './kills.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kills: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
});

const ranksOf = ({ pid }) => descendants(pid, ['train', '--auto-resume']);
const seconds = (begun) => (performance.now() - begun) / 1000;

/** One rank of a world, alone. */
async function rankOf(rank, worldSize, port, command) {
  const env = { RANK: rank, WORLD_SIZE: worldSize, MASTER_ADDR: '127.0.0.1', MASTER_PORT: port };
  return start(command, {
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)])),
  });
}

/** Two ranks by `launch`. */
function begin(command) {
  const run = start(launched(2, command));
  const ended = run.ended.then(({ code, said }) => ({ failed: code !== 0, said }));
  return { ranks: () => ranksOf(run), ended };
}

const checks = {
  kills: () =>
    inFolder((folder) => kills(folder, { wanted: Number(values.kills), seed: Number(values.seed), begin })),

  hangs: () =>
    inFolder(async (folder) => {
      const port = await freePort();
      const command = training(folder, 'run', { steps: 1_000_000, more: ['--timeout', '10'] });
      const [first, second] = await Promise.all([0, 1].map((rank) => rankOf(rank, 2, port, command)));
      await until(() => stepsOf(folder, 'run') >= 2, first.ended);
      second.kill('SIGSTOP');
      const begun = performance.now();
      const { code, said } = await first.ended;
      const took = seconds(begun);
      second.kill('SIGKILL');
      const ok = code !== 0 && took < 10 + 8 && /rank 1 does not answer/.test(said);
      return { ok, took, ...(ok ? {} : { code, said }) };
    }),

  joining: () =>
    inFolder(async (folder) => {
      const port = await freePort();
      const command = training(folder, 'run', { more: ['--timeout', '25'] });
      const ranks = await Promise.all([0, 1].map((rank) => rankOf(rank, 3, port, command)));
      await sleep(8000);
      ranks[1].kill('SIGKILL');
      const late = await rankOf(2, 3, port, command);
      const begun = performance.now();
      const ends = await Promise.all([ranks[0].ended, late.ended]);
      const ok = ends.every(({ code, said }) => code !== 0 && /rank 1 came and does not answer/.test(said));
      return { ok, took: seconds(begun), said: ends.map(({ said }) => said.trim().split('\n')[0]) };
    }),

  disk: () =>
    inFolder(async (folder) => {
      await runToEnd(launched(2, training(folder, 'undisturbed')));
      const small = join(folder, 'small');
      mkdirSync(small);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', small]);
      try {
        const command = launched(2, training(folder, 'small/run'));
        const run = start(command);
        await until(() => stepsOf(folder, 'small/run') >= 5, run.ended);
        const filler = fill(small);
        const { code, said } = await run.ended;
        await lastGoodCheckpoint(join(small, 'run'));
        for (const file of filler) rmSync(file);
        await runToEnd(command);
        const same = digest(folder, 'undisturbed') === digest(folder, 'small/run');
        const ok = code !== 0 && /ERR_FILE/.test(said) && same;
        return { ok, same, ...(ok ? {} : { code, said }) };
      } finally {
        execFileSync('umount', [small]);
      }
    }),
};

/** Fills a file system to its last byte; the files that do. */
function fill(folder) {
  const files = [];
  for (let size = 2 ** 27; size >= 1; size = Math.floor(size / 4)) {
    const file = join(folder, `filler-${size}`);
    files.push(file);
    try {
      writeFileSync(file, Buffer.alloc(size));
    } catch {} // it is full, for so much
  }
  return files;
}

await report(checks, positionals);
