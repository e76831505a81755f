/**
 * The operations as their definitions say them: naive loops over [n, c, h, w], the reference of the native
 * ones.
 */
import { get, type Tensor, tensor } from './tensor.ts';

const at4 = (t: Tensor, d: number): number => t.shape[d] ?? 0;

export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride?: readonly [number, number];
  readonly padding?: readonly [number, number];
}

const unit = [1, 1] as const;
const zero = [0, 0] as const;
const places = (size: number, kernel: number, stride: number, padding: number): number =>
  Math.floor((size + 2 * padding - kernel) / stride) + 1;

/** Calls `visit` for every pixel of the window at output (y, x) that lies inside the image. */
function inWindow(
  image: Tensor,
  { kernel, stride = unit, padding = zero }: Window,
  [y, x]: readonly [number, number],
  visit: (row: number, column: number, i: number, j: number) => void,
): void {
  for (let i = 0; i < kernel[0]; i++)
    for (let j = 0; j < kernel[1]; j++) {
      const row = y * stride[0] + i - padding[0];
      const column = x * stride[1] + j - padding[1];
      if (row >= 0 && row < at4(image, 2) && column >= 0 && column < at4(image, 3)) visit(row, column, i, j);
    }
}

function overWindows(
  image: Tensor,
  channels: number,
  window: Window,
  value: (...at: number[]) => number,
): Tensor {
  const { kernel, stride = unit, padding = zero } = window;
  const [rows, columns] = [0, 1].map((d) =>
    places(at4(image, 2 + d), kernel[d] ?? 0, stride[d] ?? 0, padding[d] ?? 0),
  );
  return tensor([at4(image, 0), channels, rows ?? 0, columns ?? 0], value);
}

export function conv2d(
  image: Tensor,
  weight: Tensor,
  options: {
    bias?: Tensor;
    stride?: readonly [number, number];
    padding?: readonly [number, number];
    groups?: number;
  },
): Tensor {
  const { bias, groups = 1, ...rest } = options;
  const [out, perGroup] = [at4(weight, 0), at4(weight, 1)];
  const window: Window = { kernel: [at4(weight, 2), at4(weight, 3)], ...rest };
  return overWindows(image, out, window, (n = 0, o = 0, y = 0, x = 0) => {
    const first = Math.floor(o / (out / groups)) * perGroup;
    let sum = bias === undefined ? 0 : get(bias, o);
    for (let c = 0; c < perGroup; c++)
      inWindow(image, window, [y, x], (row, column, i, j) => {
        sum += get(image, n, first + c, row, column) * get(weight, o, c, i, j);
      });
    return sum;
  });
}

export function avgPool2d(image: Tensor, window: Window): Tensor {
  return overWindows(image, at4(image, 1), window, (n = 0, c = 0, y = 0, x = 0) => {
    let sum = 0;
    inWindow(image, window, [y, x], (row, column) => {
      sum += get(image, n, c, row, column);
    });
    return sum / (window.kernel[0] * window.kernel[1]);
  });
}

export function maxPool2d(image: Tensor, window: Window): Tensor {
  return overWindows(image, at4(image, 1), window, (n = 0, c = 0, y = 0, x = 0) => {
    let most = Number.NEGATIVE_INFINITY;
    inWindow(image, window, [y, x], (row, column) => {
      most = Math.max(most, get(image, n, c, row, column));
    });
    return most;
  });
}

export function globalAvgPool(image: Tensor): Tensor {
  const [n, c, h, w] = image.shape;
  return tensor([n ?? 0, c ?? 0], (i = 0, k = 0) => {
    let sum = 0;
    for (let y = 0; y < (h ?? 0); y++) for (let x = 0; x < (w ?? 0); x++) sum += get(image, i, k, y, x);
    return sum / ((h ?? 0) * (w ?? 0));
  });
}

export function linear(u: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return tensor([at4(u, 0), at4(weight, 0)], (n = 0, o = 0) => {
    let sum = bias === undefined ? 0 : get(bias, o);
    for (let i = 0; i < at4(weight, 1); i++) sum += get(u, n, i) * get(weight, o, i);
    return sum;
  });
}

export function relu(u: Tensor): Tensor {
  return { shape: u.shape, data: u.data.map((value) => Math.max(value, 0)) };
}

export function slice(u: Tensor, start: number, end: number): Tensor {
  const [n, , ...rest] = u.shape;
  return tensor([n ?? 0, end - start, ...rest], (i = 0, c = 0, ...at) => get(u, i, c + start, ...at));
}

export function concat(...parts: readonly Tensor[]): Tensor {
  const [n, , ...rest] = parts[0]?.shape ?? [];
  const owners = parts.flatMap((part) => Array.from({ length: at4(part, 1) }, (_, c) => ({ part, c })));
  return tensor([n ?? 0, owners.length, ...rest], (i = 0, k = 0, ...at) => {
    const owner = owners[k];
    return owner === undefined ? Number.NaN : get(owner.part, i, owner.c, ...at);
  });
}

export function padChannels(u: Tensor, before: number, after: number): Tensor {
  const [n, c, ...rest] = u.shape;
  return tensor([n ?? 0, (c ?? 0) + before + after, ...rest], (i = 0, k = 0, ...at) =>
    k < before || k >= before + (c ?? 0) ? 0 : get(u, i, k - before, ...at),
  );
}

/** sum of c_i u_i; a coefficient is one number, or one per channel. */
export function lin(...terms: readonly (readonly [number | Tensor, Tensor])[]): Tensor {
  const value = (c: number | Tensor, channel: number): number =>
    typeof c === 'number' ? c : get(c, c.data.length === 1 ? 0 : channel);
  return tensor(terms[0]?.[1].shape ?? [], (n = 0, k = 0, ...at) =>
    terms.reduce((sum, [c, u]) => sum + value(c, k) * get(u, n, k, ...at), 0),
  );
}

export interface Moments {
  readonly mean: readonly number[];
  readonly variance: readonly number[];
}

/** Mean and biased variance of every channel. */
export function moments(u: Tensor): Moments {
  const [n = 0, channels = 0, h = 0, w = 0] = u.shape;
  const mean = Array<number>(channels).fill(0);
  const variance = Array<number>(channels).fill(0);
  const each = (visit: (c: number, value: number) => void): void => {
    tensor(u.shape, (i = 0, c = 0, y = 0, x = 0) => {
      visit(c, get(u, i, c, y, x) / (n * h * w));
      return 0;
    });
  };
  each((c, share) => {
    mean[c] = (mean[c] ?? 0) + share;
  });
  each((c, share) => {
    const centred = share * (n * h * w) - (mean[c] ?? 0);
    variance[c] = (variance[c] ?? 0) + centred ** 2 / (n * h * w);
  });
  return { mean, variance };
}

/** (u - mean) / sqrt(var + eps) · weight + bias. */
export function normalise(
  u: Tensor,
  { mean, variance }: Moments,
  eps: number,
  affine?: { weight: Tensor; bias: Tensor },
): Tensor {
  return tensor(u.shape, (n = 0, c = 0, y = 0, x = 0) => {
    const value = (get(u, n, c, y, x) - (mean[c] ?? 0)) / Math.sqrt((variance[c] ?? 0) + eps);
    return affine === undefined ? value : value * get(affine.weight, c) + get(affine.bias, c);
  });
}

/** What was at [i, j] is at [i + h, j + w]. */
export function shift(u: Tensor, [h, w]: readonly [number, number]): Tensor {
  const [, , height = 0, width = 0] = u.shape;
  return tensor(u.shape, (n = 0, c = 0, i = 0, j = 0) => {
    const [y, x] = [i - h, j - w];
    return y >= 0 && y < height && x >= 0 && x < width ? get(u, n, c, y, x) : 0;
  });
}
