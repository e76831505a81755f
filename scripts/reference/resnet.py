"""ResNet and ResNeXt against torchvision and pytorchcv; CIFAR's shortcut A against a program.

Writes test/golden/resnet.json, and torchvision.json with the names in its state dicts; see README.md.
"""

import json

import torch.nn.functional as F
from torchvision.models.resnet import BasicBlock, Bottleneck

import others
from golden import FOLDER, ModuleNet, Program, case, write

CLASSES, BASE, STEPS = 5, 4, 2


def thin(block, **options):
    return others.ThinResNet(block, [STEPS] * 4, BASE, CLASSES, **options)


def torchvision_case(net):
    return case("torchvision, models.resnet.ResNet", ModuleNet(net, others.torchvision_path), [4, 3, 64, 64])


def names(net):
    """Our path of every name in a state dict; null for a counter of batches."""
    return {name: None if name.endswith("tracked") else others.torchvision_path(name) for name in net.state_dict()}


def pytorchcv_case(kind, bottleneck, groups=None):
    net = others.pytorchcv_net(kind, BASE, STEPS, bottleneck, CLASSES, groups)
    return case(f"pytorchcv, {kind.__name__}", ModuleNet(net, others.pytorchcv_path), [4, 3, 16, 16])


def option_a(p, x):
    """He et al. 2015 with shortcut A: every second pixel, then zero channels."""
    u = p.norm_relu("stem.bn", p.conv("stem.conv", x, BASE, 3))
    for stage in (1, 2, 3):
        for step in range(STEPS):
            path, stride, width = f"stage{stage}.step{step}", 2 if stage > 1 and step == 0 else 1, BASE * 2 ** (stage - 1)
            h = p.norm_relu(f"{path}.f0.bn1", p.conv(f"{path}.f0.conv1", u, width, 3, stride))
            h = p.norm(f"{path}.f0.bn2", p.conv(f"{path}.f0.conv2", h, width, 3))
            shortcut = F.pad(u[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, width - u.shape[1]))
            u = F.relu(h + shortcut)
    return p.linear("head.fc", u.mean((2, 3)), CLASSES)


published = {
    "resnet18": thin(BasicBlock),
    "resnet50": thin(Bottleneck),
    "resnext50_32x4d": thin(Bottleneck, groups=2, width_per_group=32),
}
(FOLDER / "torchvision.json").write_text(json.dumps({title: names(net) for title, net in published.items()}) + "\n")

write("resnet", ["torchvision", "pytorchcv"], {
    **{title: torchvision_case(net) for title, net in published.items()},
    "resnet20 shortcut=B": pytorchcv_case(others.CIFARResNet, False),
    "resnet164": pytorchcv_case(others.CIFARResNet, True),
    "resnext29_8x64d": pytorchcv_case(others.CIFARResNeXt, True, (2, 32)),
    "resnet20": case("a PyTorch program", Program(option_a), [4, 3, 16, 16]),
})
