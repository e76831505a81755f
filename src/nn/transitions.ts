import { lin } from '../graph/functions.ts';
import type { Transition } from '../roles.ts';
import { chain, conv, norm, relu } from './layers.ts';

/**
 * Step between stages with its own projection P = conv1x1(relu(bn(u))), stride and width of the new stage:
 * state [P u + f(u), P u]. A two-step scheme so starts its new stage with u_{n-1} = P u, and draws no k here.
 * Parameters: shortcut.bn, shortcut.conv.
 *
 * @see 2prime/LM-ResNet, MResNet.py: `last` becomes the projected shortcut; the projection has its own batch norm.
 */
export const ownNormShortcut: Transition = ([u], field, io, { s }) => {
  const place = s.at('shortcut');
  const project = chain(
    norm(place.at('bn'), io.in),
    relu(place.at('relu')),
    conv(place.at('conv'), { in: io.in, out: io.out, kernel: 1, stride: io.stride }),
  );
  const shortcut = project(u);
  return [lin([1, shortcut], [1, field(io)(u)]), shortcut];
};
