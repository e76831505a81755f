"""The nets of the race as a PyTorch user writes them: modules, trained eagerly, captured or compiled."""

import torch
import torch.nn.functional as F
from torch import nn


def conv(into, out, kernel, stride=1, groups=1):
    return nn.Conv2d(into, out, kernel, stride, kernel // 2, groups=groups, bias=False)


class PreActivation(nn.Module):
    """A pre-activation step of the two-step scheme; where a stage starts, an Euler step with a shortcut of its own."""

    def __init__(self, into, width, stride, first, inner, groups):
        super().__init__()
        if inner is None:
            kernels = [(into, width, 3, stride, 1), (width, width, 3, 1, 1)]
        else:
            kernels = [(into, inner, 1, 1, 1), (inner, inner, 3, stride, groups), (inner, width, 1, 1, 1)]
        self.norms = nn.ModuleList(nn.BatchNorm2d(k[0]) for k in kernels)
        self.convs = nn.ModuleList(conv(a, b, kernel, s, g) for a, b, kernel, s, g in kernels)
        self.shortcut = None
        if stride != 1 or into != width:
            self.shortcut = nn.Sequential(nn.BatchNorm2d(into), nn.ReLU(inplace=True), conv(into, width, 1, stride))
        self.k = None if first else nn.Parameter(torch.empty(1).uniform_(-0.1, 0))

    def forward(self, u, previous):
        f = u
        for norm, layer in zip(self.norms, self.convs):
            f = layer(F.relu(norm(f), inplace=True))
        if self.shortcut is not None:
            now = self.shortcut(u)
            return now + f, now
        if self.k is None:
            return u + f, u
        return (1 - self.k) * u + self.k * previous + f, u


class PreActivationNet(nn.Module):
    def __init__(self, stem, steps, width, bottleneck, classes):
        """`bottleneck`: (groups, width of a group at 64) or None for two 3x3 convolutions."""
        super().__init__()
        self.stem, blocks, into = stem, [], width
        for stage, count in enumerate(steps):
            out = width * 2**stage * (4 if bottleneck else 1)
            groups, per = bottleneck or (1, 64)
            inner = groups * (width * 2**stage * per // 64) if bottleneck else None
            for n in range(count):
                stride = 2 if stage > 0 and n == 0 else 1
                blocks.append(PreActivation(into, out, stride, n == 0, inner, groups))
                into = out
        self.blocks, self.norm, self.fc = nn.ModuleList(blocks), nn.BatchNorm2d(into), nn.Linear(into, classes)

    def forward(self, x):
        u, previous = self.stem(x), None
        for block in self.blocks:
            u, previous = block(u, previous)
        return self.fc(F.relu(self.norm(u), inplace=True).mean((2, 3)))


class Bottleneck(nn.Module):
    """Post-activation, the stride in the 3x3 convolution, as torchvision has it."""

    def __init__(self, into, inner, stride):
        super().__init__()
        out = 4 * inner
        self.conv1, self.conv2, self.conv3 = conv(into, inner, 1), conv(inner, inner, 3, stride), conv(inner, out, 1)
        self.bn1, self.bn2, self.bn3 = nn.BatchNorm2d(inner), nn.BatchNorm2d(inner), nn.BatchNorm2d(out)
        changes = stride != 1 or into != out
        self.shortcut = nn.Sequential(conv(into, out, 1, stride), nn.BatchNorm2d(out)) if changes else nn.Identity()

    def forward(self, u):
        f = F.relu(self.bn1(self.conv1(u)), inplace=True)
        f = F.relu(self.bn2(self.conv2(f)), inplace=True)
        return F.relu(self.bn3(self.conv3(f)) + self.shortcut(u), inplace=True)


def imagenet_stem():
    return nn.Sequential(conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1))


def resnet50():
    blocks, into = [], 64
    for stage, count in enumerate((3, 4, 6, 3)):
        for n in range(count):
            blocks.append(Bottleneck(into, 64 * 2**stage, 2 if stage > 0 and n == 0 else 1))
            into = 256 * 2**stage
    return nn.Sequential(imagenet_stem(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(into, 1000))


def imagenet(bottleneck):
    return PreActivationNet(imagenet_stem(), (3, 4, 6, 3), 64, bottleneck, 1000)


def cifar(n):
    return PreActivationNet(conv(3, 16, 3), (n, n, n), 16, None, 10)


NETS = {
    "lm_resnet50": lambda: imagenet((1, 64)),
    "resnet50": resnet50,
    "lm_resnext50_32x4d": lambda: imagenet((32, 4)),
    "lm_resnet20": lambda: cifar(3),
    "lm_resnet56": lambda: cifar(9),
    "lm_resnet110": lambda: cifar(18),
}
