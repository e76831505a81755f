import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { launchRanks } from '../../../src/cli/launch/launch.ts';
import { runCli } from '../../support/children.ts';
import { cli } from '../../support/cli.ts';
import { writeDigits } from '../../support/files/idx.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { place } from '../../support/job.ts';
import { freePort } from '../../support/ranks/processes.ts';

/** A module text as a program of its own. */
const program = (text: string): readonly [string, ...string[]] => [
  process.execPath,
  '--input-type=module',
  '-e',
  text,
];
const ranks = [0, 1, 2].map((rank) => ({ RANK: String(rank) }));

describe('launchRanks', () => {
  it.each([
    ['0 where all ranks end well', 'process.exit(0)', 0],
    ['that of the first rank that fails', 'process.exit(process.env.RANK === "1" ? 7 : 0)', 7],
    [
      '128 and the signal that ended one',
      'process.env.RANK === "2" && process.kill(process.pid, "SIGKILL")',
      137,
    ],
  ])('gives the exit code %s', async (_, text, code) => {
    expect(await launchRanks({ command: program(text), ranks })).toBe(code);
  });

  it('keeps what each rank says, on request', async () => {
    const logs = join(await temporaryFolder(), 'new', 'logs');
    const text = 'console.log("out", process.env.RANK); console.error("err");';
    expect(await launchRanks({ command: program(text), ranks, logs })).toBe(0);
    const said = ranks.map(({ RANK }) =>
      readFileSync(join(logs, `rank-${RANK}.log`), 'utf8')
        .split('\n')
        .toSorted(),
    );
    expect(said).toEqual(ranks.map(({ RANK }) => ['', 'err', `out ${RANK}`]));
  });

  it('says where logs cannot be kept', async () => {
    const file = join(await temporaryFolder(), 'file');
    writeFileSync(file, '');
    const launched = launchRanks({ command: program(''), ranks, logs: join(file, 'logs') });
    await expect(launched).rejects.toMatchObject({ code: 'ERR_FILE' });
  });
});

describe('lm-resnet launch', () => {
  it('trains with several processes, of which the first writes and prints', async () => {
    const folder = await temporaryFolder();
    const digits = await writeDigits(join(folder, 'digits'));
    const train = ['train', '--data', `mnist:${digits}`, '--batch', '4', '--steps', '2', '--json', ...place];
    const ended = await runCli(['launch', '--nproc', '2', '--', ...train, '--run', join(folder, 'run')]);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({ steps: 2, run: join(folder, 'run') });
    expect(existsSync(join(folder, 'run', 'checkpoint.safetensors'))).toBe(true);
    expect(readFileSync(join(folder, 'run', 'metrics.jsonl'), 'utf8')).toContain('"step":2');
  });

  it("reads the hosts from Kubeflow's variables alone", async () => {
    const folder = await temporaryFolder();
    const digits = await writeDigits(join(folder, 'digits'));
    const train = ['train', '--data', `mnist:${digits}`, '--batch', '2', '--steps', '2', '--json', ...place];
    const port = String(await freePort());
    const hosts = ['0', '1'].map((node) => ({
      PET_NNODES: '2',
      PET_NPROC_PER_NODE: '1',
      PET_NODE_RANK: node,
      PET_MASTER_ADDR: '127.0.0.1',
      PET_MASTER_PORT: port,
    }));
    const ended = await Promise.all(
      hosts.map((env) => runCli(['launch', '--', ...train, '--run', join(folder, 'run')], { env })),
    );
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    expect(JSON.parse(ended[0]?.stdout ?? '')).toMatchObject({ steps: 2 });
    expect(ended[1]?.stdout).toBe('');
  });

  it('ends all ranks where one cannot go on, and says which', async () => {
    const { code, stderr } = await runCli([
      'launch',
      '--nproc',
      '2',
      '--',
      'train',
      '--data',
      'mnist:nowhere',
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/rank \d ended with exit code/);
  });

  it.each([
    [['--node-rank', '2', '--nnodes', '2', '--master-addr', 'a'], '--node-rank'],
    [['--nnodes', '2', '--node-rank', '0'], '--master-addr'],
    [['--nproc', 'x'], '--nproc'],
  ])('refuses %j', async (flags, name) => {
    const said = await cli(['launch', ...flags, '--', 'info']);
    expect(said.code).toBe(2);
    expect(said.stderr).toContain(`\`${name}\``);
  });
});
