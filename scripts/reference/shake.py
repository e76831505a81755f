"""Shake-shake and stochastic depth against programs, from xgastaldi/shake-shake (models/shakeshakeblock.lua) and Huang et al. 2016,
and against pytorchcv, whose shake-shake net has its relus after the steps.

Draws are those of our passes, by the twin of our generator. Writes test/golden/shake.json; see README.md.
"""

import torch
import torch.nn.functional as F
from pytorchcv.models.shakeshakeresnet_cifar import CIFARShakeShakeResNet

from golden import ModuleNet, Program, case, write
from others import lowered, pytorchcv_widths, renamer, unit

CLASSES, BASE, STEPS, IMAGE = 5, 4, 2, [4, 3, 16, 16]


class Shaken(torch.autograd.Function):
    """alpha a + (1 - alpha) b; the gradient sees beta."""

    @staticmethod
    def forward(ctx, a, b, alpha, beta):
        ctx.save_for_backward(beta)
        return alpha * a + (1 - alpha) * b

    @staticmethod
    def backward(ctx, grad):
        (beta,) = ctx.saved_tensors
        return beta * grad, (1 - beta) * grad, None, None


def branch(p, path, u, width, stride):
    h = p.norm_relu(f"{path}.bn1", p.conv(f"{path}.conv1", F.relu(u), width, 3, stride))
    return p.norm(f"{path}.bn2", p.conv(f"{path}.conv2", h, width, 3))


def two_paths(p, path, u, width, stride):
    """The second path is shifted by a pixel right and down."""
    u = F.relu(u)
    paths = enumerate((u, F.pad(u, (1, -1, 1, -1))))
    parts = [p.conv(f"{path}.conv{i}", v[:, :, ::stride, ::stride], width // 2, 1) for i, v in paths]
    return p.norm(f"{path}.bn", torch.cat(parts, 1))


def shake_shake(p, x):
    u = p.norm("stem.bn", p.conv("stem.conv", x, 16, 3))
    for stage in (1, 2, 3):
        for step in range(STEPS):
            path, stride, width = f"stage{stage}.step{step}", 2 if stage > 1 and step == 0 else 1, BASE * 2 ** (stage - 1)
            skip = u if u.shape[1] == width else two_paths(p, f"{path}.shortcut", u, width, stride)
            a, b = (branch(p, f"{path}.f{i}", u, width, stride) for i in (0, 1))
            draws = [p.stream("shake", f"{path}.f0", image) for image in range(len(x))]
            pairs = [[draw.uniform(), draw.uniform()] if p.training else [0.5, 0.5] for draw in draws]
            alpha, beta = torch.tensor(pairs, dtype=torch.float64).T.reshape(2, -1, 1, 1, 1)
            u = skip + Shaken.apply(a, b, alpha, beta)
    return p.linear("head.fc", F.relu(u).mean((2, 3)), CLASSES)


def stochastic_depth(p, x):
    """ResNet with shortcut A; block l of L stays with probability 1 - l / L (1 - p_L), and is scaled by it in evaluation."""
    u = p.norm_relu("stem.bn", p.conv("stem.conv", x, BASE, 3))
    for n in range(3 * STEPS):
        stage, step = n // STEPS + 1, n % STEPS
        path, stride, width = f"stage{stage}.step{step}", 2 if stage > 1 and step == 0 else 1, BASE * 2 ** (stage - 1)
        keep = 1 - (n + 1) / (3 * STEPS) * 0.5
        scale = float(p.stream("bernoulli", f"{path}.f0").uniform() < keep) if p.training else keep
        shortcut = F.pad(u[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, width - u.shape[1]))
        if scale == 0:
            u = F.relu(shortcut)
            continue
        h = p.norm_relu(f"{path}.f0.bn1", p.conv(f"{path}.f0.conv1", u, width, 3, stride))
        u = F.relu(shortcut + scale * p.norm(f"{path}.f0.bn2", p.conv(f"{path}.f0.conv2", h, width, 3)))
    return p.linear("head.fc", u.mean((2, 3)), CLASSES)


pytorchcv_path = lowered(renamer([
    (r"features\.init_block\.(conv|bn)", "stem.{}"),
    (unit + r"\.branch1\.conv(\d)\.(conv|bn)", "stage{0}.step{1}.f0.{3}{2}"),
    (unit + r"\.branch2\.conv(\d)\.(conv|bn)", "stage{0}.step{1}.f1.{3}{2}"),
    (unit + r"\.identity_branch\.conv1", "stage{}.step{}.shortcut.conv0"),
    (unit + r"\.identity_branch\.conv2", "stage{}.step{}.shortcut.conv1"),
    (unit + r"\.identity_branch\.bn", "stage{}.step{}.shortcut.bn"),
    (r"output", "head.fc"),
]))


def pytorchcv_case():
    net = CIFARShakeShakeResNet(channels=pytorchcv_widths(BASE, STEPS, 3, 1), init_block_channels=16, bottleneck=False,
                                num_classes=CLASSES)
    net.features.final_pool = torch.nn.AdaptiveAvgPool2d(1)
    return case("pytorchcv, CIFARShakeShakeResNet", ModuleNet(net, pytorchcv_path), IMAGE, modes=["evaluation"])


def program(network):
    return case("a PyTorch program", Program(network), IMAGE, seeds=[1, 4, 10])


write("shake", [], {
    "shake_shake26_2x32d": program(shake_shake),
    "shake_shake26_2x32d, relu after every step": pytorchcv_case(),
    "resnet110_sd": program(stochastic_depth),
})
