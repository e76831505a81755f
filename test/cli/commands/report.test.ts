import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { writeRun } from '../../support/runs.ts';

async function twoRuns(): Promise<{ folder: string; runs: string[]; out: string }> {
  const folder = await temporaryFolder();
  const runs = [
    await writeRun(join(folder, 'a'), { lr: 0.1 }),
    await writeRun(join(folder, 'b'), { lr: 0.2 }),
  ];
  return { folder, runs, out: join(folder, 'report.html') };
}

describe('lm-resnet report', () => {
  it('writes a page, and does not overwrite it', async () => {
    const { runs, out } = await twoRuns();
    expect(await cli(['report', ...runs, '--out', out])).toMatchObject({ code: 0, stdout: `wrote ${out}\n` });
    expect(await readFile(out, 'utf8')).toContain('2 runs compared');
    expect(await cli(['report', ...runs, '--out', out])).toMatchObject({ code: 3 });
    expect(await cli(['report', ...runs, '--out', out, '--force'])).toMatchObject({ code: 0 });
  });

  it('prints the compared data as JSON, and then writes a page only when it is asked to', async () => {
    const { runs } = await twoRuns();
    const { code, stdout } = await cli(['report', ...runs, '--json']);
    expect(code).toBe(0);
    const printed = JSON.parse(stdout);
    expect(printed).toMatchObject({
      runs: [{ name: 'a', result: { steps: 20, bestTop1: 0.9 } }, { name: 'b' }],
      differing: [{ option: 'lr', values: [0.1, 0.2] }],
    });
  });

  it('exits with 3 for what is no run, and with 2 for no run at all', async () => {
    const { folder, runs, out } = await twoRuns();
    const wrong = await cli(['report', ...runs, folder, '--out', out, '--json']);
    expect(wrong.code).toBe(3);
    expect(JSON.parse(wrong.stdout)).toMatchObject({ error: { code: 'ERR_FILE' } });
    await writeFile(join(folder, 'a', 'metrics.jsonl'), '');
    expect(await cli(['report', ...runs, '--out', out])).toMatchObject({ code: 3 });
    expect(await readFile(out).catch(() => 'none')).toBe('none');
    expect((await cli(['report'])).code).toBe(2);
  });
});
