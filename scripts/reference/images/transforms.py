"""What torchvision makes of Pillow images, as golden values for test/native/data/transforms.test.ts.

Run in an environment with torch and torchvision:  python scripts/reference/images/transforms.py
Writes test/golden/images/transforms.json: a hash of the bytes that every operation of src/transforms/ops.ts gives for images by a formula;
for operations that draw, the hashes of all results with their probabilities, or quantiles of what is drawn.
"""

import collections
import hashlib
import itertools
import json
import math
import pathlib

import numpy as np
import torch
import torchvision.transforms as T
import torchvision.transforms.functional as F
from PIL import Image
from torchvision.transforms import InterpolationMode, autoaugment

OUT = pathlib.Path(__file__).parents[3] / "test" / "golden" / "images" / "transforms.json"
SIZES = [[17, 24], [16, 16], [60, 9]]
FILTERS = ("nearest", "bilinear", "bicubic", "box", "hamming", "lanczos")
DRAWS = 20_000


def image(height, width):
    """Gradients and noise, the formula of the test."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    noise = (x * x * 31 + y * y * 17 + x * y * 13 + c * 29) % 61
    return Image.fromarray(((x * 10 + y * 6 + c * 40 + noise) % 256).astype(np.uint8))


def digest(pixels):
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]


def shear(x, y):
    return lambda im: F.affine(im, 0.0, [0, 0], 1.0, [x, y], center=[0, 0])


def factors(kind, change, values=(0, 0.3, 1, 1.27, 3)):
    return [({"kind": kind, "factor": f}, lambda im, f=f: change(im, f)) for f in values]


def fixed():
    """(operation, the same in torchvision)"""
    yield from factors("brightness", F.adjust_brightness)
    yield from factors("contrast", F.adjust_contrast)
    yield from factors("saturation", F.adjust_saturation)
    yield from factors("sharpness", F.adjust_sharpness)
    yield from factors("hue", F.adjust_hue, (-0.5, -0.1, 0, 0.02, 0.31))
    for bits in (1, 4, 8):
        yield {"kind": "posterize", "bits": bits}, lambda im: F.posterize(im, bits)
    for threshold in (0, 100.5, 128, 256):
        yield {"kind": "solarize", "threshold": threshold}, lambda im: F.solarize(im, threshold)
    yield {"kind": "autoContrast"}, F.autocontrast
    yield {"kind": "equalize"}, F.equalize
    yield {"kind": "invert"}, F.invert
    yield {"kind": "grayscale", "p": 1}, lambda im: F.to_grayscale(im, 3)
    yield {"kind": "horizontalFlip", "p": 1}, F.hflip
    yield {"kind": "verticalFlip", "p": 1}, F.vflip
    for degrees in (0, 1, -30, 45.5, 90, 180, 270, -135):
        yield {"kind": "rotate", "degrees": degrees}, lambda im: F.rotate(im, degrees)
    for degrees in (5, -16.7, 44.7):
        yield {"kind": "shearX", "degrees": degrees}, shear(degrees, 0.0)
        yield {"kind": "shearY", "degrees": degrees}, shear(0.0, degrees)
    for pixels in (3, -7, 100):
        yield {"kind": "translateX", "pixels": pixels}, lambda im: F.affine(im, 0.0, [pixels, 0], 1.0, [0.0, 0.0])
        yield {"kind": "translateY", "pixels": pixels}, lambda im: F.affine(im, 0.0, [0, pixels], 1.0, [0.0, 0.0])
    for size in (8, [5, 13], [40, 7], [30, 30]):
        yield {"kind": "centerCrop", "size": size}, lambda im: F.center_crop(im, size)
    for top, left, height, width in ((1, 2, 9, 5), (-3, 4, 12, 40), (50, 50, 4, 4)):
        op = {"kind": "crop", "top": top, "left": left, "height": height, "width": width}
        yield op, lambda im: F.crop(im, top, left, height, width)


def resizes():
    for name in FILTERS:
        for size in ([8, 8], [5, 40], [40, 5], [34, 48], [1, 1], [17, 11], 12, 33):
            op = {"kind": "resize", "size": size, "interpolation": name}
            yield [op], lambda im: F.resize(im, size, InterpolationMode(name))
        for size, crop in ((12, 10), (33, [20, 31]), (10, [14, 6]), ([64, 50], [3, 50])):
            ops = [{"kind": "resize", "size": size, "interpolation": name}, {"kind": "centerCrop", "size": crop}]
            yield ops, lambda im: F.center_crop(F.resize(im, size, InterpolationMode(name)), crop)


def cases():
    for size in SIZES:
        picture = image(*size)
        for ops, change in itertools.chain((([op], change) for op, change in fixed()), resizes()):
            pixels = np.asarray(change(picture))
            yield {"image": size, "transform": ops, "size": list(pixels.shape[:2]), "sha": digest(pixels)}


def outcomes(results):
    """[hash, probability] of (pixels, probability)"""
    summed = collections.Counter()
    for pixels, probability in results:
        summed[digest(np.asarray(pixels))] += probability
    return [[sha, round(p, 6)] for sha, p in sorted(summed.items())]


def policy(space, strengths):
    """All results of one operation of a policy; `strengths` picks from the magnitudes of an operation."""
    picture = image(*SIZES[0])
    for name, (magnitudes, signed) in space.items():
        values = [0.0] if magnitudes.ndim == 0 else [float(m) for m in strengths(magnitudes)]
        signs = (1, -1) if signed else (1,)
        for value, sign in itertools.product(values, signs):
            pixels = autoaugment._apply_op(picture, name, value * sign, InterpolationMode.NEAREST, None)
            yield pixels, 1 / len(space) / len(values) / len(signs)


def jitters():
    steps = [(F.adjust_brightness, 0.7), (F.adjust_contrast, 1.4), (F.adjust_saturation, 0.5), (F.adjust_hue, 0.2)]
    for order in itertools.permutations(steps):
        picture = image(*SIZES[0])
        for change, factor in order:
            picture = change(picture, factor)
        yield picture, 1 / 24


def random_crops(mode):
    size, padding = [12, 20], 3
    pixels = np.asarray(image(*SIZES[0]))
    padded = np.pad(pixels, ((padding, padding), (padding, padding), (0, 0)), mode)
    rows, columns = (padded.shape[i] - size[i] + 1 for i in (0, 1))
    for top, left in itertools.product(range(rows), range(columns)):
        yield padded[top:top + size[0], left:left + size[1]], 1 / rows / columns


def drawn():
    """(operation, its results with their probabilities)"""
    rand = autoaugment.RandAugment(1)._augmentation_space(31, tuple(SIZES[0]))
    wide = autoaugment.TrivialAugmentWide()._augmentation_space(31)
    jitter = {"brightness": [0.7, 0.7], "contrast": [1.4, 1.4], "saturation": [0.5, 0.5], "hue": [0.2, 0.2]}
    yield {"kind": "randAugment", "numOps": 1}, policy(rand, lambda m: m[9:10])
    yield {"kind": "trivialAugment"}, policy(wide, lambda m: m)
    yield {"kind": "colorJitter", **jitter}, jitters()
    for mode in ("constant", "reflect"):
        yield {"kind": "randomCrop", "size": [12, 20], "padding": 3, "mode": mode}, random_crops(mode)
    picture = image(*SIZES[0])
    yield {"kind": "horizontalFlip"}, [(picture, 0.5), (F.hflip(picture), 0.5)]
    yield {"kind": "verticalFlip", "p": 0.2}, [(picture, 0.8), (F.vflip(picture), 0.2)]
    yield {"kind": "grayscale"}, [(picture, 0.9), (F.to_grayscale(picture, 3), 0.1)]


def quantiles(boxes, height, width):
    """Deciles of the share of the area and of the logarithm of height / width."""
    boxes = np.array(boxes, dtype=float)
    tenths = np.arange(1, 10) / 10
    area = boxes[:, 0] * boxes[:, 1] / height / width
    ratio = np.log(boxes[:, 0] / boxes[:, 1])
    return {"area": np.quantile(area, tenths).round(4).tolist(), "ratio": np.quantile(ratio, tenths).round(4).tolist()}


def boxes():
    """Sizes that torchvision draws in an image of 256 x 256."""
    blank = torch.zeros(3, 256, 256)
    crop = T.RandomResizedCrop(224)
    crops = [crop.get_params(blank, crop.scale, crop.ratio)[2:] for _ in range(DRAWS)]
    erase = T.RandomErasing()
    patches = [erase.get_params(blank, erase.scale, erase.ratio, [0.0])[2:4] for _ in range(DRAWS)]
    return {"randomResizedCrop": quantiles(crops, 256, 256), "randomErasing": quantiles(patches, 256, 256)}


def main():
    torch.manual_seed(0)
    random = [{"transform": [op], "image": SIZES[0], "outcomes": outcomes(results)} for op, results in drawn()]
    assert all(math.isclose(sum(p for _, p in row["outcomes"]), 1, abs_tol=1e-3) for row in random)
    rows = {"cases": list(cases()), "random": random}
    text = ",\n".join(f' "{key}": [\n' + ",\n".join("  " + json.dumps(row) for row in value) + "\n ]"
                      for key, value in rows.items())
    OUT.write_text("{\n" + text + ',\n "boxes": ' + json.dumps(boxes()) + "\n}\n")


if __name__ == "__main__":
    main()
