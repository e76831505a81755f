/** A network as a Python file: a PyTorch module in evaluation, and what loads its weights. */
import type { Exported } from '../exported.ts';
import { forwardLines } from './forward.ts';
import { literal, quoted, tuple } from './python.ts';

/** How every file begins that is written here, so that no other is overwritten. */
export const mark = '# Written by lm-resnet export.';

/**
 * The text of the file.
 *
 * @param names of parameters and buffers, by path.
 * @param weights name of the file with the weights, beside it.
 */
export function moduleText(exported: Exported, names: ReadonlyMap<string, string>, weights: string): string {
  const { graph, classNames, input } = exported;
  const { channels, height, width } = input;
  const sizes = (tensors: Exported['graph']['params'] | Exported['graph']['buffers']): string =>
    tensors.map(({ path, shape }) => `    ${quoted(names.get(path) ?? path)}: ${tuple(shape)},\n`).join('');
  return `${mark}
"""A network in evaluation, whatever the mode: batch norms use their running statistics, noise is at its expectation.

images: float [N, ${channels}, ${height}, ${width}]${channels === 3 ? ', red, green, blue' : ''}, (level / 255 - mean) / std, see PREPROCESSING.
Result: logits [N, ${graph.classes}], before the softmax, see CLASS_NAMES.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

NAME = ${quoted(graph.name)}
CLASS_NAMES = ${literal(classNames)}
PREPROCESSING = ${literal(input)}

PARAMETERS = {
${sizes(graph.params)}}
BUFFERS = {
${sizes(graph.buffers)}}


class Network(nn.Module):
    """Its weights are whatever memory holds until \`load_state_dict\`."""

    def __init__(self):
        super().__init__()
        for name, shape in PARAMETERS.items():
            place, last = self._place(name)
            place.register_parameter(last, nn.Parameter(torch.empty(shape)))
        for name, shape in BUFFERS.items():
            place, last = self._place(name)
            place.register_buffer(last, torch.empty(shape))

    def _place(self, name):
        *parts, last = name.split(".")
        place = self
        for part in parts:
            if part not in dict(place.named_children()):
                place.add_module(part, nn.Module())
            place = place.get_submodule(part)
        return place, last

    def forward(self, images):
${forwardLines(graph, names)
  .map((line) => `        ${line}\n`)
  .join('')}

def load(file=Path(__file__).with_name(${quoted(weights)})):
    """The network with the weights of a file."""
    from safetensors.torch import load_file

    network = Network().to(torch.${exported.dtype})
    network.load_state_dict(load_file(file))
    return network.eval()
`;
}
