"""Losses and gradients of batches that timm mixes, as golden values for test/native/train/mixing.test.ts.

Run in an environment with torch, timm and scipy:  python scripts/reference/training/mixing.py
Writes test/golden/training/mixing.json. Mixing, targets and losses are timm's; what it draws comes from the twin of our generator (formula.py), in the order of
native/core/mixing.cc. The network is one convolution of the size of the image: logits are linear in the pixels.
"""

import json
import pathlib
import sys
from unittest import mock

import numpy as np
import torch
from scipy import stats
from timm.data.mixup import Mixup
from timm.loss import BinaryCrossEntropy, SoftTargetCrossEntropy

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from formula import Stream, direction, uniform

OUT = pathlib.Path(__file__).parents[3] / "test" / "golden" / "training" / "mixing.json"
N, C, H, W, CLASSES, STEPS, SEED = 6, 2, 7, 5, 4, 6, 3

CASES = [
    {},
    {"smoothing": 0.1},
    {"mixup": 0.8, "smoothing": 0.1},
    {"mixup": 0.2},
    {"cutmix": 1},
    {"mixup": 0.8, "cutmix": 1, "prob": 0.8, "smoothing": 0.05},
    {"mixup": 0.1, "cutmix": 1, "loss": "bce", "smoothing": 0.1},
    {"mixup": 0.3, "cutmix": 0.5, "switchProb": 0.9, "loss": "bce", "threshold": 0.2},
    {"loss": "bce", "smoothing": 0.2},
]


def draws(case, step):
    """The share, whether it is an area, and the places timm then asks for."""
    stream = Stream(SEED, "mixing", step=step)
    if case["mixup"] == 0 and case["cutmix"] == 0 or stream.uniform() >= case["prob"]:
        return 1.0, False, []
    cut = case["mixup"] == 0 or (case["cutmix"] > 0 and stream.uniform() < case["switchProb"])
    alpha = case["cutmix"] if cut else case["mixup"]
    share = stream.beta(alpha, alpha)
    return share, cut, [stream.below(H), stream.below(W)] if cut else []


def mixed(case, step, x, labels):
    share, cut, places = draws(case, step)
    mix = Mixup(case["mixup"], case["cutmix"], label_smoothing=case["smoothing"], num_classes=CLASSES)
    mix._params_per_batch = lambda: (share, cut)
    with mock.patch("numpy.random.randint", side_effect=places):
        return mix(x, labels)


def step_of(case, step, pixels, labels, params):
    order = Stream(SEED, "order", step=step).permutation(N)  # one step is an epoch
    x, targets = mixed(case, step, (pixels[order] / 255).clone(), labels[order])
    logits = torch.nn.functional.conv2d(x, params["conv.weight"]).flatten(1) + params["conv.bias"]
    loss = SoftTargetCrossEntropy()
    if case["loss"] == "bce":
        loss = BinaryCrossEntropy(target_threshold=case.get("threshold"))
    value = loss(logits, targets)
    gradients = torch.autograd.grad(value, list(params.values()))
    dots = [float(torch.from_numpy(direction(path, g.numel())) @ g.flatten()) for path, g in zip(params, gradients)]
    correct = int((logits.argmax(1) == targets.argmax(1)).sum())
    return {"loss": value.item(), "correct1": correct, "dots": dots}


def main():
    torch.set_default_dtype(torch.float64)
    pixels = np.floor(256 * uniform("pixels", N * H * W * C)).reshape(N, H, W, C).transpose(0, 3, 1, 2)
    labels = torch.arange(N) % CLASSES
    params = {
        "conv.weight": torch.from_numpy(uniform("conv.weight", CLASSES * C * H * W) - 0.5).reshape(CLASSES, C, H, W),
        "conv.bias": torch.from_numpy(uniform("conv.bias", CLASSES) - 0.5),
    }
    for value in params.values():
        value.requires_grad_()
    cases = []
    for given in CASES:
        case = {"mixup": 0, "cutmix": 0, "prob": 1, "switchProb": 0.5, "loss": "crossEntropy", "smoothing": 0} | given
        steps = [step_of(case, step, torch.from_numpy(pixels.copy()), labels, params) for step in range(STEPS)]
        cases.append({**case, "steps": steps})
    # Shares are drawn of Beta(a, a); a batch and its reverse hide which of share and 1 - share it was: the larger one has this law.
    parts = np.arange(1, 20) / 20
    laws = [{"alpha": a, "parts": parts.tolist(), "shares": stats.beta(a, a).ppf(0.5 + parts / 2).tolist()} for a in (0.1, 0.8, 1, 4)]
    OUT.write_text(json.dumps({"seed": SEED, "cases": cases, "laws": laws}) + "\n")


if __name__ == "__main__":
    main()
