"""Weights, statistics, pixels and draws by formula: twins of test/support/graphs/formula.ts and native/core (rng.cc, draws.cc)."""

import math

import numpy as np

MEAN, STD = 0.5, 0.25


def uniform(name, count):
    """Numbers in [0, 1): a hash (murmur3's finaliser) of the name's FNV-1a hash and the index."""
    h = 0x811C9DC5
    for c in name.encode():
        h = ((h ^ c) * 0x01000193) & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint64) * 0x9E3779B1 + h) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x ^= x >> np.uint64(shift)
        x = (x * factor) & 0xFFFFFFFF
    x ^= x >> np.uint64(16)
    return x.astype(np.float64) / 2**32


def value_of(path, shape):
    """The value of a parameter or running statistic by its path in our graph."""
    *places, name = path.split(".")
    r = uniform(path, math.prod(shape))
    if name == "running_var":
        value = 0.5 + r
    elif name in ("k", "ks", "a"):
        value = -0.1 * r
    elif any(place.startswith("bn") for place in places):
        value = 0.5 + r if name == "weight" else r - 0.5
    elif len(shape) == 4 and "fc" not in places:
        out, _, height, width = shape
        value = (2 * r - 1) * math.sqrt(6 / (height * width * out))
    else:
        value = (2 * r - 1) / 8
    return value.reshape(shape)


def direction(path, count):
    """What a gradient is multiplied by, so that permutations and signs show."""
    return uniform(f"{path}*", count) - 0.5


def images(n, channels, height, width):
    """A batch as the network reads it, [n, channels, height, width]; the pixels of the formula have the channels last."""
    pixels = np.floor(256 * uniform("pixels", n * height * width * channels))
    return ((pixels / 255 - MEAN) / STD).reshape(n, height, width, channels).transpose(0, 3, 1, 2).copy()


U64 = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15


def splitmix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & U64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & U64
    return z ^ (z >> 31)


class Stream:
    """The generator of one draw: named by (seed, purpose, group), the step, and an image of the batch where it is for one."""

    def __init__(self, seed, purpose, group=None, step=0, image=None):
        h = 0xCBF29CE484222325
        for c in (purpose if group is None else f"{purpose}:{group}").encode():
            h = ((h ^ c) * 0x100000001B3) & U64
        self.key, self.counter, self.spare = 0, 0, None
        for part in (seed, h, step, 0 if image is None else image + 1):
            self.key = splitmix(((self.key + STEP) & U64) ^ part)

    def next(self):
        self.counter += 1
        return splitmix((self.key + self.counter * STEP) & U64)

    def uniform(self):
        return (self.next() >> 11) * 2.0**-53

    def below(self, limit):
        reject = ((1 << 64) - limit) % limit
        while True:
            value = self.next()
            if value >= reject:
                return value % limit

    def normal(self):
        if self.spare is not None:
            value, self.spare = self.spare, None
            return value
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        angle = 2 * math.pi * self.uniform()
        self.spare = radius * math.sin(angle)
        return radius * math.cos(angle)

    def log_gamma(self, shape):
        if shape < 1:
            raised = self.log_gamma(shape + 1)
            return raised + math.log(1 - self.uniform()) / shape
        d = shape - 1 / 3
        c = 1 / math.sqrt(9 * d)
        while True:
            x = self.normal()
            root = 1 + c * x
            if root > 0 and math.log(1 - self.uniform()) < x * x / 2 + d * (1 - root**3 + 3 * math.log(root)):
                return math.log(d * root**3)

    def beta(self, a, b):
        first, second = self.log_gamma(a), self.log_gamma(b)
        return 1 / (1 + math.exp(second - first))

    def permutation(self, count):
        order = list(range(count))
        for i in range(count, 1, -1):
            j = self.below(i)
            order[i - 1], order[j] = order[j], order[i - 1]
        return order
