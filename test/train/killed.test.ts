/** A training that is killed and resumed; scripts/check-resume.mjs is the same with more kills. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import '../support/addon.ts';
import { runProgram } from '../support/children.ts';

const script = fileURLToPath(new URL('../../scripts/check-resume.mjs', import.meta.url));

it('a training that is killed twice and resumed ends in the bytes of an undisturbed one', async () => {
  const { code, stdout, stderr } = await runProgram(process.execPath, [script, '--kills', '2']);
  expect(stderr).toBe('');
  expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, kills: 2, same: true, sameLog: true });
}, 120_000);
