// Trainings that MPI's and Slurm's own commands start, each as root on this machine:
//   node scripts/ranks/managers.mjs [checks…]
// Debian and Ubuntu: apt-get install openmpi-bin, mpich, slurmctld slurmd slurm-client munge. Prints JSON,
// a line for each check; exits with 1 where one is not so. Takes minutes.
//   openmpi    two ranks of mpirun come to the bytes of `lm-resnet launch`, also where one of them was killed
//              and the same command goes on
//   mpich      the same by MPICH's mpiexec
//   slurm      the same by srun, in a cluster of one host that is made for it
//   hosts/openmpi, hosts/mpich, hosts/slurm    the same, a rank on each of two hosts (networks.mjs)
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  descendants,
  digest,
  inFolder,
  launched,
  report,
  runToEnd,
  start,
  stepsOf,
  training,
  until,
} from './job.mjs';
import { addressOf, on, withHosts, writeShell } from './networks.mjs';

const { positionals } = parseArgs({ allowPositionals: true });

/** The processes of a run, whoever started them. */
const ranksOf = (folder) =>
  descendants(null, ['train', '--global-batch', join(folder, 'killed')]).filter(
    (id) => readlinkSync(`/proc/${id}/exe`) === realpathSync(process.execPath),
  );

/** Bytes of a run undisturbed, and of one whose rank was killed and which the same command went on with. */
function checked(command, env = {}) {
  return inFolder(async (folder) => {
    await runToEnd(launched(2, training(folder, 'launch')));
    await runToEnd(command(training(folder, 'whole')), { env });
    const whole = digest(folder, 'launch') === digest(folder, 'whole');
    const run = start(command(training(folder, 'killed')), { env });
    await until(() => stepsOf(folder, 'killed') >= 6, run.ended);
    const ranks = ranksOf(folder);
    const [victim] = ranks.slice(-1);
    if (victim !== undefined) process.kill(victim, 'SIGKILL');
    const { code } = await run.ended;
    await until(() => ranksOf(folder).length === 0, sleep(30_000));
    await runToEnd(command(training(folder, 'killed')), { env });
    const wentOn = digest(folder, 'launch') === digest(folder, 'killed');
    return {
      ok: whole && wentOn && ranks.length === 2 && code !== 0,
      whole,
      wentOn,
      ranks: ranks.length,
      code,
    };
  });
}

/** Slurm's daemons for some hosts, with all their files in one folder. */
const slurmOf = (folder, hosts) => `ClusterName=check
SlurmctldHost=${hosts[0].name}(${hosts[0].address})
SlurmUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool-%n
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/%n.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/%n.log
${hosts.map(({ name, address }) => `NodeName=${name} NodeAddr=${address} CPUs=2`).join('\n')}
PartitionName=all Nodes=ALL Default=YES State=UP
`;

/** Runs a program that goes to the background, or ends at once. Throws where it fails. */
function must(file, ...args) {
  const { status, stderr, error } = spawnSync(file, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ended with ${status}: ${error?.message ?? stderr}`);
}

/** This host alone: its name, its address, and how a command is started there. */
const here = [{ name: hostname(), address: '127.0.0.1', on: (command) => command }];
const apart = [0, 1].map((i) => ({
  name: `node${i}`,
  address: addressOf(i),
  on: (command) => on(i, command),
}));

async function withSlurm(hosts, work) {
  const folder = mkdtempSync(join(tmpdir(), 'lm-slurm-'));
  const conf = join(folder, 'slurm.conf');
  const pids = ['slurmctld', ...hosts.map(({ name }) => name)].map((name) => join(folder, `${name}.pid`));
  try {
    mkdirSync(join(folder, 'state'));
    writeFileSync(conf, slurmOf(folder, hosts));
    if (spawnSync('munge', ['-n']).status !== 0) {
      mkdirSync('/run/munge', { recursive: true });
      must('chown', 'munge:munge', '/run/munge');
      must('su', '-s', '/bin/sh', 'munge', '-c', '/usr/sbin/munged');
    }
    must(...hosts[0].on(['slurmctld', '-f', conf]));
    for (const { name, on } of hosts) must(...on(['slurmd', '-f', conf, '-N', name]));
    await sleep(3000);
    return await work({ SLURM_CONF: conf });
  } finally {
    for (const file of pids)
      if (existsSync(file)) process.kill(Number(readFileSync(file, 'utf8')), 'SIGTERM');
    await sleep(1000);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Two hosts, and a program that starts others on them as ssh does. */
const withShell = (work) =>
  withHosts(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lm-shell-'));
    try {
      const shell = join(folder, 'shell');
      writeShell(shell);
      return await work(shell);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

const master = { MASTER_ADDR: '127.0.0.1' };
const openmpi = ['mpirun.openmpi', '--allow-run-as-root', '--oversubscribe', '-np', '2'];
const mpich = ['mpiexec.mpich', '-n', '2'];
const srun = ['srun', '--overcommit', '-n', '2'];

const checks = {
  openmpi: () => checked((command) => [...openmpi, ...command]),
  mpich: () => checked((command) => [...mpich, ...command], master),
  slurm: () => withSlurm(here, (env) => checked((command) => [...srun, ...command], env)),
  'hosts/openmpi': () =>
    withShell((shell) => {
      const hosts = ['--host', 'node0,node1', '--mca', 'plm_rsh_agent', shell, '-x', 'MASTER_ADDR=node0'];
      return checked((command) => on(0, [...openmpi, ...hosts, ...command]));
    }),
  'hosts/mpich': () =>
    withShell((shell) => {
      const hosts = ['-hosts', 'node0,node1', '-launcher', 'ssh', '-launcher-exec', shell];
      const given = ['-genv', 'MASTER_ADDR', 'node0'];
      return checked((command) => on(0, [...mpich, ...hosts, ...given, ...command]));
    }),
  'hosts/slurm': () =>
    withHosts(() =>
      withSlurm(apart, (env) => checked((command) => on(0, [...srun, '-N', '2', ...command]), env)),
    ),
};

await report(checks, positionals);
