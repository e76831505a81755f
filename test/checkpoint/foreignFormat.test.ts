import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/checkpoint/safetensors.ts';
import { isLmError } from '../../src/errors.ts';
import { temporaryFolder } from '../support/folder.ts';

/** The first bytes of files that torch 2.13, Python 3.11 and h5py wrote. */
const starts = {
  zip: '504b0304000008080000000000000000',
  legacy: '80028a0a6cfc9c46f9206aa850192e80024de9032e80027d7100285810000000',
  pickle: '80049558000000000000007d94288c01',
  hdf5: '894844460d0a1a0a0000000000080800',
};

async function refusal(name: string, hex: string): Promise<{ message: string; hint: string }> {
  const file = join(await temporaryFolder(), name);
  await writeFile(file, Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(100)]));
  const error: unknown = await readSafetensors(file).catch((reason: unknown) => reason);
  if (!isLmError(error, 'ERR_CHECKPOINT')) throw error;
  return { message: error.message, hint: error.hint ?? '' };
}

describe('a file of another program', () => {
  it.each([
    ['resnet18.pth', starts.zip, 'of torch.save'],
    ['resnet18-5c106cde.pth', starts.legacy, 'of torch.save in its legacy format'],
    ['model.pkl', starts.pickle, 'of Python’s pickle'],
    ['model.h5', starts.hdf5, 'in HDF5'],
  ])('is called what it is: %s', async (name, hex, what) => {
    expect((await refusal(name, hex)).message).toMatch(new RegExp(`received a file ${what}$`));
  });

  it.each([
    ['resnet18.pth', /resnet18\.pth \S+resnet18\.safetensors$/],
    ['a.pth.tar', /a\.pth\.tar \S+a\.safetensors$/],
    ['pytorch_model.bin', /pytorch_model\.bin \S+pytorch_model\.safetensors$/],
    ["it's my.pth", /'\S+\/it'\\''s my\.pth' '\S+\/it'\\''s my\.safetensors'$/],
    ['$(x).pth', /'\S+\/\$\(x\)\.pth' /],
  ])('of torch.save comes with the command that converts it: %s', async (name, command) => {
    for (const hex of [starts.zip, starts.legacy]) {
      const { hint } = await refusal(name, hex);
      expect(hint).toMatch(/\npython3 -c '[^']+weights_only=True[^']+' /);
      expect(hint).toMatch(command);
    }
  });
});
