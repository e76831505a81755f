"""One data loader in Python, a rival in scripts/bench/data.mjs: RandomResizedCrop(224) and a flip, to uint8 arrays.

    python scripts/bench/data.py RIVAL FOLDER

Speaks lines of JSON: first what it is ({"images", "cores", "versions"}, or {"unavailable"} where a package is missing), then for
each line `round` on standard input the seconds of one pass over the files, in an order of their paths. Every pass reads the files
anew (from the page cache), on one thread but for `dataloader`.
"""

import io
import json
import platform
import random
import re
import sys
import time
from importlib.metadata import version
from pathlib import Path

SIZE = 224
REPEATS = 5  # of the files in one pass of `dataloader`, whose workers take a moment to fill their queues


def bare(files):
    """The limit: the whole JPEG to RGB by libjpeg-turbo and nothing else (CMYK and PNG files, which it cannot, by Pillow)."""
    import simplejpeg
    from PIL import Image

    def one(file):
        data = file.read_bytes()
        if simplejpeg.is_jpeg(data) and simplejpeg.decode_jpeg_header(data)[2] != "CMYK":
            return simplejpeg.decode_jpeg(data, "RGB")
        return Image.open(io.BytesIO(data)).convert("RGB").tobytes()

    return each(files, one), ["simplejpeg"]


def libjpeg_turbo():
    """The version of libjpeg-turbo inside simplejpeg, which may be another than the system's."""
    from simplejpeg import _jpeg

    return re.search(rb"libjpeg-turbo version ([0-9.]+)", Path(_jpeg.__file__).read_bytes())[1].decode()


def pillow(files):
    """torchvision's default: decoded by Pillow, cropped and resized by Pillow."""
    import numpy

    transform, packages = pillow_transform()
    return each(files, lambda file: numpy.asarray(transform(file))), packages


def pillow_transform():
    from PIL import Image
    from torchvision import transforms

    augment = transforms.Compose([transforms.RandomResizedCrop(SIZE), transforms.RandomHorizontalFlip()])
    return lambda file: augment(Image.open(file).convert("RGB")), ["torchvision", "torch", "pillow"]


def tensors(files):
    """torchvision on uint8 tensors; its decoder's planes lie interleaved (channels-last), where resizing is fast."""
    from torchvision.io import ImageReadMode, decode_image
    from torchvision.transforms import v2

    augment = v2.Compose([v2.RandomResizedCrop(SIZE, antialias=True), v2.RandomHorizontalFlip()])

    def one(file):
        return augment(decode_image(str(file), ImageReadMode.RGB)).permute(1, 2, 0).contiguous()

    return each(files, one), ["torchvision", "torch"]


def opencv(files, interpolation):
    """OpenCV; INTER_LINEAR has no filter against aliasing (cheaper than what torchvision does), INTER_AREA averages."""
    import cv2
    import numpy

    cv2.setNumThreads(1)

    def one(file):
        image = cv2.imdecode(numpy.fromfile(file, numpy.uint8), cv2.IMREAD_COLOR_RGB)
        x, y, w, h = draw_crop(image.shape[1], image.shape[0])
        image = cv2.resize(image[y : y + h, x : x + w], (SIZE, SIZE), interpolation=getattr(cv2, interpolation))
        return cv2.flip(image, 1) if random.random() < 0.5 else image

    return each(files, one), ["opencv-python-headless"]


def draw_crop(width, height):
    """torchvision's RandomResizedCrop.get_params in plain Python, which is faster."""
    for _ in range(10):
        area = width * height * random.uniform(0.08, 1)
        ratio = (4 / 3) ** random.uniform(-1, 1)
        w, h = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if 0 < w <= width and 0 < h <= height:
            return random.randint(0, width - w), random.randint(0, height - h), w, h
    w, h = min(width, round(height * 4 / 3)), min(height, round(width * 4 / 3))
    return (width - w) // 2, (height - h) // 2, w, h


class Files:
    """The data set of `dataloader`."""

    def __init__(self, files):
        self.files = files
        self.transform, _ = pillow_transform()

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        import torch
        from torchvision.transforms.functional import pil_to_tensor

        return pil_to_tensor(self.transform(self.files[index]))


def dataloader(files):
    """`pillow` in PyTorch's DataLoader: two worker processes that stay, batches of 64, so all of a machine of two cores."""
    from torch.utils.data import DataLoader

    loader = DataLoader(Files(files * REPEATS), batch_size=64, num_workers=2, persistent_workers=True)

    def one_pass():
        for _ in loader:
            pass

    return one_pass, pillow_transform()[1]


def each(files, one):
    def one_pass():
        for file in files:
            one(file)

    return one_pass


RIVALS = {
    "bare": bare,
    "pillow": pillow,
    "tensors": tensors,
    "opencv-linear": lambda files: opencv(files, "INTER_LINEAR"),
    "opencv-area": lambda files: opencv(files, "INTER_AREA"),
    "dataloader": dataloader,
}


def main():
    name, folder = sys.argv[1:]
    files = sorted(Path(folder).rglob("*.JPEG"))

    def say(**message):
        print(json.dumps(message), flush=True)

    try:
        one_pass, packages = RIVALS[name](files)
    except ImportError as error:
        return say(unavailable=str(error))
    if "torch" in packages:
        import torch

        torch.set_num_threads(1)
    versions = {"python": platform.python_version(), **{package: version(package) for package in packages}}
    if name == "bare":
        versions["libjpeg-turbo"] = libjpeg_turbo()
    workers = name == "dataloader"
    say(images=len(files) * (REPEATS if workers else 1), cores=2 if workers else 1, versions=versions)
    for _ in sys.stdin:
        start = time.perf_counter()
        one_pass()
        say(seconds=time.perf_counter() - start)


if __name__ == "__main__":
    main()
