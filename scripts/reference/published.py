"""Whole published networks, for a test that is run by hand; see README.md.

    python scripts/reference/published.py FOLDER [NAME ...]

Writes FOLDER/NAME.json, in the form of the golden files. PolyNet takes 4 GB of memory.
"""

import sys

import torch
import torchvision

import golden
import others
import polynet
from golden import ModuleNet, Program, case, write
from residual import Residual

CIFAR, IMAGENET = [2, 3, 32, 32], [2, 3, 64, 64]


def of_torchvision(name):
    net = ModuleNet(getattr(torchvision.models, name)(), others.torchvision_path)
    return ["torchvision"], case(f"torchvision, {name}", net, IMAGENET)


def of_pytorchcv(kind, base, steps, groups=None):
    net = others.pytorchcv_net(kind, base, steps, True, 10, groups)
    return ["pytorchcv"], case(f"pytorchcv, {kind.__name__}", ModuleNet(net, others.pytorchcv_path), CIFAR)


def program(image, **options):
    return [], case("a PyTorch program", Program(Residual(**options)), image)


def whole_polynet():
    net = ModuleNet(polynet.polynet([10, 10, 5], 1, 1000), polynet.path_of)
    return ["pretrainedmodels"], case("pretrainedmodels, PolyNet", net, [2, 3, 139, 139])


NETS = {
    "resnet18": lambda: of_torchvision("resnet18"),
    "resnet50": lambda: of_torchvision("resnet50"),
    "resnext50_32x4d": lambda: of_torchvision("resnext50_32x4d"),
    "resnet164": lambda: of_pytorchcv(others.CIFARResNet, 16, 18),
    "lm_resnet56": lambda: program(CIFAR, base=16, steps=9, classes=10, k="paper"),
    "lm_resnet164": lambda: program(CIFAR, base=16, steps=18, classes=10, k="paper", bottleneck=True),
    "lm_resnext29_8x64d": lambda: program(
        CIFAR, base=64, steps=3, classes=10, k="paper", bottleneck=True, groups=(8, 64), history="project"),
    "polynet without dropout": whole_polynet,
}


def main(folder, names):
    golden.DIGITS = 17
    for name in names or NETS:
        torch.manual_seed(0)
        packages, measured = NETS[name]()
        write(name, packages, {name: measured}, folder)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
