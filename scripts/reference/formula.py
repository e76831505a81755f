"""Weights, statistics, pixels and draws by formula: twins of test/support/formula.ts and native/core (rng.cc, draws.cc)."""

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
    """The generator of one draw of step 0: named by (seed, purpose, group)."""

    def __init__(self, seed, purpose, group):
        h = 0xCBF29CE484222325
        for c in f"{purpose}:{group}".encode():
            h = ((h ^ c) * 0x100000001B3) & U64
        self.key, self.counter = 0, 0
        for part in (seed, h, 0, 0):
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
