"""One way to run an exported network, a rival of scripts/bench/infer.mjs; prints the median in milliseconds, and the logits.

    python scripts/bench/infer.py FOLDER onnxruntime|eager|bf16|compile BATCH SIZE THREADS CALLS
"""

import contextlib
import json
import sys
import time

import numpy as np

folder, way, batch, size, threads, calls = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
x = np.fromfile(folder + "/x", np.float32).reshape(batch, 3, size, size)
versions = {}


def onnxruntime_call():
    import onnxruntime

    versions["onnxruntime"] = onnxruntime.__version__
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(folder + "/model.onnx", options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"input": x})[0]


def torch_call():
    sys.path.insert(0, folder)
    import network
    import torch

    versions["torch"] = torch.__version__
    torch.set_num_threads(threads)
    module = network.load().to(memory_format=torch.channels_last)
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
