// Trainings that the real torchrun starts, and starts again when a rank is killed:
//   node scripts/ranks/torchrun.mjs [--torchrun FILE] [checks…]
// torchrun is that of a Python with torch (the checks need no more of it). Prints a line of JSON for each
// check; exits with 1 where one is not so. Takes minutes.
//   plain      two ranks, by torchrun's own store, come to the bytes of `lm-resnet launch`
//   words      what ended a rank is shown by torchrun
//   restarts   a rank is killed, three times: with --max-restarts the bytes are those of the undisturbed run
//   hosts      an agent on each of two hosts (networks.mjs), as root: a rank of the second is killed, both
//              start theirs again, to the bytes of the undisturbed run
//   fewer      one of two agents is killed: the other goes on alone, to the undisturbed run's result
import { parseArgs } from 'node:util';
import {
  apart,
  descendants,
  digest,
  freePort,
  generator,
  inFolder,
  launched,
  report,
  runToEnd,
  start,
  stepsOf,
  training,
  until,
} from './job.mjs';
import { on, withHosts } from './networks.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { torchrun: { type: 'string', default: 'torchrun' } },
});

const torchrun = (options, command) => [
  values.torchrun,
  '--no-python',
  '--monitor-interval',
  '0.2',
  ...options,
  '--', // or its parser takes --run for one of its own
  ...command,
];
const alone = ['--standalone', '--nproc-per-node', '2'];

/** The ranks that a torchrun has started. */
const ranksOf = ({ pid }) => descendants(pid, ['train', '--global-batch']);

const checks = {
  plain: () =>
    inFolder(async (folder) => {
      await runToEnd(launched(2, training(folder, 'launch')));
      await runToEnd(torchrun(alone, training(folder, 'torchrun')));
      return { ok: digest(folder, 'launch') === digest(folder, 'torchrun') };
    }),

  words: () =>
    inFolder(async (folder) => {
      const wrong = training(folder, 'words', { more: ['--data', 'mnist:nowhere'] });
      const { code, said } = await start(torchrun(alone, wrong)).ended;
      return { ok: code !== 0 && /Root Cause[\s\S]*LmError: Expected the files of mnist/.test(said), code };
    }),

  restarts: () =>
    inFolder(async (folder) => {
      const random = generator(1);
      await runToEnd(launched(2, training(folder, 'undisturbed')));
      const run = start(torchrun([...alone, '--max-restarts', '9'], training(folder, 'disturbed')));
      let killed = 0;
      for (const step of [5, 14, 23]) {
        if (!(await until(() => stepsOf(folder, 'disturbed') >= step, run.ended))) break;
        const ranks = ranksOf(run);
        const victim = ranks[Math.floor(random() * ranks.length)];
        if (victim !== undefined) process.kill(victim, 'SIGKILL');
        killed++;
        await until(() => !ranksOf(run).some((id) => ranks.includes(id)), run.ended);
      }
      const { code, said } = await run.ended;
      const same = code === 0 && digest(folder, 'undisturbed') === digest(folder, 'disturbed');
      return { ok: same && killed === 3, killed, same, ...(code === 0 ? {} : { code, said }) };
    }),

  hosts: () =>
    inFolder(async (folder) => {
      await runToEnd(launched(2, training(folder, 'undisturbed')));
      return withHosts(async () => {
        const meeting = ['--rdzv-backend', 'c10d', '--rdzv-endpoint', 'node0:29400', '--rdzv-id', 'hosts'];
        const nodes = ['--nnodes', '2', '--nproc-per-node', '1', '--max-restarts', '3'];
        const command = torchrun([...nodes, ...meeting], training(folder, 'hosts'));
        const agents = [0, 1].map((i) => start(on(i, command)));
        await until(() => stepsOf(folder, 'hosts') >= 9, agents[0].ended);
        const [victim] = ranksOf(agents[1]);
        if (victim !== undefined) process.kill(victim, 'SIGKILL');
        const found = await Promise.all(agents.map(({ ended }) => ended));
        const failed = found.filter(({ code }) => code !== 0).map(({ said }) => said);
        const same = failed.length === 0 && digest(folder, 'undisturbed') === digest(folder, 'hosts');
        return { ok: same && victim !== undefined, same, ...(failed.length > 0 ? { failed } : {}) };
      });
    }),

  fewer: () =>
    inFolder(async (folder) => {
      await runToEnd(training(folder, 'undisturbed'));
      const port = await freePort();
      const agent = (hosts) => {
        const conf = {
          is_host: hosts,
          last_call_timeout: 10,
          keep_alive_interval: 1,
          keep_alive_max_attempt: 3,
        };
        const text = Object.entries(conf).map(([name, value]) => `${name}=${value}`);
        const meeting = [
          '--rdzv-backend',
          'c10d',
          '--rdzv-endpoint',
          `127.0.0.1:${port}`,
          '--rdzv-id',
          'fewer',
        ];
        const nodes = ['--nnodes', '1:2', '--nproc-per-node', '1', '--max-restarts', '5'];
        const options = [...nodes, ...meeting, '--rdzv-conf', text.join(',')];
        return start(torchrun(options, training(folder, 'fewer')));
      };
      const [first, second] = [agent(true), agent(false)];
      await until(() => ranksOf(second).length > 0 && stepsOf(folder, 'fewer') >= 6, first.ended);
      const together = ranksOf(second).length;
      for (const id of ranksOf(second)) process.kill(id, 'SIGKILL');
      second.kill('SIGKILL');
      const { code, said } = await first.ended;
      if (code !== 0) return { ok: false, code, said };
      const difference = await apart(folder, 'undisturbed', 'fewer');
      return { ok: together === 1 && difference < 1e-10, together, difference };
    }),
};

await report(checks, positionals);
