"""What the programs of this folder share: the exported files, the images of the formula, and golden files."""

import hashlib
import importlib.metadata
import json
import pathlib
import sys
import urllib.parse

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from formula import direction, uniform

FOLDER = pathlib.Path(__file__).parents[3] / "test" / "golden"
MOST = 64  # numbers that are written out


def files(folder, ending):
    """Names of networks and the files of that ending."""
    return [(urllib.parse.unquote(path.name[: -len(ending)]), str(path)) for path in sorted(pathlib.Path(folder).glob(f"*{ending}"))]


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def images(n, preprocessing):
    """Images by formula as a network reads them, float32 [n, channels, height, width], normalised as the export says."""
    channels, height, width = (preprocessing[key] for key in ("channels", "height", "width"))
    pixels = np.floor(256 * uniform("pixels", n * height * width * channels)).reshape(n, height, width, channels)
    mean, std = (np.array(preprocessing[key]) for key in ("mean", "std"))
    return ((pixels / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32).copy()


def shown(values):
    """The numbers; of many their norm, and their product with a direction of the formula."""
    flat = np.asarray(values, np.float64).ravel()
    numbers = flat if flat.size <= MOST else [np.linalg.norm(flat), flat @ direction("logits", flat.size)]
    return [float(f"{number:.8g}") for number in numbers]


def write(name, packages, cases):
    versions = {package: importlib.metadata.version(package).split("+")[0] for package in packages}
    lines = ",\n".join(f"{json.dumps(title, ensure_ascii=False)}: {json.dumps(row, separators=(',', ':'))}" for title, row in cases.items())
    path = FOLDER / f"{name}.json"
    path.write_text(f'{{"versions": {json.dumps(versions)},\n"cases": {{\n{lines}\n}}}}\n')
    print(f"{path.name}: {len(cases)} networks")
