"""Losses and gradients of every graph of a folder on a device, beside float64 on the CPU; prints one JSON object.

    python compare.py --check lm-check --graphs DIR --device cuda --jobs 4 --threads 4 --seconds 100

Three SGD steps from the same weights, on the same images, some graphs at a time; what does not start within the seconds is listed as left out.
The rate is one that moves the loss by about 0.01: a deep net that goes further from random weights makes much of every rounding.
"""

import argparse
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Largest differences of a loss, and of the norm of a gradient as a share of the largest.
RUNS = {
    "float64": (["--dtype", "float64"], 1e-9, 1e-8),
    "float64, captured": (["--dtype", "float64", "--capture", "1"], 1e-9, 1e-8),
    "float32": (["--dtype", "float32"], 2e-3, 2e-2),
    "bfloat16, captured": (["--amp", "bfloat16", "--capture", "1"], 6e-2, 2e-1),
}


def lm_check(o, graph, device, words):
    image = json.loads(Path(graph).read_text())["input"]
    sizes = ["--batch", "8", "--size", str(min(image["height"], o.largest))]
    command = [o.check, str(graph), "--device", device, "--threads", str(o.threads), *sizes, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
    return json.loads(done.stdout)


def gaps(found, wanted):
    loss = max(abs(a - b) for a, b in zip(found["losses"], wanted["losses"], strict=True))
    norms = wanted["gradientNorms"]
    largest = max(norms.values())
    return loss, max(abs(found["gradientNorms"][path] - norm) / largest for path, norm in norms.items())


def rows_of(o, graph, end):
    """One row a type; without `right` where no time was left."""
    if time.monotonic() > end:
        return [{"net": graph.stem}]
    rows = []
    try:
        first = lm_check(o, graph, "cpu", ["--steps", "1"])
        steps = ["--steps", "3", "--lr", repr(0.01 / sum(norm**2 for norm in first["gradientNorms"].values()))]
        wanted = lm_check(o, graph, "cpu", RUNS["float64"][0] + steps)
        for name, (words, loss_bound, norm_bound) in RUNS.items():
            found = lm_check(o, graph, o.device, words + steps)
            loss, norm = gaps(found, wanted)
            # Two of the three steps are replayed where there is something to capture.
            captured = found["captured"] == ("captured" in name and o.device != "cpu")
            right = loss < loss_bound and norm < norm_bound and captured
            rows.append({"net": graph.stem, "type": name, "loss": loss, "gradient": norm, "right": right, "kernels": found["kernels"], "captured": found["captured"]})
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        rows.append({"net": graph.stem, "type": "", "right": False, "error": str(error)})
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", required=True)
    parser.add_argument("--graphs", required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of one job")
    parser.add_argument("--largest", type=int, default=96, help="images are no larger than this")
    parser.add_argument("--seconds", type=float, default=100)
    o = parser.parse_args()
    end = time.monotonic() + o.seconds
    with ThreadPoolExecutor(o.jobs) as pool:
        found = list(pool.map(lambda graph: rows_of(o, graph, end), sorted(Path(o.graphs).glob("*.json"))))
    rows, left_out = [row for rows in found for row in rows if "right" in row], [row["net"] for rows in found for row in rows if "right" not in row]
    print(json.dumps({"right": all(row["right"] for row in rows), "rows": rows, "leftOut": left_out}))


main()
