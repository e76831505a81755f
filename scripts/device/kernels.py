"""The fused kernels of lm_cuda.so by themselves: right beside float64, and how much of the card's rate of copying they reach.

    python kernels.py --library lm_cuda.so --device cuda --copy GB/s

Prints one JSON object. On the CPU the library is that of the host, and shapes are small.
"""

import argparse
import ctypes
import json
import time

import torch

import updates

p, i64, f64, i32 = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double, ctypes.c_int32
said = ctypes.c_char_p


class NormCall(ctypes.Structure):
    _fields_ = [("rows", i64), ("channels", i64), ("x", p), ("weight", p), ("bias", p), ("eps", f64), ("relu", ctypes.c_bool), ("scratch", p)]


class TermCall(ctypes.Structure):
    _fields_ = [("u", p), ("number", f64), ("tensor", p), ("channels", i64)]


class TermGradientCall(ctypes.Structure):
    _fields_ = [("term", TermCall), ("into", p), ("sum", p)]


class Launches(ctypes.Structure):
    """native/core/kernels/cuda/launches.h, in its order."""

    _fields_ = [
        ("norm_scratch", ctypes.CFUNCTYPE(i64, i64, i64)),
        ("norm_statistics", ctypes.CFUNCTYPE(said, p, ctypes.POINTER(NormCall), p, p, p, p, f64)),
        ("norm_apply", ctypes.CFUNCTYPE(said, p, ctypes.POINTER(NormCall), p, p, ctypes.c_bool, p)),
        ("norm_backward", ctypes.CFUNCTYPE(said, p, ctypes.POINTER(NormCall), p, p, p, p, p, p)),
        ("combine", ctypes.CFUNCTYPE(said, p, ctypes.POINTER(TermCall), i32, p, i64)),
        ("dot_scratch", ctypes.CFUNCTYPE(i64, i64, i64)),
        ("dot", ctypes.CFUNCTYPE(said, p, p, p, i64, i64, p, p)),
        ("combine_backward", ctypes.CFUNCTYPE(said, p, p, ctypes.POINTER(TermGradientCall), i32, i64, p)),
        ("normalise", ctypes.CFUNCTYPE(said, p, p, ctypes.POINTER(f64), ctypes.POINTER(f64), i32, i64, p)),
        *((name, p) for name in ("mix_images", "dropout_mask", "gaussian")),
        *updates.FIELDS,
    ]


def launches(path):
    library = ctypes.CDLL(path)
    of = library.lm_cuda_launches_3
    of.restype, of.argtypes = ctypes.POINTER(Launches), (i32, i64)
    float32, bfloat16 = 0, 3
    return library, *(of(type, ctypes.sizeof(Launches)).contents for type in (float32, bfloat16))


def want(failed):
    if failed is not None:
        raise RuntimeError(failed.decode())


def stream_on(device):
    return None if device == "cpu" else torch.cuda.current_stream().cuda_stream


def at(tensor):
    return None if tensor is None else tensor.data_ptr()


class Bench:
    """bfloat16 values [n, c, h, w] in channels-last."""

    def __init__(self, table, device, shape):
        self.table, self.device, self.shape = table, device, shape
        self.stream = lambda: stream_on(device)
        n, c, h, w = shape
        self.numbers, self.channels, self.rows = n * c * h * w, c, n * h * w
        self.x, self.u, self.grad = (self.values() for _ in range(3))
        self.weight, self.bias = torch.rand(c, device=device) + 0.5, torch.randn(c, device=device)
        self.mean, self.invstd = torch.zeros(c, device=device), torch.ones(c, device=device)
        self.running_mean, self.running_var = torch.zeros(c, device=device), torch.ones(c, device=device)
        self.out = torch.empty_like(self.x)
        self.scratch = torch.empty(table.norm_scratch(self.rows, c), device=device)
        self.sum = torch.zeros(1, device=device)
        self.norm = NormCall(self.rows, c, at(self.x), at(self.weight), at(self.bias), 1e-5, True, at(self.scratch))

    def values(self):
        drawn = torch.randn(self.shape, device=self.device, dtype=torch.bfloat16)
        return drawn.contiguous(memory_format=torch.channels_last)

    def statistics(self):
        want(self.table.norm_statistics(self.stream(), self.norm, at(self.mean), at(self.invstd), at(self.running_mean),
                                        at(self.running_var), 0.1))

    def apply(self):
        want(self.table.norm_apply(self.stream(), self.norm, at(self.mean), at(self.invstd), False, at(self.out)))

    def backward(self):
        want(self.table.norm_backward(self.stream(), self.norm, at(self.mean), at(self.invstd), at(self.grad), at(self.out), None, None))

    def combine(self):
        terms = (TermCall * 3)(*(TermCall(at(u), k, None, 0) for u, k in ((self.x, 1.05), (self.u, -0.05), (self.grad, 1.0))))
        want(self.table.combine(self.stream(), terms, 3, at(self.out), self.numbers))

    def dot(self):
        want(self.table.dot(self.stream(), at(self.x), at(self.u), self.numbers, 0, at(self.scratch_of_dot()), at(self.sum)))

    def scratch_of_dot(self):
        if not hasattr(self, "dot_room"):
            self.dot_room = torch.empty(self.table.dot_scratch(self.numbers, 0), device=self.device)
        return self.dot_room

    def combine_backward(self):
        if not hasattr(self, "first"):
            self.first, self.second = torch.empty_like(self.x), torch.empty_like(self.x)
            self.sums, self.room = torch.zeros(2, device=self.device), torch.empty(2 * self.table.dot_scratch(self.numbers, 0), device=self.device)
        k = ((self.x, 1.05, self.first, 0), (self.u, -0.05, self.second, 1))
        terms = (TermGradientCall * 2)(*(TermGradientCall(TermCall(at(u), f, None, 0), at(into), at(self.sums[i])) for u, f, into, i in k))
        want(self.table.combine_backward(self.stream(), at(self.grad), terms, 2, self.numbers, at(self.room)))

    # name -> (what runs, bytes that have to be moved for a number, beside per-channel ones)
    def rows_of_table(self):
        return {
            "norm statistics": (self.statistics, 2), "norm apply": (self.apply, 4), "norm backward": (self.backward, 10),
            "combine three terms": (self.combine, 8), "combine backward, two terms": (self.combine_backward, 10), "dot": (self.dot, 4),
        }

    def errors(self):
        """Largest errors as shares of the largest number, against float64."""
        x, u, g = (t.double() for t in (self.x, self.u, self.grad))
        x.requires_grad_()
        wide = lambda t: t.double().view(1, -1, 1, 1)  # noqa: E731
        mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
        y = torch.relu((x - mean) * (var + 1e-5).rsqrt() * wide(self.weight) + wide(self.bias))
        (dx,) = torch.autograd.grad(y, x, g)
        found = {}

        def compare(name, out, wanted):
            found[name] = ((out.double() - wanted).abs().max() / wanted.abs().max()).item()

        self.statistics()
        compare("norm statistics", self.mean.view(1, -1, 1, 1), mean.detach())
        self.apply()
        compare("norm apply", self.out, y.detach())
        self.backward()
        # A sign at zero may differ: those numbers are left out, there are few.
        near = (y.detach() < 1e-3) & (y.detach() > 0)
        compare("norm backward", self.out.masked_fill(near, 0), dx.masked_fill(near, 0))
        self.combine()
        compare("combine three terms", self.out, 1.05 * x.detach() - 0.05 * u + g)
        self.combine_backward()
        compare("combine backward, two terms", torch.stack((self.first, self.second)), torch.stack((1.05 * g, -0.05 * g)))
        sums = torch.stack(((x * g).sum(), (u * g).sum())).detach()
        found["combine backward: sums"] = ((self.sums.double() - sums).abs().max() / (x * g).abs().sum()).item()
        self.dot()
        found["dot"] = ((self.sum.double() - (x * u).sum()).abs() / (x * u).abs().sum()).item()
        return found


def milliseconds(device, work):
    work()
    if device == "cpu":
        start = time.perf_counter()
        work()
        return 1000 * (time.perf_counter() - start)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    best = float("inf")
    for _ in range(5):
        begin.record()
        for _ in range(20):
            work()
        end.record()
        end.synchronize()
        best = min(best, begin.elapsed_time(end) / 20)
    return best


def times_of(bench, device, shape, copy):
    found = []
    for name, (work, moved) in bench.rows_of_table().items():
        ms = milliseconds(device, work)
        rate = moved * bench.numbers / ms / 1e6
        found.append({"kernel": name, "shape": shape, "ms": ms, "GBs": rate, "share": rate / copy})
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--copy", type=float, required=True, help="GB/s that the card copies")
    o = parser.parse_args()
    torch.manual_seed(0)
    library, of_weights, table = launches(o.library)
    weights = 4096 if o.device == "cpu" else 25_600_000  # those of a ResNet-50
    updating = updates.UpdateBench(of_weights, o.device, weights, lambda: stream_on(o.device), want)
    small, large = ((2, 16, 5, 7), [(2, 64, 4, 4)]) if o.device == "cpu" else (
        (8, 64, 31, 33), [(256, 64, 112, 112), (256, 256, 56, 56), (256, 512, 28, 28), (128, 16, 32, 32), (128, 64, 8, 8)])
    errors = Bench(table, o.device, small).errors() | updating.errors()
    times = times_of(updating, o.device, str(weights), o.copy)
    for shape in large:
        times += times_of(Bench(table, o.device, shape), o.device, "x".join(map(str, shape)), o.copy)
    in_float32 = ("norm statistics", "dot", "combine backward: sums", "SGD of all weights", "AdamW of all weights")
    limits = dict.fromkeys(in_float32, 1e-5)
    right = all(error < limits.get(name, 2**-7) for name, error in errors.items())
    print(json.dumps({"right": right, "errors": errors, "times": times}))


main()
