/** The command line without native code: help, names, numbers, errors. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { presetNames } from '../../src/models/presets.ts';
import { runCli, runProgram } from '../support/children.ts';
import { cli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { dist } from '../support/libtorch.ts';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

describe('the command line', () => {
  it('prints its version', async () => {
    expect(await runCli(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    ['an option that is not one', ['train', '--bach', '4'], {}, 'unknown option'],
    [
      'a variable that is missing',
      ['train', '--data', 'mnist:x'],
      { RANK: '1' },
      'ERR_CONFIG: Expected a value',
    ],
  ])("tells torchrun's agent of %s", async (_, args, env, said) => {
    const file = join(await temporaryFolder(), 'error.json');
    expect(await runCli(args, { env: { ...env, TORCHELASTIC_ERROR_FILE: file } })).toMatchObject({ code: 2 });
    expect(JSON.parse(await readFile(file, 'utf8')).message.message).toContain(said);
  });

  it.each([
    { args: ['report', '~/none'], path: 'none' },
    { args: ['info', '~/a b.safetensors'], path: 'a b.safetensors' },
    { args: ['train', '--config=~/none.yaml'], path: 'none.yaml' },
    { args: ['train', '--config', '~/none.yaml'], path: 'none.yaml' },
  ])('takes ~/ for the home folder in $args', async ({ args, path }) => {
    const home = await temporaryFolder();
    const { code, stderr } = await runCli(args, { env: { HOME: home } });
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining(join(home, path)) });
  });

  it.each(['train', 'evaluate', 'predict', 'info', 'pack', 'deepen', 'export', 'schema', 'setup', 'doctor'])(
    'explains %s',
    async (command) => {
      const { code, stdout, stderr } = await cli([command, '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const examplesFirst = command === 'train'; // of its hundred flags few are needed
      expect(stdout).toMatch(examplesFirst ? /^Examples:\n/ : new RegExp(`^Usage: lm-resnet ${command} `));
      expect(stdout).toContain(`Usage: lm-resnet ${command} `);
      expect(stdout).toContain('Examples:');
    },
  );

  it('says the defaults of a schedule and a strategy of memory', async () => {
    const { stdout } = await cli(['train', '--help']);
    expect(stdout).toMatch(/--schedule <kind or JSON> .*\(default: oneCycle\)/);
    expect(stdout).toMatch(/--memory <kind or JSON> .*\(default: store\)/);
    expect(stdout).toMatch(/--color-jitter <numbers> /);
  });

  it('prints its commands and exit codes with --help, and for nothing at all', async () => {
    const help = await cli(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('Exit codes:');
    expect(await cli([])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('a wrong word on the command line', () => {
  const data = ['--data', 'mnist:nowhere'];
  it.each([
    { title: 'a command', args: ['trian'], near: 'train' },
    { title: 'an option', args: ['train', '--epocs', '3'], near: '--epochs' },
    { title: 'a model', args: ['info', 'lm_resnet2'], near: 'lm_resnet20' },
    { title: 'a model to train', args: ['train', '--model', 'lm_resnet5', ...data], near: 'lm_resnet56' },
    { title: 'a data set', args: ['train', '--data', 'mnits:x'], near: 'mnist' },
    { title: 'a recipe', args: ['train', ...data, '--recipe', 'mnist-oncycle'], near: 'mnist-onecycle' },
    { title: 'a schedule', args: ['train', ...data, '--schedule', 'cosin'], near: 'cosine' },
    { title: 'a loss', args: ['train', ...data, '--loss', 'crosEntropy'], near: 'crossEntropy' },
    { title: 'a split', args: ['evaluate', 'x', ...data, '--split', 'tests'], near: 'test' },
  ])('exits with 2 and names the nearest: $title', async ({ args, near }) => {
    const { code, stdout, stderr } = await cli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(new RegExp(`Did you mean "?${near}"?\\?`));
  });

  it.each([
    { flag: '--epochs', value: 'x', command: ['train'] },
    { flag: '--weight-decay', value: '', command: ['train'] },
    { flag: '--schedule', value: '{', command: ['train'] },
    { flag: '--betas', value: '0.9,x', command: ['train'] },
    { flag: '--threads', value: 'abc', command: ['train'] },
    { flag: '--threads', value: '0', command: ['predict', 'a', 'b'] },
    { flag: '--threads', value: '1.5', command: ['evaluate', 'a', '--data', 'mnist:b'] },
    { flag: '--batch', value: 'x', command: ['evaluate', 'a', '--data', 'mnist:b'] },
    { flag: '--top', value: '-1', command: ['predict', 'a', 'b'] },
    { flag: '--top', value: '3k', command: ['predict', 'a', 'b'] },
    { flag: '--classes', value: '1e99', command: ['info', 'lm_resnet20'] },
    { flag: '--input', value: '3x32', command: ['info', 'lm_resnet20'] },
    { flag: '--input', value: '3xax3', command: ['info', 'lm_resnet20'] },
  ])('exits with 2 and names the flag: $command $flag "$value"', async ({ flag, value, command }) => {
    const { code, stdout, stderr } = await cli([...command, flag, value, '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_CONFIG' } });
    expect(stderr).toContain(`\`${flag}\``);
  });

  it.each([
    { args: ['train', '--epochs', '0', ...data], option: 'train.epochs' },
    { args: ['train', '--epochs', '0.5', ...data], option: 'train.epochs' },
    { args: ['train', '--lr', '-1', ...data], option: 'train.lr' },
    { args: ['train', '--lr', 'Infinity', ...data], option: 'train.lr' },
    {
      args: ['train', '--schedule', '{"kind":"cosine","warmup":1}', ...data],
      option: 'train.schedule.warmup',
    },
    { args: ['train'], option: '--data' },
    { args: ['train', '--data', 'mnist'], option: 'data' },
    { args: ['train', ...data, '--test', 'mnist'], option: 'test' },
    { args: ['train', ...data, '--image-size', '4'], option: 'train.imageSize' },
  ])('exits with 2 before any file is read: $args', async ({ args, option }) => {
    const { code, stderr } = await cli(args);
    expect(code).toBe(2);
    expect(stderr).toContain(`\`${option}\``);
  });

  it('is reported as JSON too where --json is given', async () => {
    const wrong = await runCli(['info', '--bogus', '--json']);
    expect(wrong.code).toBe(2);
    expect(JSON.parse(wrong.stdout)).toMatchObject({ error: { code: 'ERR_CONFIG', hint: null } });
    const unknown = await cli(['info', 'lm_resnet21', '--json']);
    expect(JSON.parse(unknown.stdout)).toMatchObject({ error: { code: 'ERR_UNKNOWN_NAME' } });
  });
});

describe('a configuration file', () => {
  const train = async (text: string, ...flags: string[]): ReturnType<typeof cli> => {
    const path = join(await temporaryFolder(), 'train.yaml');
    await writeFile(path, text);
    return cli(['train', '--config', path, '--json', ...flags]);
  };
  it.each([
    { title: 'an unknown key', text: 'data: mnist:x\nepocs: 3', code: 'ERR_CONFIG', near: '"epochs"' },
    { title: 'a wrong value', text: 'data: mnist:x\nepochs: many', code: 'ERR_CONFIG', near: 'epochs' },
    ...[
      ['modle: lm_resnet20', 'train.modle', 'model'],
      ['schedule: { kind: cosine, warmupEpoch: 1 }', 'train.schedule.warmupEpoch', 'warmupEpochs'],
      ['memory: { kind: recompute, evry: 2 }', 'train.memory.evry', 'every'],
      ['data: { kind: mnist, path: x, splt: test }', 'data.splt', 'split'],
      ['data: { kind: mnist, path: x, holdOut: { fracton: 0.1 } }', 'data.holdOut.fracton', 'fraction'],
      [
        'data: { kind: mnist, path: x, transform: [{ kind: randomErasing, scal: [0.1, 0.2] }] }',
        'data.transform[0].scal',
        'scale',
      ],
      ['data: mnist:x\ntest: { kind: records, pth: x }', 'test.pth', 'path'],
    ].map(([text = '', at, near]) => ({
      title: `an unknown key at ${at}`,
      text: text.includes('data:') ? text : `data: mnist:x\n${text}`,
      code: 'ERR_CONFIG',
      near: `Did you mean "${near}"?`,
    })),
    { title: 'a wrong name', text: 'data: mnits:x', code: 'ERR_CONFIG', near: '"mnist"' },
    {
      title: 'a data set without path',
      text: 'data: { kind: mnist }',
      code: 'ERR_CONFIG',
      near: 'data.path',
    },
    { title: 'a data set that is a number', text: 'data: 3', code: 'ERR_CONFIG', near: 'data' },
    { title: 'a model that is no name', text: 'model: 20\ndata: mnist:x', code: 'ERR_CONFIG', near: 'model' },
    { title: 'no list of options', text: '- a\n- b', code: 'ERR_CONFIG', near: 'train.yaml' },
    { title: 'no YAML', text: 'a: [', code: 'ERR_CONFIG', near: 'train.yaml' },
    { title: 'nothing', text: '', code: 'ERR_CONFIG', near: '--data' },
  ])('with $title exits with 2', async ({ text, code, near }) => {
    const ended = await train(text);
    expect(ended.code).toBe(2);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code } });
    expect(ended.stderr).toContain(near);
  });

  it('is overridden by flags', async () => {
    const { stdout } = await train('data: mnist:x\nepochs: 0', '--epochs', '1');
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_DATASET' } });
  });

  it('that is missing exits with 3', async () => {
    expect(await cli(['train', '--config', '/nowhere/train.yaml'])).toMatchObject({ code: 3 });
  });
});

describe('info', () => {
  it('lists the models', async () => {
    const { code, stdout } = await cli(['info', '--json']);
    expect({ code, names: JSON.parse(stdout) }).toEqual({ code: 0, names: presetNames });
    expect((await cli(['info'])).stdout).toBe(`${presetNames.join('\n')}\n`);
  });

  it('prints the sizes of a model as a table', async () => {
    const { code, stdout } = await cli(['info', 'lm_resnet20']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^layer +operations +output +parameters +MACs +activations\n/);
    expect(stdout).toContain(
      'lm_resnet20: 272,384 parameters, 40,813,184 MACs and 2,803 KiB of activations per 32x32x3 image, 10 classes',
    );
  });

  it('prints them as JSON', async () => {
    const { stdout } = await cli(['info', 'lm_resnet20', '--json']);
    const info = JSON.parse(stdout);
    expect(Object.keys(info)).toEqual(['name', 'parameters', 'macs', 'input', 'classes', 'layers']);
    expect(info).toMatchObject({ name: 'lm_resnet20', parameters: 272384, macs: 40813184, classes: 10 });
    expect(info.input).toMatchObject({ channels: 3, height: 32, width: 32 });
    expect(info.layers[0]).toMatchObject({ path: expect.any(String), parameters: expect.any(Number) });
  });

  it('draws the network as SVG when asked', async () => {
    const file = join(await temporaryFolder(), 'net.svg');
    expect(await cli(['info', 'lm_resnet20', '--svg', file])).toMatchObject({ code: 0 });
    expect(await readFile(file, 'utf8')).toMatch(/^<svg .*lm_resnet20.*<\/svg>\s*$/s);
    expect(await cli(['info', 'lm_resnet20', '--svg', '/nowhere/net.svg'])).toMatchObject({ code: 3 });
  });

  it('takes classes and input', async () => {
    const flags = ['--classes', '100', '--input', '1x28x28', '--json'];
    const info = JSON.parse((await cli(['info', 'lm_resnet20', ...flags])).stdout);
    expect(info).toMatchObject({ classes: 100, input: { channels: 1, height: 28, width: 28 } });
  });

  it('means the model where a folder of its name lies about', async () => {
    const cwd = await temporaryFolder();
    await mkdir(join(cwd, 'lm_resnet20'));
    expect(await runCli(['info', 'lm_resnet20'], { cwd })).toMatchObject({ code: 0 });
  });

  it('of a file that is missing exits with 3', async () => {
    expect(await cli(['info', 'none.safetensors'])).toMatchObject({ code: 3 });
  });

  it('is silent when its reader goes away', async () => {
    const program = 'set -o pipefail; "$0" "$1" info lm_resnet164 | head -n 1';
    const main = join(dist, 'cli', 'main.js');
    const ended = await runProgram('bash', ['-c', program, process.execPath, main]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout.split('\n')).toHaveLength(2);
  });
});
