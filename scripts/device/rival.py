"""One training step of a net of nets.py in PyTorch; prints one JSON object, times in milliseconds.

    python rival.py --net lm_resnet20 --mode eager|graph|compile|max-autotune --device cuda --batch 128 --size 32

Every step takes new pixels from pinned memory, as ours does: bytes are copied to the device and normalised there; then forward in bfloat16
under autocast, cross entropy, backward and fused SGD in channels-last. In mode graph one step is captured as a CUDA graph.
"""

import argparse
import json
import time

import torch
import torch.nn.functional as F
from nets import NETS


class Step:
    def __init__(self, o):
        self.cuda = o.device != "cpu"
        self.model = NETS[o.net]().to(o.device, memory_format=torch.channels_last)
        self.run = self.model
        if o.mode in ("compile", "max-autotune"):
            self.run = torch.compile(self.model, mode="max-autotune" if o.mode == "max-autotune" else "reduce-overhead")
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4, fused=True)
        classes = next(m for m in reversed(list(self.model.modules())) if isinstance(m, torch.nn.Linear)).out_features
        shape = (4, o.batch, 3, o.size, o.size)
        self.pixels = [p.contiguous(memory_format=torch.channels_last) for p in torch.randint(0, 256, shape, dtype=torch.uint8)]
        self.labels = list(torch.randint(0, classes, (4, o.batch)))
        if self.cuda:
            self.pixels, self.labels = [p.pin_memory() for p in self.pixels], [y.pin_memory() for y in self.labels]
        self.x, self.y = self.pixels[0].to(o.device), self.labels[0].to(o.device)

    def take(self, i):
        self.x.copy_(self.pixels[i % 4], non_blocking=True)
        self.y.copy_(self.labels[i % 4], non_blocking=True)

    def compute(self):
        x = self.x.float().sub_(127.5).div_(64)
        with torch.autocast(self.x.device.type, torch.bfloat16, cache_enabled=False):
            loss = F.cross_entropy(self.run(x).float(), self.y)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss

    def captured(self):
        """The step as a graph: warmed up on a stream of its own, as PyTorch's notes on CUDA graphs say."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.compute()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.compute()
        return graph.replay

    def wait(self):
        if self.cuda:
            torch.cuda.synchronize()


def measure(step, compute, o):
    """Median over chunks of the mean of a chunk: the device is waited for once a chunk, as ours is."""
    times, done = [], 0
    for chunk in range(o.chunks + 1):
        step.wait()
        start = time.perf_counter()
        for _ in range(o.chunk):
            step.take(done)
            compute()
            done += 1
        step.wait()
        if chunk > 0:
            times.append(1000 * (time.perf_counter() - start) / o.chunk)
    return sorted(times)[len(times) // 2]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--net", choices=NETS, required=True)
    parser.add_argument("--mode", choices=("eager", "graph", "compile", "max-autotune"), default="eager")
    parser.add_argument("--device", default="cuda")
    for name, value in (("batch", 128), ("size", 32), ("chunk", 10), ("chunks", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    o = parser.parse_args()
    if o.device != "cpu":
        torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    start = time.perf_counter()
    step = Step(o)
    compute = step.captured() if o.mode == "graph" else step.compute
    for _ in range(3):
        compute()
    step.wait()
    warm = time.perf_counter() - start
    ms = measure(step, compute, o)
    peak = torch.cuda.max_memory_allocated() if o.device != "cpu" else 0
    print(json.dumps({"ms": ms, "peakDeviceBytes": peak, "warmUpSeconds": warm}))


main()
