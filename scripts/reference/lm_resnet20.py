"""First training steps of LM-ResNet-20 in plain PyTorch: the reference of test/native/reference.test.ts.

Run in an environment with torch and numpy:
    python scripts/reference/lm_resnet20.py > test/golden/lm_resnet20.json

Weights, pixels and labels come from a formula (test/support/graphs/formula.ts has its twin), so no file need be shared. The network is
written from the paper (equation 1) and the released code (2prime/LM-ResNet, MResNet.py): own-norm shortcut where the width
changes, after which u_{n-1} is the projected shortcut; SGD with Nesterov's momentum, weight decay on weights alone. The rate is
low: at 0.1 these random images make float32 part from float64 by 7e-3 within five steps, in PyTorch alone.
"""

import json
import math

import numpy as np
import torch
import torch.nn.functional as F
from formula import uniform

CLASSES, SIZE, BATCH, STEPS = 10, 28, 16, 5
LR, MOMENTUM, DECAY = 0.002, 0.9, 1e-4
MEAN, STD = 0.1307, 0.3081


class Parameters:
    """Tensors by path, made at first use from the formula."""

    def __init__(self, dtype):
        self.dtype, self.weights, self.others, self.running = dtype, {}, {}, {}

    def make(self, path, shape, value, table):
        if path not in table:
            r = uniform(path, math.prod(shape))
            table[path] = torch.tensor(value(r), dtype=torch.float64).to(self.dtype).reshape(shape).requires_grad_()
        return table[path]

    def conv(self, path, u, out, kernel, stride=1):
        bound = math.sqrt(6 / (kernel * kernel * out))
        w = self.make(f"{path}.weight", (out, u.shape[1], kernel, kernel), lambda r: (2 * r - 1) * bound, self.weights)
        return F.conv2d(u, w, stride=stride, padding=kernel // 2)

    def norm_relu(self, path, u):
        c = u.shape[1]
        w = self.make(f"{path}.weight", (c,), lambda r: 0.5 + r, self.others)
        b = self.make(f"{path}.bias", (c,), lambda r: r - 0.5, self.others)
        if path not in self.running:
            self.running[path] = (torch.zeros(c, dtype=self.dtype), torch.ones(c, dtype=self.dtype))
        mean, var = self.running[path]
        return F.relu(F.batch_norm(u, mean, var, w, b, training=True, momentum=0.1, eps=1e-5))

    def linear(self, path, u, out):
        w = self.make(f"{path}.weight", (out, u.shape[1]), lambda r: (2 * r - 1) / 8, self.weights)
        b = self.make(f"{path}.bias", (out,), lambda r: (2 * r - 1) / 8, self.others)
        return F.linear(u, w, b)

    def k(self, path):
        return self.make(f"{path}.k", (1,), lambda r: -0.1 * r, self.others)


def residual(p, path, u, width, stride):
    h = p.conv(f"{path}.f0.conv1", p.norm_relu(f"{path}.f0.bn1", u), width, 3, stride)
    return p.conv(f"{path}.f0.conv2", p.norm_relu(f"{path}.f0.bn2", h), width, 3)


def network(p, x):
    u, previous = p.conv("stem.conv", x, 16, 3), None
    for stage, width in enumerate((16, 32, 64), start=1):
        for step in range(3):
            path = f"stage{stage}.step{step}"
            if u.shape[1] != width:
                shortcut = p.conv(f"{path}.shortcut.conv", p.norm_relu(f"{path}.shortcut.bn", u), width, 1, 2)
                u, previous = residual(p, path, u, width, 2) + shortcut, shortcut
            elif previous is None:
                u, previous = u + residual(p, path, u, width, 1), u
            else:
                k = p.k(path)
                u, previous = (1 - k) * u + k * previous + residual(p, path, u, width, 1), u
    h = p.norm_relu("head.bn", u).mean((2, 3))
    return p.linear("head.fc", h, CLASSES)


def batch(step, dtype):
    pixels = np.floor(256 * uniform(f"pixels{step}", BATCH * SIZE * SIZE)).reshape(BATCH, 1, SIZE, SIZE)
    labels = np.floor(CLASSES * uniform(f"labels{step}", BATCH)).astype(np.int64)
    return torch.tensor((pixels / 255 - MEAN) / STD).to(dtype), torch.tensor(labels)


def train(dtype):
    p = Parameters(dtype)
    with torch.no_grad():
        network(p, batch(0, dtype)[0])  # makes the parameters; what it did to the statistics is undone
    p.running = {}
    groups = [{"params": list(p.weights.values()), "weight_decay": DECAY}, {"params": list(p.others.values())}]
    optimizer = torch.optim.SGD(groups, lr=LR, momentum=MOMENTUM, nesterov=True)
    losses = []
    for step in range(STEPS):
        x, y = batch(step, dtype)
        optimizer.zero_grad()
        loss = F.cross_entropy(network(p, x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    norms = {path: t.norm().item() for path, t in {**p.weights, **p.others}.items()}
    for path, (mean, var) in p.running.items():
        norms[f"{path}.running_mean"], norms[f"{path}.running_var"] = mean.norm().item(), var.norm().item()
    return {"losses": losses, "norms": norms}


def scatter(truth):
    """How far PyTorch's own float32 parts from float64 where every convolution's result is moved by a rounding: by path, at
    most, of eight runs. The gradients of k are differences of large sums, of which a rounding leaves few digits."""
    exact, most = F.conv2d, dict.fromkeys(truth, 0.0)
    torch.manual_seed(0)
    for run in range(8):
        F.conv2d = lambda *a, **k: (y := exact(*a, **k)) * (1 + torch.randn(() if run % 2 else y.shape) * 2**-24)
        norms = train(torch.float32)["norms"]
        most = {path: max(most[path], abs(norms[path] / truth[path] - 1)) for path in truth}
    F.conv2d = exact
    return {path: value for path, value in most.items() if value > 1e-5}


torch.set_num_threads(1)
settings = {"size": SIZE, "batch": BATCH, "steps": STEPS, "lr": LR, "momentum": MOMENTUM, "weightDecay": DECAY,
            "mean": MEAN, "std": STD}
exact = train(torch.float64)
result = {"torch": torch.__version__, **settings, **exact, "scatter": scatter(exact["norms"])}
print(json.dumps(result, indent=1))
