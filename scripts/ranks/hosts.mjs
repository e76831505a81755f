// Two ranks in two networks of this machine, and what may happen to the link between them:
//   node scripts/ranks/hosts.mjs [--kills 10] [--seed 1] [checks…]
// Prints a line of JSON for each check; exits with 1 where one is not so. Needs root, python3, ip, tc,
// iptables and /dev/net/tun, and takes minutes. link.py makes packets late or loses them, for a kernel may
// have no netem; `lossy`, `kills` and `launch` have a wire of the kernel (networks.mjs).
//   slow       packets are 10 ms late, and one of a thousand is lost: the bytes are those of one host
//   cut        the link is cut: both end, and name the other; once it is mended the same command goes on, to
//              the bytes of the undisturbed run
//   killed     a rank is killed: the one on the other host ends within seconds, and names it
//   late       the link is cut before the ranks meet: both say who is not there, within --timeout
//   lossy      the kernel loses one packet of a hundred, and queues the others: bytes of one host
//   kills      a rank of either host is killed at random moments, as in faults.mjs
//   launch     `lm-resnet launch --nnodes 2` on each, two ranks a host: the bytes of four on one host
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { digest, inFolder, launched, report, runToEnd, start, stepsOf, training, until } from './job.mjs';
import { kills } from './kills.mjs';
import { addressOf, hinder, lostPackets, on, withHosts } from './networks.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kills: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
});
const names = [0, 1].map((i) => `lm${process.pid}-${i}`);

/** Runs work with a link that takes words; it and its networks are gone afterwards. */
async function withLink(work) {
  const program = fileURLToPath(new URL('link.py', import.meta.url));
  const relay = spawn('python3', [program, ...names], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => relay.on('close', resolve));
  const lines = createInterface({ input: relay.stdout });
  await Promise.race([new Promise((resolve) => lines.once('line', resolve)), ended]);
  try {
    return await work((words) => relay.stdin.write(`${words}\n`));
  } finally {
    relay.stdin.end();
    await ended;
  }
}

/** A rank in the network of its number. */
function rankOn(rank, command) {
  const env = { RANK: `${rank}`, WORLD_SIZE: '2', MASTER_ADDR: '10.77.0.1', MASTER_PORT: '29500' };
  return start(['ip', 'netns', 'exec', names[rank], ...command], { env });
}

/** The ranks of a command, one on each host of a wire. */
function onWire(command) {
  const place = { WORLD_SIZE: '2', MASTER_ADDR: addressOf(0), MASTER_PORT: '29500' };
  const ranks = [0, 1].map((i) => start(on(i, command), { env: { ...place, RANK: String(i) } }));
  const ended = ends(ranks).then((found) => ({
    failed: found.some(({ code }) => code !== 0),
    said: found.map(({ said }) => said).join('\n'),
  }));
  return { ranks: () => ranks.filter(({ isOver }) => !isOver()).map(({ pid }) => pid), ended };
}

const both = (command) => [0, 1].map((rank) => rankOn(rank, command));
const ends = (ranks) => Promise.all(ranks.map(({ ended }) => ended));
const timeout = (seconds) => ['--timeout', String(seconds)];
/** What a rank says last but its hint. */
const errorOf = ({ said }) => said.match(/error .*/)?.[0] ?? said;

async function toTheEnd(command) {
  for (const { code, said } of await ends(both(command)))
    if (code !== 0) throw new Error(`a rank ended with ${code}: ${said}`);
}

const checks = {
  slow: () =>
    inFolder(async (folder) => {
      await runToEnd(launched(2, training(folder, 'undisturbed', { steps: 12 })));
      await withLink(async (tell) => {
        tell('delay 0.01');
        tell('lose 0.001');
        await toTheEnd(training(folder, 'slow', { steps: 12 }));
      });
      return { ok: digest(folder, 'undisturbed') === digest(folder, 'slow') };
    }),

  cut: () =>
    inFolder(async (folder) => {
      await runToEnd(launched(2, training(folder, 'undisturbed')));
      return withLink(async (tell) => {
        const ranks = both(training(folder, 'run', { more: timeout(10) }));
        await until(() => stepsOf(folder, 'run') >= 6, ranks[0].ended);
        tell('cut');
        const begun = performance.now();
        const found = await ends(ranks);
        const took = (performance.now() - begun) / 1000;
        tell('mend');
        await toTheEnd(training(folder, 'run'));
        const same = digest(folder, 'undisturbed') === digest(folder, 'run');
        const said = found.map(errorOf);
        const named = /rank 1 does not answer/.test(said[0]) && /rank 0 ended, hangs or cannot/.test(said[1]);
        return { ok: same && named && took < 10 + 12, same, took, said };
      });
    }),

  killed: () =>
    inFolder((folder) =>
      withLink(async () => {
        const ranks = both(training(folder, 'run', { steps: 100_000 }));
        await until(() => stepsOf(folder, 'run') >= 4, ranks[0].ended);
        const begun = performance.now();
        ranks[1].kill('SIGKILL');
        const said = errorOf(await ranks[0].ended);
        const took = (performance.now() - begun) / 1000;
        return { ok: /rank 1 does not answer/.test(said) && took < 15, took, said };
      }),
    ),

  late: () =>
    inFolder((folder) =>
      withLink(async (tell) => {
        tell('cut');
        const begun = performance.now();
        const said = (await ends(both(training(folder, 'run', { more: timeout(8) })))).map(errorOf);
        const took = (performance.now() - begun) / 1000;
        const ok =
          /rank 1 has not come/.test(said[0]) && /Expected rank 0 at 10\.77\.0\.1:29500/.test(said[1]);
        return { ok: ok && took < 8 + 12, took, said };
      }),
    ),

  lossy: () =>
    inFolder(async (folder) => {
      await runToEnd(launched(2, training(folder, 'undisturbed', { steps: 12 })));
      return withHosts(async () => {
        hinder({ rate: '200mbit', lost: 0.01 });
        const { failed, said } = await onWire(training(folder, 'lossy', { steps: 12 })).ended;
        if (failed) return { ok: false, said };
        const lost = lostPackets();
        return { ok: lost > 0 && digest(folder, 'undisturbed') === digest(folder, 'lossy'), lost };
      });
    }),

  kills: () =>
    inFolder((folder) =>
      withHosts(() =>
        kills(folder, { wanted: Number(values.kills), seed: Number(values.seed), begin: onWire }),
      ),
    ),

  launch: () =>
    inFolder(async (folder) => {
      await runToEnd(launched(4, training(folder, 'one')));
      return withHosts(async () => {
        const [node, main, word, ...words] = launched(2, training(folder, 'two'));
        const hosts = ['--nnodes', '2', '--master-addr', 'node0', '--node-rank'];
        const ranks = [0, 1].map((i) => start(on(i, [node, main, word, ...hosts, String(i), ...words])));
        const found = await ends(ranks);
        if (found.some(({ code }) => code !== 0)) return { ok: false, said: found.map(({ said }) => said) };
        return { ok: digest(folder, 'one') === digest(folder, 'two') };
      });
    }),
};

await report(checks, positionals);
