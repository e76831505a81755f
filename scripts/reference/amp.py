"""Nets in mixed precision: convolutions and linear layers in a half type, the rest as PyTorch's promotion of types has it.

What is rounded when depends on the processor, so it writes test/golden/amp-PROCESSOR.json, with the types that this one multiplies
natively; see README.md.
"""

import pathlib

import torch
import torch.nn.functional as F

import formula
from golden import Program, case, write
from residual import Residual

FLAGS = set(pathlib.Path("/proc/cpuinfo").read_text().split())
PROCESSOR = "amx" if "amx_bf16" in FLAGS else "avx512_bf16"
STATES = (".shortcut.conv", ".f0.conv2")  # read by states alone, in the nets that are trained here
CIFAR, IMAGENET = [8, 3, 16, 16], [8, 3, 64, 64]


class WideStates(Residual):
    """What is added up to a state is float32."""

    def branch(self, *args):
        return super().branch(*args).float()

    @staticmethod
    def own(*args):
        return Residual.own(*args).float()


class WideConvolution(torch.autograd.Function):
    """Operands of `half`, sums of float32, of which the gradient of x alone is rounded: our own loops."""

    @staticmethod
    def forward(ctx, x, w, half, stride, padding, groups):
        x, w = x.to(half).float(), w.to(half).float()
        ctx.save_for_backward(x, w)
        ctx.half, ctx.options = half, {"stride": stride, "padding": padding, "groups": groups}
        return F.conv2d(x, w, **ctx.options)

    @staticmethod
    def backward(ctx, grad):
        x, w = ctx.saved_tensors
        grad = grad.to(ctx.half).float()
        by_x = torch.nn.grad.conv2d_input(x.shape, w, grad, **ctx.options).to(ctx.half).float()
        return by_x, torch.nn.grad.conv2d_weight(x, w.shape, grad, **ctx.options), None, None, None, None


class HalfProgram(Program):
    """Weights and statistics of float32; operands of convolutions and linear layers are cast to `half`."""

    def __init__(self, network, half):
        super().__init__(network)
        self.half = half

    def run(self, x, training, seed=0):
        for path, tensor in self.buffers.items():
            self.buffers[path] = tensor.float()
        return super().run(x.float(), training, seed).double()

    def tensor(self, path, shape):
        if path not in self.params:
            value = torch.from_numpy(formula.value_of(path, shape).copy())
            self.params[path] = value.float().requires_grad_()
        return self.params[path]

    def conv(self, path, u, out, kernel, stride=1, groups=1, bias=False):
        w = self.tensor(f"{path}.weight", (out, u.shape[1] // groups, kernel, kernel))
        # With AMX our loops take whole sixteens of channels, and in training write what is added to a state as it is.
        if self.half is torch.bfloat16 and PROCESSOR == "amx" and groups == 1 and u.shape[1] % 16 == 0 and out % 16 == 0:
            y = WideConvolution.apply(u, w, self.half, stride, kernel // 2, groups)
            return y if self.training and path.endswith(STATES) else y.to(self.half)
        return F.conv2d(u.to(self.half), w.to(self.half), stride=stride, padding=kernel // 2, groups=groups)

    def norm(self, path, u, eps=1e-5, affine=True):
        for name in ("running_mean", "running_var"):
            if f"{path}.{name}" not in self.buffers:
                value = formula.value_of(f"{path}.{name}", (u.shape[1],)).copy()
                self.buffers[f"{path}.{name}"] = torch.from_numpy(value).float()
        return super().norm(path, u, eps, affine)

    def linear(self, path, u, out):
        w, b = self.tensor(f"{path}.weight", (out, u.shape[1])), self.tensor(f"{path}.bias", (out,))
        return F.linear(u.to(self.half), w.to(self.half), b.to(self.half))


def program(image, half, modes, **options):
    net = WideStates(base=4, steps=2, classes=5, k="paper", imagenet=image is IMAGENET, **options)
    return case("a PyTorch program", HalfProgram(net, half), image, modes)


NATIVE = {torch.bfloat16: FLAGS & {"amx_bf16", "avx512_bf16"}, torch.float16: FLAGS & {"amx_fp16", "avx512_fp16"}}

write(f"amp-{PROCESSOR}", [], {
    f"{name} {str(half).removeprefix('torch.')}": program(image, half, modes, **options)
    for half in (torch.bfloat16, torch.float16) if NATIVE[half]
    for name, image, modes, options in (
        ("lm_resnet20", CIFAR, ["training", "evaluation"], {}),
        ("lm_resnet164", CIFAR, ["evaluation"], {"bottleneck": True}),
        ("lm_resnet50", IMAGENET, ["evaluation"], {"bottleneck": True}),
        ("lm_resnext50_32x4d", IMAGENET, ["evaluation"], {"bottleneck": True, "groups": (2, 32)}),
    )
})
