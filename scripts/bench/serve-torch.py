"""The rival of serve.mjs: the exported module in PyTorch, torchvision's transforms, FastAPI and uvicorn.

python serve-torch.py FOLDER THREADS    FOLDER has weights.py and weights.safetensors, as exportTorch writes them.
"""

import asyncio
import io
import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import torch
import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image
from torchvision.transforms import v2

folder, threads = sys.argv[1:]
sys.path.insert(0, folder)
import weights  # noqa: E402

torch.set_num_threads(int(threads))
network = weights.load().eval().to(memory_format=torch.channels_last)
facts = weights.PREPROCESSING
transform = v2.Compose(
    [
        v2.PILToTensor(),
        v2.CenterCrop((facts["height"], facts["width"])),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(facts["mean"], facts["std"]),
    ]
)
app = FastAPI()


one = ThreadPoolExecutor(1)  # several teams of threads at once are slower than one


def look(body):
    return transform(Image.open(io.BytesIO(body)).convert("RGB"))


def classify(image):
    with torch.inference_mode():
        probabilities = network(image[None]).softmax(1)[0]
    values, indices = probabilities.topk(5)
    top = [
        {"index": i, "label": weights.CLASS_NAMES[i], "probability": p}
        for p, i in zip(values.tolist(), indices.tolist())
    ]
    return {"predictions": [{**top[0], "top": top}]}


@app.post("/classify")
async def answer(request: Request):
    image = await run_in_threadpool(look, await request.body())
    return await asyncio.get_running_loop().run_in_executor(one, classify, image)


if __name__ == "__main__":
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1024)
    print(json.dumps({"url": f"http://127.0.0.1:{listening.getsockname()[1]}"}), flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
