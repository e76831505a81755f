"""PolyNet against pretrainedmodels, whole but with few modules and a sixteenth of the channels.

Writes test/golden/polynet.json; see README.md.
"""

import importlib
import re
from types import SimpleNamespace

import torch
from torch import nn

from golden import ModuleNet, case, write

source = importlib.import_module("pretrainedmodels.models.polynet")  # the package has a function of that name


def thin(factor):
    """The layers that the module makes, with fewer channels."""
    def channels(c):
        return c if c == 3 else round(c * factor)

    return SimpleNamespace(**{
        **vars(nn),
        "Conv2d": lambda cin, cout, **options: nn.Conv2d(channels(cin), channels(cout), **options),
        "BatchNorm2d": lambda c: nn.BatchNorm2d(channels(c)),
        "Linear": lambda cin, cout: nn.Linear(channels(cin), cout),
    })


def polynet(modules, factor, classes):
    """`modules` as in our spec: 2-way modules A, pairs of poly-3 and 2-way modules B and C."""
    source.nn = thin(factor)
    net = source.PolyNet(num_classes=classes)
    a, b, c = modules
    kinds = [[source.InceptionResNetA2Way] * a, [source.InceptionResNetBPoly3, source.InceptionResNetB2Way] * b,
             [source.InceptionResNetCPoly3, source.InceptionResNetC2Way] * c]
    scales = iter(round(1 - 0.3 * i / (a + 2 * b + 2 * c - 1), 6) for i in range(a + 2 * b + 2 * c))
    net.stage_a, net.stage_b, net.stage_c = (nn.Sequential(*(kind(next(scales)) for kind in stage)) for stage in kinds)
    source.nn = nn
    net.avg_pool = nn.AdaptiveAvgPool2d(1)
    net.dropout = nn.Identity()
    return net


STEM = {"conv1_branch": "first", "conv2_branch": "last"}
TOWERS = {"conv1": "entry", "conv2_short": "short", "conv2_long": "long"}
CONVS = {"path0_1x1": "path0.conv0", "path0_1x7": "path0.conv1", "path0_7x1": "path0.conv2", "path0_1x3": "path0.conv1",
         "path0_3x1": "path0.conv2", "path1": "path1.conv0"}


def path_of(name):
    place, last = re.fullmatch(r"(.*)\.(weight|bias|running_mean|running_var)", name).groups()
    parts = place.split(".")
    if parts[0] == "last_linear":
        return f"head.fc.{last}"
    if parts[0] == "stem":
        where = f"{TOWERS[parts[1]]}.layer{parts[2]}" if parts[1] in TOWERS else f"{STEM[parts[1]]}.layer0"
        return f"stem.{where}.{parts[-1]}.{last}"
    if parts[0].startswith("reduction"):
        stage = 2 if parts[0].endswith("a") else 3
        layer = parts[2] if parts[2].isdigit() else 0
        return f"stage{stage}.step0.{parts[1]}.layer{layer}.{parts[-1]}.{last}"
    stage = "abc".index(parts[0][-1]) + 1
    step = int(parts[1]) + (0 if stage == 1 else 1)  # the reduction is step 0
    here = f"stage{stage}.step{step}"
    if parts[2] == "blocks":  # of a 2-way module
        f, inner = f"f{parts[3]}", parts[4:]
        if inner[0] == "conv2d":
            return f"{here}.{f}.{inner[1]}.use0.{last}"
        layer = inner[1] if inner[1].isdigit() else 0
        return f"{here}.{f}.{inner[0]}.conv{layer}.{last}" if inner[-1] == "conv" else \
            f"{here}.{f}.{inner[0]}.bn{layer}.use0.{last}"
    if parts[2] == "conv2d_blocks":
        return f"{here}.f0.{parts[4]}.use{parts[3]}.{last}"
    conv = CONVS[parts[2]]
    return f"{here}.f0.{conv}.{last}" if parts[3] == "conv" else \
        f"{here}.f0.{conv.replace('conv', 'bn')}.use{parts[4]}.{last}"


if __name__ == "__main__":
    torch.manual_seed(0)
    net = ModuleNet(polynet([1, 1, 1], 1 / 16, 5), path_of)
    write("polynet", ["pretrainedmodels"], {
        "polynet without dropout": case("pretrainedmodels, PolyNet", net, [3, 3, 107, 107]),
    })
