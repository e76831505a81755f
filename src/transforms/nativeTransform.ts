import { type NativePolicy, nativePolicy, type PolicySampling } from './autoAugment.ts';
import type { Transform, TransformOp } from './ops.ts';

/** An operation as the native side takes it. */
export type NativeOp =
  | Exclude<TransformOp, { readonly kind: 'autoAugment' }>
  | (NativePolicy & { readonly interpolation: PolicySampling });

/** A transform as the native side takes it: policies as lists of operations. */
export function nativeTransform(transform: Transform): readonly NativeOp[] {
  return transform.map((op) =>
    op.kind === 'autoAugment' ? { ...nativePolicy(op.policy), interpolation: op.interpolation } : op,
  );
}
