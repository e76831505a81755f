"""Pre-activation ResNet against timm and pytorchcv, whose shortcuts differ, and against programs of the forms that presets have.

Writes test/golden/preact.json; see README.md.
"""

import others
from golden import ModuleNet, Program, case, write
from residual import Residual

CLASSES, BASE, STEPS = 5, 4, 2
CIFAR, IMAGENET = [4, 3, 16, 16], [4, 3, 64, 64]


def timm_case(basic):
    net = others.timm_preact([STEPS] * 4, BASE, CLASSES, basic)
    return case("timm, ResNetV2", ModuleNet(net, others.timm_path), IMAGENET)


def pytorchcv_case(kind, bottleneck):
    net = others.pytorchcv_net(kind, BASE, STEPS, bottleneck, CLASSES)
    image = IMAGENET if kind is others.PreResNet else CIFAR
    return case(f"pytorchcv, {kind.__name__}", ModuleNet(net, others.pytorchcv_path), image)


def program(image, **options):
    return case("a PyTorch program", Program(Residual(base=BASE, steps=STEPS, classes=CLASSES, **options)), image)


write("preact", ["timm", "pytorchcv"], {
    "preact_resnet18, the stem without norm": timm_case(True),
    "preact_resnet50, the stem without norm": timm_case(False),
    "preact_resnet18, every f with its norm": pytorchcv_case(others.PreResNet, False),
    "preact_resnet50, every f with its norm": pytorchcv_case(others.PreResNet, True),
    "preact_resnet20 shortcut=B, the first shortcut plain": pytorchcv_case(others.CIFARPreResNet, False),
    "preact_resnet164 shortcut=B": pytorchcv_case(others.CIFARPreResNet, True),
    "preact_resnet20": program(CIFAR),
    "preact_resnet164": program(CIFAR, bottleneck=True),
    "preact_resnet20 shortcut=A": program(CIFAR, shortcut="A"),
    "preact_resnet20 shortcut=B": program(CIFAR, shortcut="B"),
    "preact_resnet18": program(IMAGENET, imagenet=True, shortcut="B"),
    "preact_resnet50": program(IMAGENET, imagenet=True, bottleneck=True, shortcut="B"),
})
