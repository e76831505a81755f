"""FractalNet against pytorchcv, whose blocks pool after the last join, and against programs of the published order and joins.

Writes test/golden/fractal.json; see README.md.
"""

import re

import torch.nn.functional as F
from pytorchcv.models.fractalnet_cifar import CIFARFractalNet

from golden import ModuleNet, Program, case, write

CLASSES, WIDTHS, IMAGE = 5, [4, 4, 8, 8, 8], [4, 3, 32, 32]


def pytorchcv_path(columns):
    """Convolutions are counted level by level, the deepest column first."""
    places = [(level, column) for level in range(1, 2 ** (columns - 1) + 1) for column in range(columns) if level % 2**column == 0]

    def rename(name):
        found = re.fullmatch(r"features\.unit(\d)\.block\.blocks\.block(\d+)\.subblock(\d)\.(.*)", name)
        if not found:
            return name.replace("output", "head.fc")
        stage, level, column, rest = found.groups()
        return f"stage{stage}.step0.f{places.index((int(level), int(column) - 1))}.{rest}"

    return rename


def pytorchcv_case(columns):
    net = CIFARFractalNet(channels=WIDTHS, num_columns=columns, dropout_probs=[0] * 5, loc_drop_prob=0, glob_drop_ratio=0,
                          num_classes=CLASSES)
    return case("pytorchcv, CIFARFractalNet", ModuleNet(net, pytorchcv_path(columns)), IMAGE)


class Fractal:
    """Larsson et al. 2017: mean joins, or drop-path; columns are pooled, then joined for the last time."""

    def __init__(self, columns, affine, drop_path=False):
        self.columns, self.affine, self.drop_path = columns, affine, drop_path

    def __call__(self, p, u):
        for stage, width in enumerate(WIDTHS, start=1):
            u = self.block(p, f"stage{stage}.step0", u, width)
        return p.linear("head.fc", u.mean((2, 3)), CLASSES)

    def block(self, p, path, u, width):
        inputs, drawn, joins, depth = [u] * self.columns, 0, 0, 2 ** (self.columns - 1)
        for level in range(1, depth + 1):
            outs = []
            for column in range(self.columns):
                if level % 2**column == 0:
                    h = p.conv(f"{path}.f{drawn}.conv", inputs[column], width, 3, bias=not self.affine)
                    outs.append(p.norm_relu(f"{path}.f{drawn}.bn", h, affine=self.affine))
                    drawn += 1
            if level == depth:
                outs = [F.max_pool2d(out, 2) for out in outs]
            joined = outs[0]
            if len(outs) > 1:
                joined = self.join(p, f"{path}.join{joins}", outs)
                joins += 1
            inputs[:len(outs)] = [joined] * len(outs)
        return joined

    def join(self, p, path, outs):
        weights = self.gates(p, path, len(outs)) if self.drop_path and p.training else [1] * len(outs)
        return sum(w * out for w, out in zip(weights, outs, strict=True) if w) / sum(weights)

    def gates(self, p, path, count):
        """Half of the passes keep one column of the net, the others drop each input of a join with probability 0.15."""
        column = p.stream("column", "")
        if column.uniform() < 0.5:
            kept = column.below(self.columns)
            return [int(i == (kept if kept < count else 0)) for i in range(count)]  # no one reads a join that lacks it
        local = p.stream("dropPath", path)
        alive = [int(local.uniform() < 0.85) for _ in range(count)]
        revived = local.below(count)
        return alive if any(alive) else [int(i == revived) for i in range(count)]


def program(*args, **options):
    drop_path = options.pop("drop_path", False)
    return case("a PyTorch program", Program(Fractal(*args, drop_path=drop_path)), IMAGE, **options)


write("fractal", ["pytorchcv"], {
    "fractalnet20 affine=true, mean joins before the pool": pytorchcv_case(3),
    "fractalnet40 affine=true, mean joins before the pool": pytorchcv_case(4),
    "fractalnet20, mean joins": program(3, False),
    # of these passes three keep one column each, two drop inputs of joins
    "fractalnet20 without dropout": program(3, False, seeds=[1, 2, 4, 5, 11], drop_path=True),
    "fractalnet40 affine=true": program(4, True, modes=["evaluation"]),
})
