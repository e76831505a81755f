"""What the card is and how fast it copies and multiplies; prints one JSON object.

    python card.py --device cuda
"""

import argparse
import json
import os
import time

import torch


def rate(work, wait, amount):
    """Units per second of `work`, which moves or computes `amount`: the best of five, each long enough to be timed."""

    def seconds(times):
        wait()
        start = time.perf_counter()
        for _ in range(times):
            work()
        wait()
        return (time.perf_counter() - start) / times

    seconds(1)
    times = max(3, round(0.05 / seconds(3)))
    return amount / min(seconds(times) for _ in range(5))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda")
    device = parser.parse_args().device
    cuda = device != "cpu"
    wait = torch.cuda.synchronize if cuda else lambda: None
    numbers, side = (1 << 28, 8192) if cuda else (1 << 22, 256)
    a, b = torch.ones(numbers, device=device), torch.empty(numbers, device=device)
    host = torch.ones(1 << 22, pin_memory=cuda)
    there = torch.empty_like(host, device=device)
    m = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    print(json.dumps({
        "name": torch.cuda.get_device_name() if cuda else "cpu",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "capability": ".".join(map(str, torch.cuda.get_device_capability())) if cuda else None,
        "cores": os.cpu_count(),
        "copyGBs": rate(lambda: b.copy_(a), wait, 8 * numbers) / 1e9,
        "uploadGBs": rate(lambda: there.copy_(host, non_blocking=True), wait, 4 * host.numel()) / 1e9,
        "multiplyTflops": rate(lambda: m @ m, wait, 2 * side**3) / 1e12,
    }))


main()
