import { lin } from '../graph/functions.ts';
import type { Scheme } from '../roles.ts';

/**
 * Forward Euler, the plain ResNet: u_{n+1} = u_n + f_n(u_n). State: [u_n].
 *
 * @see Lu, Zhong, Li, Dong, "Beyond finite layer neural networks", ICML 2018, section 2 (figure 1a): the step
 *   size is in f.
 */
export const euler: Scheme = {
  name: 'euler',
  order: 1,
  step([u], field) {
    return [lin([1, u], [1, field()(u)])];
  },
};
