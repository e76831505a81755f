"""The three-step scheme against a program, from LongJin-lab/ZeroSNet (CIFAR/models/ZeroSNet.py).

Two Euler steps, then u' = 1/3 u + 5/9 u_{n-1} + 1/9 u_{n-2} + 16/9 f(u); where the width changes every state has a conv1x1 of its own.
Writes test/golden/zerosnet.json; see README.md.
"""

from golden import Program, case, write

CLASSES, BASE, STEPS, IMAGE = 5, 4, 3, [4, 3, 16, 16]


def zerosnet(p, x):
    u, before, last = p.conv("stem.conv", x, BASE, 3), None, None
    for n in range(3 * STEPS):
        stage, step = n // STEPS + 1, n % STEPS
        path, width = f"stage{stage}.step{step}", BASE * 2 ** (stage - 1)
        stride = 2 if u.shape[1] != width else 1
        h = p.conv(f"{path}.f0.conv1", p.norm_relu(f"{path}.f0.bn1", u), width, 3, stride)
        f = p.conv(f"{path}.f0.conv2", p.norm_relu(f"{path}.f0.bn2", h), width, 3)
        if stride == 2:
            names = ("shortcut", "history1", "history2")
            u, before, last = (p.conv(f"{path}.{name}.conv", v, width, 1, 2) for name, v in zip(names, (u, before, last), strict=True))
        next_u = u + f if n < 2 else u / 3 + 5 / 9 * before + last / 9 + 16 / 9 * f
        u, before, last = next_u, u, before
    return p.linear("head.fc", p.norm_relu("head.bn", u).mean((2, 3)), CLASSES)


write("zerosnet", [], {"zerosnet": case("a PyTorch program", Program(zerosnet), IMAGE)})
