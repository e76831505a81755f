"""The crops of torchvision's TenCrop, as numbers of the pixels, to test/golden/images/ten_crop.json.

Run: python scripts/reference/images/ten_crop.py     (torch, torchvision; made with torchvision 0.29.1)
"""

import json
from pathlib import Path

import torch
from torchvision.transforms import functional as F

CASES = [(8, 8, 7, 7), (13, 10, 5, 4), (9, 16, 8, 8), (15, 15, 15, 15), (12, 7, 11, 3)]  # height, width, crop

cases = []
for height, width, rows, columns in CASES:
    image = torch.arange(height * width).reshape(1, height, width)
    crops = F.ten_crop(image, [rows, columns])
    cases.append({"size": [height, width], "crop": [rows, columns], "crops": [c.flatten().tolist() for c in crops]})

golden = Path(__file__).parents[3] / "test" / "golden" / "images" / "ten_crop.json"
golden.write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
