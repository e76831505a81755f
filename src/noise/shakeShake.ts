import { checkChoice } from '../errors.ts';
import { type DrawPer, mix, shake } from '../graph/random.ts';
import type { Noise } from '../roles.ts';

/** Options of `shakeShake`. */
export interface ShakeShakeOptions {
  /**
   * Weights that the gradient sees: their own draw ('uniform', default), 1/2 each ('even'), or those of the
   * forward pass ('same').
   */
  readonly backward?: 'same' | 'uniform' | 'even';
  /** One draw per image ('sample', default: the best published variant) or per mini-batch ('batch'). */
  readonly per?: DrawPer;
}

/**
 * Shake-shake: every f is replaced by alpha f_1 + (1 - alpha) f_2, two fresh functions, alpha ~ U(0, 1); 1/2
 * each in evaluation. The gradient sees beta and 1 - beta, beta ~ U(0, 1) of its own. Twice the parameters of
 * the blocks. All evaluations of one f share the draw.
 *
 * @throws ERR_CONFIG for an unknown option value.
 * @see Gastaldi, "Shake-Shake regularization", 2017; xgastaldi/shake-shake.
 */
export function shakeShake({ backward = 'uniform', per = 'sample' }: ShakeShakeOptions = {}): Noise {
  checkChoice(backward, ['same', 'uniform', 'even'], 'shakeShake.backward');
  checkChoice(per, ['batch', 'sample'], 'shakeShake.per');
  return (fresh) => {
    const [f, g] = [fresh(), fresh()];
    return (u) => mix([f(u), g(u)], shake({ backward, per }));
  };
}
