"""Training steps in PyTorch, a rival of scripts/bench/steps/bench.mjs: for every line on standard input so many steps, and a line of JSON.

    python scripts/bench/steps/step.py FOLDER MODE BATCH SIZE THREADS STEPS RATE

FOLDER has what `lm-check --write` left, and graph.json: the same weights, images and labels. MODE: best (eager, channels-last, fused SGD), bf16
(the same under autocast), compile and compile-bf16 (torch.compile of these).
"""

import json
import resource
import sys
import time
from pathlib import Path

try:
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(json.dumps({"unavailable": str(error)}))
    sys.exit()

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "device"))
from nets import NETS

folder, mode = Path(sys.argv[1]), sys.argv[2]
batch, size, threads, steps = map(int, sys.argv[3:7])
graph = json.loads((folder / "graph.json").read_text())
torch.set_num_threads(threads)


def names_of(paths):
    """What nets.py calls the parameters of our graph, such as stage2.step0.f0.bn1.weight."""
    stages = sorted({path.split(".")[0] for path in paths if path.startswith("stage")})
    steps = {stage: len({path.split(".")[1] for path in paths if path.startswith(stage + ".")}) for stage in stages}
    start, block = 0, {}
    for stage in stages:
        block.update({f"{stage}.step{i}": f"blocks.{start + i}" for i in range(steps[stage])})
        start += steps[stage]
    stem = {"stem.conv": "stem.0", "stem.bn": "stem.1"} if "stem.bn.weight" in paths else {"stem.conv": "stem"}
    layers = {**stem, "head.bn": "norm", "head.fc": "fc", **block}
    for ours, theirs in block.items():
        layers |= {f"{ours}.f0.conv{i + 1}": f"{theirs}.convs.{i}" for i in range(3)}
        layers |= {f"{ours}.f0.bn{i + 1}": f"{theirs}.norms.{i}" for i in range(3)}
        layers |= {f"{ours}.shortcut.bn": f"{theirs}.shortcut.0", f"{ours}.shortcut.conv": f"{theirs}.shortcut.2"}
    return {path: layers[path.rpartition(".")[0]] + "." + path.rpartition(".")[2] for path in paths}


def take_weights(model):
    shapes = {p["path"]: p["shape"] for p in graph["params"]}
    names, parameters = names_of(list(shapes)), dict(model.named_parameters())
    if set(names.values()) != set(parameters):
        raise SystemExit(f"other parameters: {set(names.values()) ^ set(parameters)}")
    numbers = torch.frombuffer(bytearray((folder / "weights").read_bytes()), dtype=torch.float32)
    with torch.no_grad():
        for path, shape in shapes.items():
            count = torch.Size(shape).numel()
            parameters[names[path]].copy_(numbers[:count].view(shape))
            numbers = numbers[count:]


def take_images():
    """Normalised beforehand, which ours does within a step."""
    spec = graph["input"]
    pixels = torch.frombuffer(bytearray((folder / "pixels").read_bytes()), dtype=torch.uint8)
    x = pixels.view(-1, batch, size, size, spec["channels"]).float() / 255
    x = (x - torch.tensor(spec["mean"])) / torch.tensor(spec["std"])
    labels = torch.frombuffer(bytearray((folder / "labels").read_bytes()), dtype=torch.int64)
    return list(x.permute(0, 1, 4, 2, 3)), list(labels.view(-1, batch))


if graph["name"] not in NETS:
    raise SystemExit(f"scripts/device/nets.py has no {graph['name']}, but {', '.join(NETS)}")
model = NETS[graph["name"]]()
take_weights(model)
model = model.to(memory_format=torch.channels_last)
images, labels = take_images()
run = torch.compile(model) if mode.startswith("compile") else model
optimizer = torch.optim.SGD(model.parameters(), lr=float(sys.argv[7]), momentum=0.9, weight_decay=1e-4, nesterov=True, fused=True)
done = 0


def step():
    global done
    x, y = images[done % len(images)], labels[done % len(images)]
    optimizer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=mode.endswith("bf16")):
        loss = F.cross_entropy(run(x).float(), y)
    loss.backward()
    optimizer.step()
    done += 1
    return loss.item()


def turn():
    milliseconds, losses = [], []
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        start = time.perf_counter()
        losses.append(step())
        milliseconds.append(1000 * (time.perf_counter() - start))
    use = resource.getrusage(resource.RUSAGE_SELF)
    faults = (use.ru_minflt - faults) / steps
    return {"milliseconds": milliseconds, "losses": losses, "pageFaultsPerStep": faults, "peakResidentBytes": 1024 * use.ru_maxrss}


print(json.dumps({"torch": torch.__version__}), flush=True)
for _ in sys.stdin:
    print(json.dumps(turn()), flush=True)
