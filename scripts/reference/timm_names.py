"""Weights that timm has of networks in torchvision's form: how it tests them, and what their names were before.

Writes test/golden/timm.json; see README.md.
"""

import json
import math

import timm
from timm.models import _registry, get_pretrained_cfg, list_pretrained

from golden import FOLDER

MODELS = [
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet200", "wide_resnet50_2", "wide_resnet101_2"),
    *("resnext50_32x4d", "resnext101_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
]


def test_of(name):
    """Side of the test images, the shorter side before the crop, the filter, mean and deviation."""
    cfg = get_pretrained_cfg(name)
    side = (cfg.test_input_size or cfg.input_size)[1]
    resize = math.floor(side / (cfg.test_crop_pct or cfg.crop_pct))
    return [side, resize, cfg.interpolation, list(cfg.mean), list(cfg.std)]


weights = [name for model in MODELS for name in list_pretrained(f"{model}.*") if get_pretrained_cfg(name).num_classes > 0]
old = {a: b for a, b in _registry._deprecated_models.items() if b in weights and a.endswith(b.split(".")[0].split("_")[-1])}
old |= {a: b for a, b in _registry._deprecated_models.items() if b in weights and a.startswith("gluon_")}
golden = {"versions": {"timm": timm.__version__}, "tests": {name: test_of(name) for name in weights}, "old": old}
(FOLDER / "timm.json").write_text(json.dumps(golden) + "\n")
