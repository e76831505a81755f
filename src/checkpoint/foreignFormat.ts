/** Files of other programs that stand where a safetensors file belongs, told by their first bytes. */
import { type LmError, shellWord } from '../errors.ts';
import { defective } from './safetensorsHeader.ts';

/** Bytes of a file that tell its format. */
export const formatBytes = 16;

/** Begins every file of torch.save before its zip format: a pickle of the number 0x1950a86a20f9469cfc6c. */
const legacyTorch = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');

type Row = readonly [what: string, is: (start: Buffer) => boolean, hint: (path: string) => string];

const formats: readonly Row[] = [
  ['of torch.save', (start) => start.subarray(0, 4).equals(Buffer.from('PK\x03\x04')), convertTorch],
  [
    'of torch.save in its legacy format',
    (start) => start.subarray(0, legacyTorch.length).equals(legacyTorch),
    convertTorch,
  ],
  [
    'of Python’s pickle',
    ([proto = 0, version = 0]) => proto === 0x80 && version >= 2 && version <= 5,
    () =>
      'Open it with the program that wrote it, and save its tensors with safetensors.torch.save_file or safetensors.numpy.save_file.',
  ],
  [
    'in HDF5',
    (start) => start.subarray(0, 8).equals(Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')),
    () => 'It may be of Keras; save its tensors with safetensors.numpy.save_file under torchvision’s names.',
  ],
];

/** The error for a file that does not begin as a safetensors file does. */
export function foreignFormat(path: string, start: Buffer): LmError {
  if (start.length === 0) return defective(path, 'that is empty');
  const [what, , hint] = formats.find(([, is]) => is(start)) ?? [];
  if (what !== undefined) return defective(path, what, hint?.(path));
  const usual = 'Give the path of a file that this package or the safetensors library wrote.';
  return defective(path, 'of another format', usual);
}

/** Reads a state dict, alone or in a training's checkpoint, and loads no code from the file. */
const program = [
  'import sys, torch',
  'from safetensors.torch import save_file',
  'w = torch.load(sys.argv[1], map_location="cpu", weights_only=True)',
  'w = w.get("state_dict", w.get("model", w))',
  'save_file({k: v.clone().contiguous() for k, v in w.items() if torch.is_tensor(v)}, sys.argv[2])',
].join('; ');

function convertTorch(path: string): string {
  const target = `${path.replace(/\.(pth|pt|bin|ckpt|tar|pth\.tar)$/i, '')}.safetensors`;
  return `Convert it once, with Python’s packages torch and safetensors:\npython3 -c '${program}' ${shellWord(path)} ${shellWord(target)}`;
}
