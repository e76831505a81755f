"""Cosines of PyTorch's gradients under bf16 autocast to those of float64, parameter by parameter, at init; prints one line of JSON a net.

    python scripts/bench/steps/cosines.py lm_resnet20 lm_resnet56

Below 0.999 for any net: where rounding changes the sign of what a ReLU reads, all of a gradient behind it changes.
"""

import copy
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "device"))
from nets import NETS

for name in sys.argv[1:]:
    torch.manual_seed(0)
    model = NETS[name]()
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, mode="fan_out")
    exact = copy.deepcopy(model).double()
    x, y = torch.randn(32, 3, 32, 32), torch.randint(0, model.fc.out_features, (32,))
    F.cross_entropy(exact(x.double()), y).backward()
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(x)
    F.cross_entropy(logits.float(), y).backward()
    pairs = zip(model.parameters(), exact.parameters())
    found = sorted(F.cosine_similarity(p.grad.double().flatten(), q.grad.flatten(), 0).item() for p, q in pairs if p.numel() > 1)
    print(json.dumps({"net": name, "least": found[0], "median": found[len(found) // 2], "torch": torch.__version__}))
