"""Puts what check.sh measured into one JSON and a table, and holds it against the bars.

    python report.py FOLDER

FOLDER has card.json, compare.json, kernels.json, sanitizer.txt and race/NET.MODE.json, as far as time let them be made.
"""

import json
import sys
from pathlib import Path

MODES = ("eager", "graph", "compile", "max-autotune")
# Speed over the fastest mode of PyTorch that a net is to reach.
BARS = {"lm_resnet50": 1.3, "resnet50": 1.3, "lm_resnext50_32x4d": 1.3, "lm_resnet20": 2, "lm_resnet110": 2}


def read(file):
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return None


def race(folder):
    rows = {}
    for file in sorted(folder.glob("*.json")):
        net, mode = file.stem.split(".")
        if (found := read(file)) is not None:
            rows.setdefault(net, {})[mode] = found
    return rows


def row_of(net, modes):
    ours, rivals = modes.get("ours"), {m: modes[m] for m in MODES if m in modes}
    row = {"net": net, "ours": ours and ours["medianStepMs"], **{m: rivals.get(m, {}).get("ms") for m in MODES}}
    if ours and rivals:
        row["speedup"] = min(r["ms"] for r in rivals.values()) / ours["medianStepMs"]
    if ours and "eager" in rivals and rivals["eager"]["peakDeviceBytes"] > 0:
        row["memory"] = ours["peakDeviceBytes"] / rivals["eager"]["peakDeviceBytes"]
    return row


def bars(rows, kernels):
    by_net = {row["net"]: row for row in rows}
    found = [{"bar": f"{net}: {bar} times the fastest PyTorch", "is": by_net.get(net, {}).get("speedup"), "above": bar} for net, bar in BARS.items()]
    found += [{"bar": f"{net}: memory over eager's", "is": by_net.get(net, {}).get("memory"), "below": 0.8} for net in BARS]
    two_step, twin = (by_net.get(net, {}).get("ours") for net in ("lm_resnet50", "lm_resnet50_euler"))
    found.append({"bar": "lm_resnet50 over its twin", "is": two_step and twin and two_step / twin, "below": 1.03})
    big = [t["share"] for t in (kernels or {"times": []})["times"] if t["shape"].startswith("256x") or "weights" in t["kernel"]]
    found.append({"bar": "fused kernels at batch 256, and of all weights: share of the rate of copying", "is": min(big, default=None), "above": 0.7})
    for one in found:
        at = one["is"]
        one["met"] = None if at is None else at >= one["above"] if "above" in one else at <= one["below"]
    return found


def text(value, digits=2):
    return "–" if value is None else value if isinstance(value, str) else f"{value:.{digits}f}"


def table(result):
    card = result["card"] or {}
    lines = [
        f"{card.get('name', 'unknown card')}, torch {card.get('torch')}, CUDA {card.get('cuda')}: copies {text(card.get('copyGBs'), 0)} GB/s, "
        f"multiplies {text(card.get('multiplyTflops'), 0)} TFLOP/s (bfloat16), uploads {text(card.get('uploadGBs'), 1)} GB/s",
        "", "| net | ours, ms | " + " | ".join(MODES) + " | speed-up | memory |", "|---|" + "---|" * (len(MODES) + 3),
    ]
    for row in result["race"]:
        cells = [row["net"], *(text(row[k]) for k in ("ours", *MODES)), text(row.get("speedup")), text(row.get("memory"))]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| bar | wanted | found | met |", "|---|---|---|---|"]
    for one in result["bars"]:
        wanted = f"≥ {one['above']}" if "above" in one else f"≤ {one['below']}"
        lines.append(f"| {one['bar']} | {wanted} | {text(one['is'])} | {'not run' if one['met'] is None else 'yes' if one['met'] else 'no'} |")
    return "\n".join(lines) + "\n"


def main():
    folder = Path(sys.argv[1])
    kernels, compared = read(folder / "kernels.json"), read(folder / "compare.json")
    rows = [row_of(net, modes) for net, modes in race(folder / "race").items()]
    sanitizer = folder / "sanitizer.txt"
    result = {
        "card": read(folder / "card.json"), "compare": compared, "kernels": kernels,
        "sanitizer": sanitizer.read_text().strip().splitlines()[-1] if sanitizer.exists() and sanitizer.read_text().strip() else None,
        "race": rows, "bars": bars(rows, kernels),
    }
    (folder / "results.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "results.md").write_text(table(result))
    print(table(result))
    wrong = [name for name, found in (("compare", compared), ("kernels", kernels)) if found is None or not found["right"]]
    print("right" if not wrong else f"WRONG or not finished: {', '.join(wrong)}")
    return 1 if wrong else 0


sys.exit(main())
