"""The kernels that update all weights at once, for kernels.py: beside torch.optim in float64, and by their speed."""

import ctypes

import torch

p, i64, f64 = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
said = ctypes.c_char_p
PIECE = 16  # numbers that share a group
RATES = {"lr": 0.1, "momentum": 0.9, "decay": 0.05}


class UpdateCall(ctypes.Structure):
    _fields_ = [
        ("weights", p), ("gradient", p), ("momentum", p), ("second", p), ("numbers", i64), ("group_of", p), ("scales", p),
        ("groups", i64), ("count", p), ("lr", p), ("momentum_rate", p), ("decay", p), ("skip", p),
    ]


# The end of native/core/kernels/cuda/launches.h.
FIELDS = [
    ("sgd", ctypes.CFUNCTYPE(said, p, ctypes.POINTER(UpdateCall), f64, ctypes.c_bool, ctypes.c_bool)),
    ("adam", ctypes.CFUNCTYPE(said, p, ctypes.POINTER(UpdateCall), f64, f64, ctypes.c_bool)),
]


class UpdateBench:
    """Float32 weights in two groups, the second at half the rate and without decay."""

    def __init__(self, table, device, numbers, stream, want):
        self.table, self.numbers, self.stream, self.want = table, numbers, stream, want
        self.weights, self.gradient, self.momentum = (torch.randn(numbers, device=device) for _ in range(3))
        self.second = torch.rand(numbers, device=device) + 0.1
        self.half = numbers // PIECE // 2 * PIECE
        self.group_of = torch.ones(numbers // PIECE, device=device, dtype=torch.int16)
        self.group_of[: self.half // PIECE] = 0
        self.scales = torch.tensor([[1.0, 1.0], [0.5, 0.0]], device=device)
        self.numbers_of_step = torch.tensor([4.0, *RATES.values()], device=device, dtype=torch.float64)
        self.skip = torch.zeros(1, device=device)
        sets = (t.data_ptr() for t in (self.weights, self.gradient, self.momentum, self.second))
        step = (t.data_ptr() for t in self.numbers_of_step)
        self.call = UpdateCall(*sets, numbers, self.group_of.data_ptr(), self.scales.data_ptr(), 2, *step, self.skip.data_ptr())

    def sgd(self):
        self.want(self.table.sgd(self.stream(), self.call, 0.0, True, False))

    def adamw(self):
        self.want(self.table.adam(self.stream(), self.call, 0.99, 1e-8, True))

    # name -> (what runs, bytes that have to be moved for a number)
    def rows_of_table(self):
        return {"SGD of all weights": (self.sgd, 20), "AdamW of all weights": (self.adamw, 28)}

    def exactly(self, make, state):
        """The weights behind one step of torch.optim in float64."""
        parts = [self.weights.double()[: self.half].clone(), self.weights.double()[self.half :].clone()]
        groups = [{"params": [parts[0]], "lr": RATES["lr"], "weight_decay": RATES["decay"]},
                  {"params": [parts[1]], "lr": RATES["lr"] / 2, "weight_decay": 0}]
        optimizer = make(groups)
        for part, where in zip(parts, (slice(None, self.half), slice(self.half, None)), strict=True):
            part.grad = self.gradient.double()[where].clone()
            optimizer.state[part] = {name: value.double()[where].clone() if value.numel() > 1 else value.clone() for name, value in state.items()}
        optimizer.step()
        return torch.cat(parts)

    def errors(self):
        found = {}

        def compare(name, run, make, state):
            wanted = self.exactly(make, state)
            run()
            found[name] = ((self.weights.double() - wanted).abs().max() / wanted.abs().max()).item()

        compare("SGD of all weights", self.sgd, lambda groups: torch.optim.SGD(groups, momentum=RATES["momentum"], nesterov=True),
                {"momentum_buffer": self.momentum})
        compare("AdamW of all weights", self.adamw, lambda groups: torch.optim.AdamW(groups, betas=(RATES["momentum"], 0.99), eps=1e-8),
                {"step": torch.tensor(4.0), "exp_avg": self.momentum, "exp_avg_sq": self.second})
        return found
