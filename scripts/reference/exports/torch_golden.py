"""What PyTorch makes of exported networks, as golden values for test/export/torch.test.ts.

Run in an environment with torch and safetensors, on the files of test/reference/exports.check.ts:  python scripts/reference/exports/torch_golden.py ../exports
Writes test/golden/torch.json: of every Python file its digest, so that the tests know that what they write is what ran here, and the logits of one and of three images.
"""

import importlib.util
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from common import digest, files, images, shown, write

torch.set_num_threads(1)


def case(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.load()
    with torch.no_grad():
        logits = {n: network(torch.from_numpy(images(n, module.PREPROCESSING))) for n in (1, 3)}
        network.train()
        assert torch.equal(network(torch.from_numpy(images(3, module.PREPROCESSING))), logits[3])
    return {"sha256": digest(path), **{f"logits{n}": shown(value) for n, value in logits.items()}}


write("torch", ("torch",), {name: case(path) for name, path in files(sys.argv[1], ".py")})
