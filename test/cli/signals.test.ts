import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/children.ts';
import { cli } from '../support/cli.ts';
import { type Job, job, lastLine } from '../support/job.ts';

describe('a signal', () => {
  /** A training of a step an epoch, which says so after each. */
  const endless = async (batch: number): Promise<Job> => {
    const made = await job({ train: batch, test: 2 });
    return { ...made, args: [...made.args, '--epochs', '1000000', '--batch', `${batch}`] };
  };

  // 128 and the number of the signal, as a shell has it.
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGUSR1', 138],
    ['SIGUSR2', 140],
    ['SIGXCPU', 152],
  ] as const)('%s ends a training with %i and a checkpoint', async (name, wanted) => {
    const { args, checkpoint } = await endless(16);
    let sent = false;
    const { code, stdout, stderr } = await runCli(args, {
      onStderr(text, kill) {
        if (sent || !text.includes('epoch 1.0')) return;
        sent = true;
        kill(name);
      },
    });
    expect({ code, ...lastLine(stdout) }).toMatchObject({ code: wanted, error: { code: 'ERR_ABORTED' } });
    expect(stderr).toContain(`To go on: lm-resnet train --resume ${dirname(checkpoint)}`);
    const { stdout: info } = await cli(['info', checkpoint, '--json']);
    expect(JSON.parse(info)).toMatchObject({ name: 'lm_resnet20', classes: 10 });
  });

  it.each([
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('%s that comes twice in a moment, by two ways, is one: %i', async (name, wanted) => {
    const { args, checkpoint } = await endless(192);
    let sent = false;
    const { code } = await runCli(args, {
      onStderr(text, kill) {
        if (sent || !text.includes('epoch 1.0')) return;
        sent = true;
        kill(name);
        setTimeout(() => kill(name), 10);
      },
    });
    expect(code).toBe(wanted);
    expect((await readdir(join(checkpoint, '..'))).includes('curves.png')).toBe(true);
  });

  it('that comes twice ends it at once', async () => {
    const { args, checkpoint } = await endless(960);
    // No file is written between steps: the first signal meets a step, which takes long.
    const rare = ['--checkpoint-every', '1000000', '--keep-best', '0'];
    let sent: NodeJS.Timeout | undefined;
    const { code, signal, stdout } = await runCli([...args, ...rare], {
      onStderr(text, kill) {
        if (!text.includes('epoch 1.0') || sent !== undefined) return;
        // When the evaluation is written down, and until it comes as a second one: what comes at once is one.
        sent = setTimeout(() => {
          kill('SIGINT');
          sent = setInterval(() => kill('SIGINT'), 50);
        }, 400);
      },
    });
    clearInterval(sent);
    expect({ code, signal, stdout }).toEqual({ code: null, signal: 'SIGINT', stdout: '' });
    // Nothing was finished; what the run goes on from was there before.
    const files = await readdir(join(checkpoint, '..'));
    expect(files.includes('curves.png')).toBe(false);
    expect(files).toContain('checkpoint.safetensors');
  });
});
