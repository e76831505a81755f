"""Small JPEG and PNG files of every kind that is read, with the pixels that Pillow gives them, for test/images/decode.test.ts.

Run in an environment with Pillow, NumPy and opencv-python-headless (for chroma samplings that Pillow cannot write):
python scripts/reference/decode.py
Writes test/golden/decode.json: of each file its bytes, size, the SHA-256 of Pillow's convert("RGB"), and a few pixels [x, y, r, g, b]; under
"upright" size and SHA-256 of the same after ImageOps.exif_transpose, gray of 16 bits being its upper 8.
"""

import base64
import hashlib
import io
import json
import pathlib
import struct
import warnings
import zlib

import cv2
import numpy as np
from PIL import Image, ImageOps

OUT = pathlib.Path(__file__).parents[2] / "test" / "golden" / "decode.json"


def picture(width, height, channels):
    """Waves with edges: smooth enough for small files, with colour that changes within a block."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    waves = 128 + 90 * np.sin(0.11 * x * (c + 1) + 0.17 * y + c)
    return np.clip(waves + 40 * ((x // 9 + y // 7 + c) % 2), 0, 255).astype(np.uint8)


# JPEG


def pillow_jpeg(mode, size=(61, 45), **options):
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    pixels = picture(*size, channels)
    file = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels, mode).save(file, "JPEG", quality=80, **options)
    return file.getvalue()


def opencv_jpeg(sampling, size=(61, 45)):
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}")]
    return cv2.imencode(".jpg", picture(*size, 3), options)[1].tobytes()


def as_ycck(cmyk):
    """The same numbers under another colour transform, which Adobe's marker names in its last byte."""
    at = cmyk.index(b"Adobe") + 11
    return cmyk[:at] + b"\x02" + cmyk[at + 1:]


def without_adobe(cmyk):
    at = cmyk.index(b"Adobe") - 4
    return cmyk[:at] + cmyk[at + 16:]


def exif_of(orientation, order="<", kind=3):
    """A TIFF structure of two entries: ImageDescription, Orientation (kind 3: short, 4: long)."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    value = struct.pack(order + ("I" if kind == 4 else "HH"), *([orientation] if kind == 4 else [orientation, 0]))
    entries = struct.pack(order + "HHI4s", 0x010E, 2, 4, b"abc\0") + struct.pack(order + "HHI", 0x0112, kind, 1) + value
    return head + struct.pack(order + "H", 2) + entries + struct.pack(order + "I", 0)


def turned(orientation, **kinds):
    """An orientation, and a colour profile that is to be ignored."""
    exif = b"Exif\0\0" + exif_of(orientation, **kinds)
    return pillow_jpeg("RGB", size=(37, 26), exif=exif, icc_profile=b"no profile at all", comment=b"hello")


def jpegs():
    yield "JPEG gray", pillow_jpeg("L")
    yield "JPEG gray, progressive", pillow_jpeg("L", progressive=True)
    for name, sampling in (("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)):
        yield f"JPEG {name}", pillow_jpeg("RGB", subsampling=sampling)
        yield f"JPEG {name}, progressive", pillow_jpeg("RGB", subsampling=sampling, progressive=True)
    yield "JPEG 4:4:0", opencv_jpeg("440")
    yield "JPEG 4:1:1", opencv_jpeg("411")
    yield "JPEG RGB", pillow_jpeg("RGB", keep_rgb=True)
    yield "JPEG 4:2:0, restart markers in rows", pillow_jpeg("RGB", restart_marker_rows=1)
    yield "JPEG 4:2:0, restart markers in blocks", pillow_jpeg("RGB", restart_marker_blocks=3, progressive=True)
    yield "JPEG 4:2:0 of one pixel", pillow_jpeg("RGB", size=(1, 1))
    yield "JPEG 4:2:0 of 17 rows", pillow_jpeg("RGB", size=(16, 17))
    yield "JPEG CMYK", pillow_jpeg("CMYK")
    yield "JPEG CMYK without Adobe's marker", without_adobe(pillow_jpeg("CMYK"))
    yield "JPEG YCCK", as_ycck(pillow_jpeg("CMYK"))
    for orientation in range(0, 10):
        yield f"JPEG of orientation {orientation}, with a profile", turned(orientation)
    yield "JPEG of orientation 6, the high byte first", turned(6, order=">")
    yield "JPEG of orientation 8 in four bytes", turned(8, kind=4)
    yield "JPEG gray, progressive, of orientation 5", pillow_jpeg(
        "L", size=(37, 26), progressive=True, exif=b"Exif\0\0" + exif_of(5))
    yield "JPEG with more behind its end", pillow_jpeg("RGB") + b"more"


# PNG, by hand: Pillow writes few of the kinds it reads.

GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGB_ALPHA: 4}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed_rows(values, depth):
    """[height, width, channels] -> rows of whole bytes, each behind the filter "none"."""
    rows = b""
    for line in values.reshape(values.shape[0], -1):
        if depth == 16:
            row = line.astype(">u2").tobytes()
        else:
            bits = (line[:, None] >> np.arange(depth - 1, -1, -1)) & 1
            row = np.packbits(bits.astype(np.uint8)).tobytes()
        rows += b"\0" + row
    return rows


def png(color, depth, size=(13, 11), interlaced=False, chunks=b"", palette=None):
    width, height = size
    values = picture(width, height, CHANNELS[color]).astype(np.uint32) * 257 >> (16 - depth)
    if depth == 16:
        values = values * 7919 % 65536  # lower bytes of their own
        values[::3] %= 300  # Pillow cuts gray off above 255
    if palette is not None:
        chunks = chunk(b"PLTE", palette) + chunks
    passes = [values[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlaced else [values]
    data = zlib.compress(b"".join(packed_rows(part, depth) for part in passes if part.size > 0), 9)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    middle = len(data) // 2
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + chunk(b"IDAT", data[:middle])
            + chunk(b"IDAT", data[middle:]) + chunk(b"IEND", b""))


def pngs():
    names = {GRAY: "gray", RGB: "RGB", GRAY_ALPHA: "gray and alpha", RGB_ALPHA: "RGB and alpha"}
    for color, depths in ((GRAY, (1, 2, 4, 8, 16)), (RGB, (8, 16)), (GRAY_ALPHA, (8, 16)), (RGB_ALPHA, (8, 16))):
        for depth in depths:
            yield f"PNG {names[color]}, {depth} bits", png(color, depth)
            yield f"PNG {names[color]}, {depth} bits, interlaced", png(color, depth, interlaced=True)
    for depth in (1, 2, 4, 8):
        palette = bytes(i * 89 % 256 for i in range(3 * 2**depth))
        alpha = chunk(b"tRNS", bytes(i * 60 % 256 for i in range(2**depth)))
        yield f"PNG palette, {depth} bits", png(PALETTE, depth, palette=palette)
        yield f"PNG palette with alpha, {depth} bits, interlaced", png(
            PALETTE, depth, interlaced=True, palette=palette, chunks=alpha)
    yield "PNG palette shorter than its indices", png(PALETTE, 8, palette=bytes(range(60)))
    yield "PNG gray with a transparent value", png(GRAY, 8, chunks=chunk(b"tRNS", b"\0\x80"))
    yield "PNG RGB with a transparent value", png(RGB, 8, chunks=chunk(b"tRNS", b"\0\x80\0\x10\0\x20"))
    yield "PNG with gamma, text and background", png(
        RGB, 8, chunks=chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"bKGD", b"\0\1\0\2\0\3")
        + chunk(b"tEXt", b"Comment\0hello"))
    for orientation in (3, 6, 7):
        yield f"PNG of orientation {orientation}", png(RGB, 8, chunks=chunk(b"eXIf", exif_of(orientation)))
    yield "PNG of orientation 8, gray, 16 bits, interlaced", png(
        GRAY, 16, interlaced=True, chunks=chunk(b"eXIf", exif_of(8, order=">")))
    late = png(RGB, 8)
    yield "PNG of orientation 5, said behind its pixels", late[:-12] + chunk(b"eXIf", exif_of(5)) + late[-12:]
    yield "PNG of one pixel, interlaced", png(RGB, 8, size=(1, 1), interlaced=True)
    yield "PNG of 3 x 2, interlaced", png(GRAY, 1, size=(3, 2), interlaced=True)
    filtered = io.BytesIO()
    Image.fromarray(picture(40, 30, 3)).save(filtered, "PNG")
    yield "PNG of Pillow, filtered", filtered.getvalue()


def upright(file):
    with Image.open(io.BytesIO(file)) as image:
        image.load()
        shown = ImageOps.exif_transpose(image)
        if shown.mode == "I;16":
            high = (np.asarray(shown) >> 8).astype(np.uint8)
            pixels = np.stack([high, high, high], 2)
        else:
            pixels = np.asarray(shown.convert("RGB"))
    height, width, _ = pixels.shape
    return {"width": width, "height": height, "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()}


def case(name, file):
    with Image.open(io.BytesIO(file)) as image:
        pixels = np.asarray(image.convert("RGB"))
    height, width, _ = pixels.shape
    places = sorted({(0, 0), (width - 1, height - 1), (width // 2, height // 3)})
    return {"name": name, "width": width, "height": height, "sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
            "pixels": [[x, y, *map(int, pixels[y, x])] for x, y in places], "upright": upright(file),
            "file": base64.b64encode(file).decode()}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    cases = [case(name, file) for name, file in [*jpegs(), *pngs()]]
    OUT.write_text("[\n" + ",\n".join(json.dumps(row) for row in cases) + "\n]\n")
    print(f"{len(cases)} files, {OUT.stat().st_size} bytes")
