"""Networks of torchvision, timm, pytorchcv and pretrainedmodels, thin or whole, and what their tensors are called in our graphs."""

import functools
import re

import torch
import torchvision
from pytorchcv.models.preresnet import PreResNet
from pytorchcv.models.preresnet_cifar import CIFARPreResNet
from pytorchcv.models.resnet_cifar import CIFARResNet
from pytorchcv.models.resnext_cifar import CIFARResNeXt
from timm.layers import BatchNormAct2d, create_conv2d
from timm.models.resnetv2 import ResNetV2


def renamer(table):
    """Our path of a name, by the first pattern that fits; the path is filled in from the groups."""

    def rename(name):
        for pattern, path in table:
            found = re.fullmatch(pattern + r"\.(weight|bias|running_mean|running_var)", name)
            if found:
                *groups, last = found.groups()
                return f"{path.format(*groups)}.{last}"
        raise KeyError(name)

    return rename


def lowered(rename):
    """The same where steps are counted from 1."""
    return lambda name: re.sub(r"step(\d+)", lambda m: f"step{int(m[1]) - 1}", rename(name))


def raised(rename):
    """The same where stages are counted from 0."""
    return lambda name: re.sub(r"stage(\d+)", lambda m: f"stage{int(m[1]) + 1}", rename(name))


torchvision_path = renamer([
    (r"conv1", "stem.conv"),
    (r"bn1", "stem.bn"),
    (r"layer(\d)\.(\d+)\.(conv\d)", "stage{}.step{}.f0.{}"),
    (r"layer(\d)\.(\d+)\.(bn\d)", "stage{}.step{}.f0.{}"),
    (r"layer(\d)\.(\d+)\.downsample\.0", "stage{}.step{}.shortcut.conv"),
    (r"layer(\d)\.(\d+)\.downsample\.1", "stage{}.step{}.shortcut.bn"),
    (r"fc", "head.fc"),
])


class ThinResNet(torchvision.models.ResNet):
    """torchvision's, with `base` channels where it has 64."""

    def __init__(self, block, layers, base, classes, **options):
        self.factor = base / 64
        super().__init__(block, layers, num_classes=classes, **options)
        self.conv1 = torch.nn.Conv2d(3, base, 7, stride=2, padding=3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(base)
        self.fc = torch.nn.Linear(int(512 * self.factor) * block.expansion, classes)

    def _make_layer(self, block, planes, *args, **options):
        if planes == 64:
            self.inplanes = int(64 * self.factor)
        return super()._make_layer(block, int(planes * self.factor), *args, **options)


timm_path = raised(renamer([
    (r"stem\.conv", "stem.conv"),
    (r"stages\.(\d)\.blocks\.(\d+)\.(conv\d)", "stage{}.step{}.f0.{}"),
    (r"stages\.(\d)\.blocks\.(\d+)\.norm(\d)", "stage{}.step{}.f0.bn{}"),
    (r"stages\.(\d)\.blocks\.(\d+)\.downsample\.conv", "stage{}.step{}.shortcut.conv"),
    (r"norm", "head.bn"),
    (r"head\.fc", "head.fc"),
]))


def timm_preact(layers, base, classes, basic):
    """timm's pre-activation ResNetV2 with batch norm and plain convolutions; make_divisible is left no say at small widths."""
    import timm.models.resnetv2 as module

    module.make_divisible = lambda v, *_: int(v)
    expansion = 1 if basic else 4
    return ResNetV2(
        layers=layers, channels=[base * expansion * 2**i for i in range(4)], num_classes=classes, stem_chs=base, preact=True,
        basic=basic, bottle_ratio=1.0 if basic else 0.25, norm_layer=functools.partial(BatchNormAct2d, eps=1e-5),
        conv_layer=create_conv2d)


unit = r"features\.stage(\d)\.unit(\d+)"


pytorchcv_path = lowered(renamer([
    (r"features\.init_block\.conv", "stem.conv"),
    (r"features\.init_block", "stem.conv"),
    (r"features\.init_block\.bn", "stem.bn"),
    (r"features\.init_block\.conv\.conv", "stem.conv"),
    (r"features\.init_block\.conv\.bn", "stem.bn"),
    (unit + r"\.body\.(conv\d)\.conv", "stage{}.step{}.f0.{}"),
    (unit + r"\.body\.conv(\d)\.bn", "stage{}.step{}.f0.bn{}"),
    (unit + r"\.identity_conv", "stage{}.step{}.shortcut.conv"),
    (unit + r"\.identity_conv\.conv", "stage{}.step{}.shortcut.conv"),
    (unit + r"\.identity_conv\.bn", "stage{}.step{}.shortcut.bn"),
    (r"features\.post_activ\.bn", "head.bn"),
    (r"output", "head.fc"),
]))


def pytorchcv_widths(base, steps, stages, expansion):
    return [[base * expansion * 2**i] * steps for i in range(stages)]


def pytorchcv_net(kind, base, steps, bottleneck, classes, groups=None):
    expansion = 4 if bottleneck else 1
    stages = 4 if kind is PreResNet else 3
    options = {"cardinality": groups[0], "bottleneck_width": groups[1]} if groups else {"bottleneck": bottleneck}
    if kind is PreResNet:
        options["conv1_stride"] = False
    net = kind(channels=pytorchcv_widths(base, steps, stages, expansion), init_block_channels=base, num_classes=classes, **options)
    net.features.final_pool = torch.nn.AdaptiveAvgPool2d(1)
    return net


__all__ = ["CIFARPreResNet", "CIFARResNet", "CIFARResNeXt", "PreResNet"]
