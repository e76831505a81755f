"""State dicts and logits of whole torchvision networks in float32, for a test that is run by hand; see README.md.

    python scripts/reference/torchvision_weights.py FOLDER

Weights are torchvision's initial ones of a seed, with norms and running statistics that are not 1 and 0. Writes FOLDER/NAME.safetensors,
and FOLDER/torchvision_logits.json for one image of the formula, 224 x 224, in evaluation.
"""

import json
import pathlib
import sys

import numpy as np
import torch
import torchvision
from safetensors.torch import save_file

import formula

MEAN, STD, SIZE = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225], 224


def image():
    pixels = np.floor(256 * formula.uniform("pixels", SIZE * SIZE * 3)).reshape(SIZE, SIZE, 3)
    return torch.tensor(((pixels / 255 - MEAN) / STD).transpose(2, 0, 1)[None], dtype=torch.float32)


def made(name):
    torch.manual_seed(1)
    net = getattr(torchvision.models, name)()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net.eval()


def main(folder):
    torch.set_num_threads(1)
    logits = {}
    for name in ("resnet18", "resnet50", "resnext50_32x4d"):
        net = made(name)
        save_file(net.state_dict(), folder / f"{name}.safetensors")
        with torch.no_grad():
            logits[name] = net(image())[0].tolist()
    versions = {"torch": torch.__version__.split("+")[0], "torchvision": torchvision.__version__.split("+")[0]}
    (folder / "torchvision_logits.json").write_text(json.dumps({"versions": versions, "logits": logits}) + "\n")


main(pathlib.Path(sys.argv[1]))
