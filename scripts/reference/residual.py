"""Pre-activation nets as PyTorch programs, plain and with the two-step scheme.

From the paper (Lu et al. 2018, equation 1), the released code (2prime/LM-ResNet, MResNet.py: shortcuts with a norm of their own, and
u_{n-1} = P u where a stage starts) and fb.resnet.torch (models/preresnet.lua: shortcuts after the first norm-relu of the branch).
"""

import math

import torch
import torch.nn.functional as F


class Residual:
    def __init__(self, base, steps, classes, imagenet=False, bottleneck=False, shortcut="own", groups=None, k=None, history="restart",
                 survival=None):
        """`k`: None for Euler, else how the program reads it: 'paper', 'official', 'channel', 'tanh' or 'consistent'."""
        self.base, self.steps, self.classes = base, steps, classes
        self.imagenet, self.bottleneck, self.shortcut, self.groups = imagenet, bottleneck, shortcut, groups
        self.k, self.history, self.survival = k, history, survival
        self.stages = 4 if imagenet else 3

    def __call__(self, p, x):
        if self.imagenet:
            u = F.max_pool2d(p.norm_relu("stem.bn", p.conv("stem.conv", x, self.base, 7, 2)), 3, 2, 1)
        else:
            u = p.conv("stem.conv", x, self.base, 3)
        last = None
        for stage in range(1, self.stages + 1):
            width = self.base * 2 ** (stage - 1) * (4 if self.bottleneck else 1)
            for step in range(self.steps):
                path, stride = f"stage{stage}.step{step}", 2 if stage > 1 and step == 0 else 1
                u, last = self.step(p, path, u, last, width, stride, (stage - 1) * self.steps + step)
        return p.linear("head.fc", p.norm_relu("head.bn", u).mean((2, 3)), self.classes)

    def step(self, p, path, u, last, width, stride, n):
        bare = self.imagenet and self.shortcut != "own" and n == 0
        both = stride != 1 or u.shape[1] != width or (n == 0 and not self.imagenet and self.shortcut != "own")
        pre = u if bare else p.norm_relu(f"{path}.f0.bn1", u)
        f = self.gated(p, f"{path}.f0", n, lambda: self.branch(p, f"{path}.f0", pre, width, stride))
        if not both:
            return self.combine(p, path, u, last, f)
        now = self.project(p, f"{path}.shortcut", u, pre, width, stride)
        if self.history == "project" and last is not None:
            then = self.own(p, f"{path}.history1", last, width, stride)
            return self.combine(p, path, now, then, f)
        return now + f, now

    def combine(self, p, path, u, last, f):
        if self.k is None or last is None:
            return u + f, u
        if self.k == "official":
            k = 1 - p.coefficient(f"{path}.ks")
        elif self.k == "tanh":
            k = torch.tanh(p.coefficient(f"{path}.a"))
        else:
            k = p.coefficient(f"{path}.k", (u.shape[1], 1, 1) if self.k == "channel" else (1,))
        speed = 1 + k if self.k == "consistent" else 1
        return (1 - k) * u + k * last + speed * f, u

    def branch(self, p, path, pre, width, stride):
        if not self.bottleneck:
            h = p.conv(f"{path}.conv1", pre, width, 3, stride)
            return p.conv(f"{path}.conv2", p.norm_relu(f"{path}.bn2", h), width, 3)
        groups, per = self.groups or (1, 64)
        inner = groups * math.floor(width // 4 * per / 64)
        h = p.conv(f"{path}.conv1", pre, inner, 1)
        h = p.conv(f"{path}.conv2", p.norm_relu(f"{path}.bn2", h), inner, 3, stride, groups)
        return p.conv(f"{path}.conv3", p.norm_relu(f"{path}.bn3", h), width, 1)

    def project(self, p, path, u, pre, width, stride):
        if self.shortcut == "own":
            return self.own(p, path, u, width, stride)
        if self.shortcut == "A":
            return F.pad(pre[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, width - pre.shape[1]))
        changes = stride != 1 or pre.shape[1] != width
        return p.conv(f"{path}.conv", pre, width, 1, stride) if changes else pre

    @staticmethod
    def own(p, path, u, width, stride):
        return p.conv(f"{path}.conv", p.norm_relu(f"{path}.bn", u), width, 1, stride)

    def gated(self, p, path, n, f):
        """Stochastic depth as the LM code has it: death rate n / (N - 1) (1 - p_L), a kept f divided by its rate in training."""
        if self.survival is None or n == 0:
            return f()
        keep = 1 - n / (self.stages * self.steps - 1) * (1 - self.survival)
        if not p.training:
            return f()
        return f() / keep if p.stream("bernoulli", path).uniform() < keep else 0
