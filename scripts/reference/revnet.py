"""RevNet against programs, from the paper and renmengye/revnet-public (resnet/models/revnet_model.py).

Writes test/golden/revnet.json; see README.md.
"""

import torch
import torch.nn.functional as F

from golden import Program, case, write

EPS, STEPS, CLASSES = 1e-3, 2, 5


class RevNet:
    """x' = x + f(y), y' = y + g(x') on channel halves; between stages x' = P x + f(y), y' = P y + g(x')."""

    def __init__(self, widths, bottleneck, imagenet):
        self.widths, self.bottleneck, self.imagenet = widths, bottleneck, imagenet

    def __call__(self, p, image):
        base, *stages = self.widths
        kernel, stride = (7, 2) if self.imagenet else (3, 1)
        u = p.norm_relu("stem.bn", p.conv("stem.conv", image, base, kernel, stride), eps=EPS)
        if self.imagenet:
            u = F.max_pool2d(u, 3, 2, 1)
        x, y = u.chunk(2, 1)
        for stage, width in enumerate(stages, start=1):
            half = width * (4 if self.bottleneck else 1) // 2
            for step in range(STEPS):
                path, stride = f"stage{stage}.step{step}", 2 if stage > 1 and step == 0 else 1
                bare = stage == 1 and step == 0
                changes = x.shape[1] != half or stride != 1
                sx, sy = (self.shortcut(p, f"{path}.shortcut{i}", v, half, stride) if changes else v for i, v in enumerate((x, y)))
                x = sx + self.branch(p, f"{path}.f0", y, half, stride, bare)
                y = sy + self.branch(p, f"{path}.f1", x, half, 1, False)
        u = p.norm_relu("head.bn", torch.cat((x, y), 1), eps=EPS)
        return p.linear("head.fc", u.mean((2, 3)), CLASSES)

    def branch(self, p, path, u, width, stride, bare):
        h = u if bare else p.norm_relu(f"{path}.bn1", u, eps=EPS)
        if not self.bottleneck:
            h = p.conv(f"{path}.conv1", h, width, 3, stride)
            return p.conv(f"{path}.conv2", p.norm_relu(f"{path}.bn2", h, eps=EPS), width, 3)
        h = p.conv(f"{path}.conv1", h, width // 4, 1, stride)
        h = p.conv(f"{path}.conv2", p.norm_relu(f"{path}.bn2", h, eps=EPS), width // 4, 3)
        return p.conv(f"{path}.conv3", p.norm_relu(f"{path}.bn3", h, eps=EPS), width, 1)

    def shortcut(self, p, path, u, width, stride):
        if self.bottleneck:
            return p.conv(f"{path}.conv", u, width, 1, stride)
        extra = (width - u.shape[1]) // 2
        return F.pad(F.avg_pool2d(u, stride) if stride > 1 else u, (0, 0, 0, 0, extra, extra))


def program(image, widths, bottleneck, imagenet=False):
    return case("a PyTorch program", Program(RevNet(widths, bottleneck, imagenet)), image)


write("revnet", [], {
    "revnet38": program([4, 3, 16, 16], [8, 8, 16, 28], False),
    "revnet164": program([4, 3, 16, 16], [8, 8, 16, 32], True),
    "revnet56": program([4, 3, 64, 64], [8, 8, 16, 32, 52], True, imagenet=True),
})
