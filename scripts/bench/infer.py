"""One way to run an exported network, a rival of scripts/bench/infer.mjs; prints the median in milliseconds, and the logits.

    python scripts/bench/infer.py FOLDER MODEL onnxruntime|eager|bf16|compile BATCH SIZE THREADS CALLS

A network that is torchvision's own is made by torchvision.
"""

import contextlib
import json
import os
import sys
import time

import numpy as np

folder, name, way = sys.argv[1:4]
batch, size, threads, calls = map(int, sys.argv[4:])
x = np.fromfile(folder + "/x", np.float32).reshape(batch, 3, size, size)
versions = {}


def onnxruntime_call():
    import onnxruntime

    versions["onnxruntime"] = onnxruntime.__version__
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(folder + "/model.onnx", options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"input": x})[0]


def torch_module():
    if os.path.exists(folder + "/network.py"):
        sys.path.insert(0, folder)
        import network

        return network.load()
    import safetensors.torch
    import torchvision

    versions["torchvision"] = torchvision.__version__
    module = torchvision.models.get_model(name).eval()
    module.load_state_dict(safetensors.torch.load_file(folder + "/network.safetensors"))
    return module


def torch_call():
    import torch

    versions["torch"] = torch.__version__
    torch.set_num_threads(threads)
    module = torch_module().to(memory_format=torch.channels_last)
    images = torch.from_numpy(x).contiguous(memory_format=torch.channels_last)
    if way == "compile":
        import torch._inductor.config

        torch._inductor.config.freezing = True
        module = torch.compile(module)
    precision = torch.autocast("cpu", torch.bfloat16) if way == "bf16" else contextlib.nullcontext()

    def call():
        with torch.inference_mode(), precision:
            return module(images)

    return lambda: call().float().numpy()


call = onnxruntime_call() if way == "onnxruntime" else torch_call()
call()
logits = call()
times = []
for _ in range(calls):
    begin = time.perf_counter()
    call()
    times.append(1e3 * (time.perf_counter() - begin))
print(json.dumps({"ms": sorted(times)[calls // 2], "logits": logits.flatten().tolist(), **versions}))
