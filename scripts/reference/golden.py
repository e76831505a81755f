"""What a reference network computes, in the form that test/reference/networks.test.ts reads."""

import importlib.metadata
import json
import math
import pathlib
import warnings

import numpy as np
import torch
import torch.nn.functional as F

import formula

DIGITS = 11  # of every number: 5e-12
FOLDER = pathlib.Path(__file__).parents[2] / "test" / "golden"

torch.set_num_threads(1)
warnings.simplefilter("ignore")


class ModuleNet:
    """A module of other people's, with the path in our graph for each of its names."""

    def __init__(self, module, rename):
        self.module, self.names = module.to(torch.float64), {}
        for name, tensor in module.state_dict(keep_vars=True).items():
            if name.endswith("num_batches_tracked"):
                continue
            path = rename(name)
            assert path not in self.names, f"{name} and {self.names.get(path)} are both {path}"
            self.names[path] = name
            with torch.no_grad():
                tensor.copy_(torch.from_numpy(formula.value_of(path, tuple(tensor.shape))))
        tensors = module.state_dict(keep_vars=True)
        self.params = {path: tensors[n] for path, n in self.names.items() if isinstance(tensors[n], torch.nn.Parameter)}
        self.buffers = {path: tensors[n] for path, n in self.names.items() if path not in self.params}

    def run(self, x, training, seed=0):
        self.module.train(training)
        return self.module(x)


class Program:
    """A network written here: `network(p, x)` with the layers below. Tensors are made at first use, named by our paths."""

    def __init__(self, network):
        self.network, self.params, self.buffers = network, {}, {}
        self.training, self.seed = False, 0

    def run(self, x, training, seed=0):
        self.training, self.seed = training, seed
        return self.network(self, x)

    def tensor(self, path, shape):
        if path not in self.params:
            self.params[path] = torch.from_numpy(formula.value_of(path, shape).copy()).requires_grad_()
        return self.params[path]

    def conv(self, path, u, out, kernel, stride=1, groups=1, bias=False):
        w = self.tensor(f"{path}.weight", (out, u.shape[1] // groups, kernel, kernel))
        b = self.tensor(f"{path}.bias", (out,)) if bias else None
        return F.conv2d(u, w, b, stride=stride, padding=kernel // 2, groups=groups)

    def norm(self, path, u, eps=1e-5, affine=True):
        c = u.shape[1]
        w, b = (self.tensor(f"{path}.{name}", (c,)) for name in ("weight", "bias")) if affine else (None, None)
        for name in ("running_mean", "running_var"):
            if f"{path}.{name}" not in self.buffers:
                self.buffers[f"{path}.{name}"] = torch.from_numpy(formula.value_of(f"{path}.{name}", (c,)).copy())
        mean, var = (self.buffers[f"{path}.{name}"] for name in ("running_mean", "running_var"))
        return F.batch_norm(u, mean, var, w, b, training=self.training, momentum=0.1, eps=eps)

    def norm_relu(self, path, u, **options):
        return F.relu(self.norm(path, u, **options))

    def linear(self, path, u, out):
        return F.linear(u, self.tensor(f"{path}.weight", (out, u.shape[1])), self.tensor(f"{path}.bias", (out,)))

    def coefficient(self, path, shape=(1,)):
        return self.tensor(path, shape)

    def stream(self, purpose, group, image=None):
        return formula.Stream(self.seed, purpose, group, image=image)


def start(net, training):
    """Statistics as the network starts with them, or by formula."""
    for path, tensor in net.buffers.items():
        if training:
            tensor.fill_(1.0 if path.endswith("var") else 0.0)
        else:
            tensor.copy_(torch.from_numpy(formula.value_of(path, tuple(tensor.shape))))


def rounded(value):
    return float(f"{float(value):.{DIGITS}g}")


def shown(tensors):
    """For each tensor, in the order of their paths: its norm, and its product with a direction of the formula."""
    numbers = []
    for path in sorted(tensors):
        flat = tensors[path].detach().numpy().ravel()
        numbers += [rounded(np.linalg.norm(flat)), rounded(flat @ formula.direction(path, flat.size))]
    return numbers


def measure(net, image, training, seed, gradients, statistics):
    """Logits for the formula's images, sum(logits · cotangent), its gradients, statistics after the pass."""
    x = torch.from_numpy(formula.images(*image)).requires_grad_()
    start(net, training)
    logits = net.run(x, training, seed)
    cotangent = torch.from_numpy(formula.direction("cotangent", logits.numel()).reshape(logits.shape))
    value = (logits * cotangent).sum()
    result = {"logits": [rounded(v) for v in logits.detach().ravel()], "value": rounded(value)}
    if gradients:
        leaves = {"input": x, **net.params}
        grads = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
        result["gradients"] = shown({
            path: torch.zeros_like(leaves[path]) if g is None else g for path, g in zip(leaves, grads, strict=True)
        })
    if training and statistics:
        result["statistics"] = shown(net.buffers)
    return result


def case(against, net, image, modes=("training", "evaluation"), seeds=None):
    """Passes of a net for `image`: [n, channels, height, width]; gradients and statistics in the first mode alone.

    With `seeds` there is a training pass under each, without statistics: what is dropped moves none.
    """
    with torch.no_grad():
        start(net, False)
        net.run(torch.from_numpy(formula.images(*image)), False)  # makes the tensors of a program
    passes = [(mode, seed) for mode in modes for seed in (seeds or [0] if mode == "training" else [0])]
    measured = [
        {"mode": mode, "seed": seed, **measure(net, image, mode == "training", seed, mode == modes[0], not seeds)}
        for mode, seed in passes
    ]
    return {"against": against, "image": list(image), "passes": measured}


def write(name, packages, cases, folder=FOLDER):
    versions = {package: importlib.metadata.version(package).split("+")[0] for package in ("torch", *packages)}
    lines = ",\n".join(f"{json.dumps(title)}: {json.dumps(row, separators=(',', ':'))}" for title, row in cases.items())
    path = pathlib.Path(folder) / f"{name}.json"
    path.write_text(f'{{"versions": {json.dumps(versions)},\n"cases": {{\n{lines}\n}}}}\n')
    print(f"{path.name}: {len(cases)} networks, {math.ceil(path.stat().st_size / 1024)} kB")
