"""LM-ResNet and LM-ResNeXt against programs.

Writes test/golden/lm.json; see README.md.
"""

from golden import Program, case, write
from residual import Residual

CIFAR, IMAGENET = [4, 3, 16, 16], [4, 3, 64, 64]


def program(image, seeds=None, k="paper", **options):
    net = Residual(base=4, steps=2, classes=5, k=k, imagenet=image is IMAGENET, **options)
    return case("a PyTorch program", Program(net), image, seeds=seeds)


write("lm", [], {
    "lm_resnet20": program(CIFAR),
    "lm_resnet20 k=official": program(CIFAR, k="official"),
    "lm_resnet20 history=project": program(CIFAR, history="project"),
    "lm_resnet20, k per channel": program(CIFAR, k="channel"),
    "lm_resnet20, k bounded": program(CIFAR, k="tanh"),
    "lm_resnet20, consistent": program(CIFAR, k="consistent"),
    "lm_resnet56_sd": program(CIFAR, seeds=[1, 2, 3], survival=0.8),
    "lm_resnet164": program(CIFAR, bottleneck=True),
    "lm_resnext29_8x64d": program(CIFAR, bottleneck=True, groups=(2, 32), history="project"),
    "lm_resnet50": program(IMAGENET, bottleneck=True),
    "lm_resnet50 history=project": program(IMAGENET, bottleneck=True, history="project"),
    "lm_resnext50_32x4d": program(IMAGENET, bottleneck=True, groups=(2, 32)),
})
