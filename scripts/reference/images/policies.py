"""What timm's policies of augmentation make of an image, as golden values for test/native/data/policies.test.ts.

Run in an environment with torch, torchvision and timm 1.0:  python scripts/reference/images/policies.py
Writes test/golden/images/policies.json: of policies with fixed magnitudes the hashes of all results with their probabilities; of the others
the distribution of two sums over the pixels, from many draws.
"""

import collections
import itertools
import json
import pathlib
import random
from unittest import mock

import numpy as np
from PIL import Image
from timm.data import auto_augment as aa
from transforms import digest, image

OUT = pathlib.Path(__file__).parents[3] / "test" / "golden" / "images" / "policies.json"
SIZE = [17, 24]
DRAWS = 20_000
MEAN = (124, 116, 104)  # of ImageNet, in levels
FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}

FIXED = [("original", "bicubic"), ("originalr", "bilinear"), ("v0", "random"), ("v0r", "nearest"),
         ("rand-m9-n1", "random"), ("rand-m7-n1-p0.7-inc1", "bicubic"), ("rand-n1-tweights", "bilinear"),
         ("rand-m6-n1-p1-t3aw", "random"), ("rand-m4-n2-p0.9-t3a", "bilinear"), ("rand-m15-n1-p1-mmax20", "bilinear"),
         ("rand-m12-n1-p1-inc1", "bicubic")]
DRAWN = [("rand-m9-mstd0.5", "bicubic"), ("rand-m9-mstd0.5-inc1", "random"), ("rand-m9-n3-mstd101-inc1", "bilinear"),
         ("rand-m15-mstd3-mmax20-inc1", "bilinear"), ("rand-m8-n4-p1-tweights", "bicubic"), ("rand-m5-mstd2-n6-t3aw", "random"),
         ("original-mstd2", "random"), ("3a", "random"), ("augmix", "random"), ("augmix-m5-w4-d2-mstd1", "bicubic"),
         ("augmix-m9-a0.3-b1", "bilinear")]


def posterize(im, bits):
    """That of Pillow before 13, where no bits give black as timm says; 13 refuses them."""
    return im.point(lambda level: level & ~(2 ** (8 - bits) - 1))


def transform(policy, interpolation):
    """As timm's transforms_imagenet_train makes it."""
    params = {"translate_const": 0, "img_mean": MEAN}
    if interpolation != "random":
        params["interpolation"] = FILTERS[interpolation]
    if policy.startswith("rand"):
        return aa.rand_augment_transform(policy, params)
    if policy.startswith("augmix"):
        return aa.augment_and_mix_transform(policy, {**params, "translate_pct": 0.3})
    return aa.auto_augment_transform(policy, params)


def applied(op, picture):
    """(image, probability) of one operation, over signs and filters."""
    if op.prob < 1:
        yield picture, 1 - op.prob
    magnitude = max(0.0, min(op.magnitude, op.magnitude_max or 10.0))
    resample = op.kwargs["resample"]
    filters = resample if isinstance(resample, tuple) else (resample,)
    for sign, chosen in itertools.product((1, -1), filters):
        with mock.patch.object(aa, "_randomly_negate", lambda v: v * sign):
            args = op.level_fn(magnitude, op.hparams) if op.level_fn else ()
        yield op.aug_fn(picture, *args, **{**op.kwargs, "resample": chosen}), op.prob / 2 / len(filters)


def chain(ops, picture, probability):
    if not ops:
        yield picture, probability
        return
    for result, p in applied(ops[0], picture):
        if p > 0:
            yield from chain(ops[1:], result, probability * p)


def results(made, picture):
    if isinstance(made, aa.AutoAugment):
        for ops in made.policy:
            yield from chain(ops, picture, 1 / len(made.policy))
        return
    weights = made.choice_weights
    assert weights is None or made.num_layers == 1
    for ops in itertools.product(range(len(made.ops)), repeat=made.num_layers):
        p = len(made.ops) ** -made.num_layers if weights is None else weights[ops[0]]
        yield from chain([made.ops[i] for i in ops], picture, p)


def outcomes(policy, interpolation):
    summed = collections.Counter()
    for pixels, probability in results(transform(policy, interpolation), image(*SIZE)):
        summed[digest(np.asarray(pixels))] += probability
    assert abs(sum(summed.values()) - 1) < 1e-9
    return [[sha, round(p, 7)] for sha, p in sorted(summed.items())]


def sums(pixels):
    """Of the levels, and of their distances from those of the next column."""
    levels = np.asarray(pixels).astype(int)
    return int(levels.sum()), int(np.abs(np.diff(levels, axis=1)).sum())


def distribution(values):
    """[value, share of draws at most as large] at every twentieth."""
    ordered = np.sort(values)
    places = sorted({int(ordered[len(ordered) * i // 20]) for i in range(1, 20)})
    return [[v, float(np.mean(ordered <= v))] for v in places]


def main():
    aa.ImageOps.posterize = posterize
    random.seed(0)
    np.random.seed(0)
    fixed = [{"policy": p, "interpolation": i, "outcomes": outcomes(p, i)} for p, i in FIXED]
    drawn = []
    for policy, interpolation in DRAWN:
        made, picture = transform(policy, interpolation), image(*SIZE)
        levels, steps = zip(*(sums(made(picture)) for _ in range(DRAWS)))
        drawn.append({"policy": policy, "interpolation": interpolation,
                      "levels": distribution(levels), "steps": distribution(steps)})
    rows = {"fixed": fixed, "drawn": drawn}
    text = ",\n".join(f' "{key}": [\n' + ",\n".join("  " + json.dumps(row) for row in value) + "\n ]"
                      for key, value in rows.items())
    OUT.write_text(f'{{\n "size": {json.dumps(SIZE)},\n "draws": {DRAWS},\n{text}\n}}\n')


if __name__ == "__main__":
    main()
