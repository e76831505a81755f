"""One training step of LM-ResNet in eager PyTorch, the rival of scripts/bench/step.mjs; prints the median in milliseconds.

    python scripts/bench/step.py --n 3 --batch 128 --size 28 --channels 1 --threads 2 --steps 20 [--defaults]

Best effort: channels-last, fused SGD. --defaults: NCHW and the default SGD.
"""

import argparse
import json
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, width_in, width, stride, two_step):
        super().__init__()
        self.bn1, self.bn2 = nn.BatchNorm2d(width_in), nn.BatchNorm2d(width)
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.shortcut = None
        if width_in != width:
            self.shortcut = nn.Sequential(
                nn.BatchNorm2d(width_in), nn.ReLU(), nn.Conv2d(width_in, width, 1, stride, bias=False)
            )
        self.k = nn.Parameter(torch.empty(1).uniform_(-0.1, 0)) if two_step else None

    def f(self, u):
        return self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(u))))))

    def forward(self, u, previous):
        if self.shortcut is not None:
            p = self.shortcut(u)
            return self.f(u) + p, p
        if self.k is None:
            return u + self.f(u), u
        return (1 - self.k) * u + self.k * previous + self.f(u), u


class LmResNet(nn.Module):
    def __init__(self, n, channels, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        blocks, width_in = [], 16
        for stage, width in enumerate((16, 32, 64)):
            for i in range(n):
                blocks.append(Block(width_in, width, 2 if stage > 0 and i == 0 else 1, i > 0))
                width_in = width
        self.blocks, self.bn, self.fc = nn.ModuleList(blocks), nn.BatchNorm2d(64), nn.Linear(64, classes)

    def forward(self, x):
        u, previous = self.stem(x), None
        for block in self.blocks:
            u, previous = block(u, previous)
        return self.fc(F.relu(self.bn(u)).mean((2, 3)))


def main():
    parser = argparse.ArgumentParser()
    for name, value in (("n", 3), ("batch", 128), ("size", 28), ("channels", 1), ("threads", 1), ("steps", 20)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--defaults", action="store_true")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    model = LmResNet(o.n, o.channels)
    x, y = torch.randn(o.batch, o.channels, o.size, o.size), torch.randint(0, 10, (o.batch,))
    if not o.defaults:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    fused = {} if o.defaults else {"fused": True}
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, nesterov=True, **fused
    )
    times = []
    for _ in range(o.steps + 3):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        loss.item()
        times.append(1000 * (time.perf_counter() - start))
    times = sorted(times[3:])
    print(json.dumps({"ms": times[len(times) // 2], "torch": torch.__version__}))


main()
