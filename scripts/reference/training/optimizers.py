"""Weights after a few steps of PyTorch's and timm's optimisers, as golden values for test/native/train/optimizers.test.ts.

Run in an environment with torch and timm:  python scripts/reference/training/optimizers.py
Writes test/golden/training/optimizers.json. The network is linear in ten pixels of three channels, the batch all of them; the weight decays (and adapts),
the bias does not.
"""

import json
import pathlib
import sys

import numpy as np
import torch
from timm.optim import Lamb, Lars

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from formula import uniform

OUT = pathlib.Path(__file__).parents[3] / "test" / "golden" / "training" / "optimizers.json"
N, C, CLASSES = 10, 3, 4
RATES = [0.5, 0.1, 1, 0.3, 0.2]

CASES = [
    {"kind": "sgd", "momentum": 0.9, "dampening": 0.3, "nesterov": False, "decay": 0.1},
    {"kind": "sgd", "momentum": 0.8, "dampening": 0, "nesterov": True, "decay": 0.1},
    {"kind": "adamw", "momentum": 0.9, "beta2": 0.999, "eps": 1e-8, "decay": 0.1},
    {"kind": "adamw", "momentum": 0.7, "beta2": 0.9, "eps": 1e-3, "decay": 0},
    {"kind": "lars", "momentum": 0.9, "dampening": 0, "nesterov": False, "eps": 1e-8, "trust": 0.02, "decay": 0.1},
    {"kind": "lars", "momentum": 0.9, "dampening": 0.2, "nesterov": False, "eps": 0.1, "trust": 1, "decay": 0.3},
    {"kind": "lars", "momentum": 0, "dampening": 0, "nesterov": False, "eps": 1e-8, "trust": 0.5, "decay": 0},
    {"kind": "lars", "momentum": 0.8, "dampening": 0, "nesterov": True, "eps": 1e-8, "trust": 0.1, "decay": 0.05},
    {"kind": "lamb", "momentum": 0.9, "beta2": 0.999, "eps": 1e-6, "decay": 0.1},
    {"kind": "lamb", "momentum": 0.6, "beta2": 0.8, "eps": 1e-2, "decay": 0},
]


def optimizer(case, weight, bias):
    """Without weight decay timm adapts nothing by itself: the weight is then asked for by `always_adapt`."""
    groups = [{"params": [weight], "weight_decay": case["decay"]}, {"params": [bias], "weight_decay": 0}]
    sgd = {"momentum": case["momentum"], "dampening": case.get("dampening"), "nesterov": case.get("nesterov")}
    adam = {"betas": (case["momentum"], case.get("beta2")), "eps": case.get("eps")}
    if case["kind"] == "sgd":
        return torch.optim.SGD(groups, lr=0.1, **sgd)
    if case["kind"] == "adamw":
        return torch.optim.AdamW(groups, lr=0.1, **adam)
    groups[0]["always_adapt"] = True
    if case["kind"] == "lars":
        return Lars(groups, lr=0.1, trust_coeff=case["trust"], eps=case["eps"], **sgd)
    return Lamb(groups, lr=0.1, max_grad_norm=None, **adam)


def trained(case):
    x = torch.from_numpy(np.floor(256 * uniform("pixels", N * C)) / 255).reshape(N, C)
    labels = torch.arange(N) % CLASSES
    weight = torch.nn.Parameter(torch.from_numpy(uniform("weight", CLASSES * C) - 0.5).reshape(CLASSES, C))
    bias = torch.nn.Parameter(torch.from_numpy(uniform("bias", CLASSES) - 0.5))
    opt = optimizer(case, weight, bias)
    for lr in RATES:
        for group in opt.param_groups:
            group["lr"] = lr
        opt.zero_grad()
        torch.nn.functional.cross_entropy(x @ weight.T + bias, labels).backward()
        opt.step()
    return {"weight": weight.flatten().tolist(), "bias": bias.tolist()}


def main():
    torch.set_default_dtype(torch.float64)
    cases = [{**case, **trained(case)} for case in CASES]
    OUT.write_text(json.dumps({"rates": RATES, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
