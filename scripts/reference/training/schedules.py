"""Learning rates and momenta of PyTorch's own schedulers, and of timm's where a warm-up has its own rate, as golden values for test/train/schedules.test.ts.

Run in an environment with torch and timm:  python scripts/reference/training/schedules.py
Writes test/golden/training/schedules.json. `run` and `schedule` are the arguments on this package's side; milestones are in epochs there,
in steps here.
"""

import json
import pathlib
import warnings

import torch
from timm.scheduler import CosineLRScheduler, PolyLRScheduler, StepLRScheduler
from torch.optim.lr_scheduler import (
    CosineAnnealingLR, LinearLR, MultiStepLR, OneCycleLR, PolynomialLR, SequentialLR, StepLR)

OUT = pathlib.Path(__file__).parents[3] / "test" / "golden" / "training" / "schedules.json"


def optimizer(run):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=run["lr"], momentum=run["momentum"])


def one_cycle(opt, schedule, run):
    low, high = schedule.get("momentum") or (0.85, 0.95)
    return OneCycleLR(
        opt, max_lr=run["lr"], total_steps=run["totalSteps"], pct_start=schedule.get("pctStart", 0.3),
        anneal_strategy=schedule.get("anneal", "cos"), cycle_momentum=schedule.get("momentum") is not None,
        base_momentum=low, max_momentum=high, div_factor=schedule.get("divFactor", 25),
        final_div_factor=schedule.get("finalDivFactor", 1e4))


def warmed(opt, schedule, make):
    """`make(steps of the warm-up)`, behind a linear warm-up where the schedule has one."""
    warmup = schedule.get("warmupSteps", 0)
    if warmup == 0:
        return make(0)
    linear = LinearLR(opt, start_factor=1 / (warmup + 1), end_factor=1, total_iters=warmup)
    return SequentialLR(opt, [linear, make(warmup)], milestones=[warmup])


def scheduler(opt, schedule, run):
    kind = schedule["kind"]
    if kind == "oneCycle":
        return one_cycle(opt, schedule, run)
    if kind == "cosine":
        return warmed(opt, schedule, lambda w: CosineAnnealingLR(
            opt, T_max=run["totalSteps"] - w, eta_min=schedule.get("minLr", 0)))
    if kind == "linear":
        return warmed(opt, schedule, lambda w: LinearLR(
            opt, 1, end_factor=schedule.get("minLr", 0) / run["lr"], total_iters=run["totalSteps"] - w))
    if kind == "poly":
        return warmed(opt, schedule, lambda w: PolynomialLR(opt, run["totalSteps"] - w, schedule.get("power", 0.5)))
    if kind == "step":
        return StepLR(opt, round(schedule["decayEpochs"] * run["stepsPerEpoch"]), schedule.get("factor", 0.1))
    steps = [round(epoch * run["stepsPerEpoch"]) for epoch in schedule["milestones"]]
    return warmed(opt, schedule, lambda w: MultiStepLR(
        opt, milestones=[step - w for step in steps], gamma=schedule.get("factor", 0.1)))


def timm_rates(schedule, run):
    opt = optimizer(run)
    per_epoch = run["stepsPerEpoch"]
    warmup = schedule.get("warmupSteps") or round(schedule["warmupEpochs"] * per_epoch)
    warm = {"warmup_t": warmup, "warmup_lr_init": schedule["warmupLr"], "t_in_epochs": False}
    rest = {"t_initial": run["totalSteps"] - warmup, "lr_min": schedule.get("minLr", 0), "warmup_prefix": True}
    kind = schedule["kind"]
    if kind == "cosine":
        sched = CosineLRScheduler(opt, **rest, **warm)
    elif kind == "poly":
        sched = PolyLRScheduler(opt, power=schedule["power"], **rest, **warm)
    elif kind == "linear":
        sched = PolyLRScheduler(opt, power=1, **rest, **warm)
    else:
        size = round(schedule["decayEpochs"] * per_epoch)
        sched = StepLRScheduler(opt, decay_t=size, decay_rate=0.1, warmup_prefix=False, **warm)
    rows = []
    for step in range(run["totalSteps"]):
        sched.step_update(step)
        rows.append([opt.param_groups[0]["lr"], run["momentum"]])
    return rows


def case(schedule, steps_per_epoch=10, total=100, lr=0.1, momentum=0.9):
    run = {"stepsPerEpoch": steps_per_epoch, "totalSteps": total, "lr": lr, "momentum": momentum}
    if "warmupLr" in schedule:
        return {"schedule": schedule, "run": run, "rows": timm_rates(schedule, run)}
    opt = optimizer(run)
    sched = scheduler(opt, schedule, run)
    rows = []
    for _ in range(total):
        rows.append([opt.param_groups[0]["lr"], opt.param_groups[0]["momentum"]])
        opt.step()
        if len(rows) < total:
            sched.step()
    return {"schedule": schedule, "run": run, "rows": rows}


def main():
    warnings.simplefilter("ignore")
    cases = [
        case({"kind": "oneCycle"}),
        case({"kind": "oneCycle", "momentum": [0.85, 0.95]}, total=97, lr=0.4),
        case({"kind": "oneCycle", "pctStart": 0.1, "divFactor": 10, "finalDivFactor": 100}, total=64, lr=1.5),
        case({"kind": "oneCycle", "anneal": "linear", "momentum": [0.8, 0.9]}, total=33),
        case({"kind": "oneCycle", "pctStart": 0.5}, total=7),
        case({"kind": "cosine"}),
        case({"kind": "cosine", "minLr": 1e-3}, total=61, lr=0.2),
        case({"kind": "cosine", "warmupSteps": 12, "minLr": 1e-4}, total=90),
        case({"kind": "multistep", "milestones": [3, 6, 9]}),
        case({"kind": "multistep", "milestones": [1.5, 4], "factor": 0.2, "warmupSteps": 5}, total=50, lr=0.3),
        case({"kind": "linear"}, total=30),
        case({"kind": "linear", "minLr": 0.01, "warmupSteps": 4}, total=40, lr=0.2),
        case({"kind": "poly"}, total=30),
        case({"kind": "poly", "power": 2, "warmupSteps": 3}, total=33, lr=2),
        case({"kind": "step", "decayEpochs": 1.5, "factor": 0.3}, total=50),
        case({"kind": "cosine", "warmupEpochs": 1.5, "warmupLr": 1e-3, "minLr": 1e-4}, total=60),
        case({"kind": "poly", "power": 0.5, "minLr": 0.01, "warmupSteps": 6, "warmupLr": 0.02}, total=40),
        case({"kind": "linear", "warmupEpochs": 2, "warmupLr": 0, "minLr": 0.01}, total=50),
        case({"kind": "step", "decayEpochs": 2, "warmupEpochs": 1, "warmupLr": 0.01}, total=60),
    ]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"torch": torch.__version__.split("+")[0], "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
