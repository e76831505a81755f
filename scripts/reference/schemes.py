"""Schemes in one small pre-activation net: momentumnet, torchdiffeq, and programs written from the papers.

Stem conv3x3 to 4 channels; 3 steps; a step to 8 channels of stride 2 whose shortcut has its own norm; 2 steps; head. Functions are
bn-relu-conv-bn-relu-conv. Writes test/golden/schemes.json; see README.md.
"""

import torch
from momentumnet.momentum_net import MomentumNetWithBackprop
from torchdiffeq import odeint

from golden import Program, case, write

CLASSES, IMAGE = 5, [4, 3, 8, 8]


def branch(p, path, u, width, stride=1):
    h = p.conv(f"{path}.conv1", p.norm_relu(f"{path}.bn1", u), width, 3, stride)
    return p.conv(f"{path}.conv2", p.norm_relu(f"{path}.bn2", h), width, 3)


def own_norm(p, path, u, width):
    return p.conv(f"{path}.conv", p.norm_relu(f"{path}.bn", u), width, 1, 2)


class Net:
    """`stage(p, fields, state)` runs the steps of a stage: fields[n](i, u) is f_i of step n; state: [u_n, u_{n-1}, …]."""

    def __init__(self, stage, history=1):
        self.stage, self.history = stage, history

    def __call__(self, p, x):
        def field(path):
            return lambda i, v: branch(p, f"{path}.f{i}", v, v.shape[1])

        state = [p.conv("stem.conv", x, 4, 3)]
        u = self.stage(p, [field(f"stage1.step{n}") for n in range(3)], state)[0]
        shortcut = own_norm(p, "stage2.step0.shortcut", u, 8)
        state = [shortcut + branch(p, "stage2.step0.f0", u, 8, 2), shortcut][: self.history]
        u = self.stage(p, [field(f"stage2.step{n}") for n in range(1, 3)], state)[0]
        return p.linear("head.fc", p.norm_relu("head.bn", u).mean((2, 3)), CLASSES)


class Function(torch.nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, u):
        return self.f(0, u)


def momentum(_, fields, state):
    return [MomentumNetWithBackprop([Function(f) for f in fields], gamma=0.9)(state[0])]


def solver(method):
    """Each step is one of the ODE solver's, of size 1, with one f."""
    def stage(_, fields, state):
        u = state[0]
        for f in fields:
            u = odeint(lambda t, v, f=f: f(0, v), u, torch.tensor([0.0, 1.0], dtype=torch.float64), method=method)[-1]
        return [u]

    return stage


def one_step(step):
    def stage(_, fields, state):
        u = state[0]
        for f in fields:
            u = step(f, u)
        return [u]

    return stage


def euler(f, u):
    return u + f(0, u)


def heun(f, u):
    first = f(0, u)
    return u + (first + f(1, u + first)) / 2


def rk4(f, u):
    k1 = f(0, u)
    k2 = f(1, u + k1 / 2)
    k3 = f(2, u + k2 / 2)
    return u + (k1 + 2 * k2 + 2 * k3 + f(3, u + k3)) / 6


def poly3(f, u):
    first = f(0, u)
    second = f(0, first)
    return u + first + second + f(0, second)


def mpoly2(f, u):
    first = f(0, u)
    return u + first + f(1, first)


def way3(f, u):
    return u + f(0, u) + f(1, u) + f(2, u)


def adams_bashforth(_, fields, state):
    u, before = state[0], None
    for f in fields:
        now = f(0, u)
        u, before = (u + now if before is None else u + 1.5 * now - 0.5 * before), now
    return [u]


def leapfrog(_, fields, state):
    """u'' = f: starts at rest, u_1 = u_0 + f / 2; a second stage goes on with its history."""
    state = [*state, None][:2]
    for f in fields:
        u, before = state
        state = [u + f(0, u) / 2 if before is None else 2 * u - before + f(0, u), u]
    return state


def midpoint(_, fields, state):
    state = [*state, None][:2]
    for f in fields:
        u, before = state
        state = [u + f(0, u) if before is None else before + 2 * f(0, u), u]
    return state


def three_step(_, fields, state):
    """ZeroSNet with a0, a1, a2, b0 = 1/3, 5/9, 1/9, 16/9; the first two steps are Euler's."""
    state = [*state, None, None][:3]
    for f in fields:
        u, before, last = state
        if last is None:
            u, before, last = u + f(0, u), u, before
        else:
            u, before, last = u / 3 + 5 / 9 * before + last / 9 + 16 / 9 * f(0, u), u, before
        state = [u, before, last]
    return state


def reversible(_, fields, state):
    x, y = state[0].chunk(2, 1)
    for f in fields:
        x = x + f(0, y)
        y = y + f(1, x)
    return [torch.cat((x, y), 1)]


def program(stage, against="a PyTorch program", history=1):
    return case(against, Program(Net(stage, history)), IMAGE)


write("schemes", ["momentumnet", "torchdiffeq"], {
    "euler": program(one_step(euler)),
    "momentum": program(momentum, "momentumnet, MomentumNetWithBackprop"),
    "midpoint of one f, torchdiffeq": program(solver("midpoint"), "torchdiffeq, midpoint"),
    "heun of one f": program(solver("heun2"), "torchdiffeq, heun2"),
    "heun3 of one f": program(solver("heun3"), "torchdiffeq, heun3"),
    "rk38 of one f": program(solver("rk4"), "torchdiffeq, rk4 (the 3/8 rule)"),
    "heun": program(one_step(heun)),
    "rk4": program(one_step(rk4)),
    "adamsBashforth2": program(adams_bashforth),
    "leapfrog": program(leapfrog, history=2),
    "midpoint": program(midpoint, history=2),
    "threeStep": program(three_step, history=2),
    "poly-3": program(one_step(poly3)),
    "mpoly-2": program(one_step(mpoly2)),
    "3-way": program(one_step(way3)),
    "reversible": program(reversible),
})
