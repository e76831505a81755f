"""Weights after a step with a clipped gradient, by PyTorch's and timm's functions, as golden values for test/native/train/accumulate.test.ts.

Run in an environment with torch and timm:  python scripts/reference/training/clipping.py
Writes test/golden/training/clipping.json. The network is a convolution, its mean over the map, and a linear layer, which adaptive clipping leaves alone.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
from timm.utils.agc import adaptive_clip_grad

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from formula import uniform

OUT = pathlib.Path(__file__).parents[3] / "test" / "golden" / "training" / "clipping.json"
N, C, SIZE, WIDTH, CLASSES = 8, 3, 4, 5, 4
SHAPES = {"conv.weight": (WIDTH, C, 3, 3), "conv.bias": (WIDTH,), "fc.weight": (CLASSES, WIDTH), "fc.bias": (CLASSES,)}
CASES = [("norm", 0.05), ("norm", 100), ("value", 0.01), ("agc", 0.01), ("agc", 0.03)]


def stepped(mode, limit):
    pixels = np.floor(256 * uniform("pixels", N * SIZE * SIZE * C)).reshape(N, SIZE, SIZE, C).transpose(0, 3, 1, 2) / 255
    params = {path: torch.nn.Parameter(torch.from_numpy(uniform(path, math.prod(s)) - 0.5).reshape(s)) for path, s in SHAPES.items()}
    x = torch.nn.functional.conv2d(torch.from_numpy(pixels.copy()), params["conv.weight"], params["conv.bias"], padding=1)
    logits = torch.nn.functional.linear(x.mean((2, 3)), params["fc.weight"], params["fc.bias"])
    torch.nn.functional.cross_entropy(logits, torch.arange(N) % CLASSES).backward()
    if mode == "norm":
        torch.nn.utils.clip_grad_norm_(params.values(), limit)
    elif mode == "value":
        torch.nn.utils.clip_grad_value_(params.values(), limit)
    else:
        adaptive_clip_grad([p for path, p in params.items() if path.startswith("conv")], limit)
    torch.optim.SGD(params.values(), lr=1).step()
    return {path: p.flatten().tolist() for path, p in params.items()}


def main():
    torch.set_default_dtype(torch.float64)
    OUT.write_text(json.dumps([{"mode": mode, "limit": limit, "weights": stepped(mode, limit)} for mode, limit in CASES]) + "\n")


if __name__ == "__main__":
    main()
