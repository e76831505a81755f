"""What onnxruntime makes of exported networks, as golden values for test/export/onnx.test.ts.

Run in an environment with onnx and onnxruntime, on the files of test/reference/exports.check.ts:  python scripts/reference/exports/onnx_golden.py ../exports
Writes test/golden/onnx.json: of every file its digest, so that the tests know that what they write is what ran here, and the logits of one and of three images.
The onnx package checks every file, and infers its shapes.
"""

import json
import pathlib
import sys

import onnx
import onnxruntime

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from common import digest, files, images, shown, write


def case(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(path)
    (given,), (result,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape[0], result.name, result.shape[0]) == ("input", "tensor(float)", "batch", "logits", "batch")
    preprocessing = json.loads(session.get_modelmeta().custom_metadata_map["preprocessing"])
    logits = {n: session.run(None, {"input": images(n, preprocessing)})[0] for n in (1, 3)}
    assert all(list(value.shape[1:]) == result.shape[1:] for value in logits.values())
    return {"sha256": digest(path), **{f"logits{n}": shown(value) for n, value in logits.items()}}


write("onnx", ("onnx", "onnxruntime"), {name: case(path) for name, path in files(sys.argv[1], ".onnx")})
