"""Small JPEG, PNG, BMP and Netpbm files of every kind that is read, with the pixels that Pillow gives them, for test/images/decode.test.ts.

Run in an environment with Pillow, NumPy and opencv-python-headless (for chroma samplings that Pillow cannot write):
python scripts/reference/images/decode.py
Writes test/golden/images/decode.json: of each file its bytes, size, the SHA-256 of Pillow's convert("RGB"), and a few pixels [x, y, r, g, b]; under
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

OUT = pathlib.Path(__file__).parents[3] / "test" / "golden" / "images" / "decode.json"


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


# BMP and Netpbm, by hand


def bmp(bits, size=(13, 11), top_down=False, core=False, masks=None, header=40, colors=0, alpha_masks=False):
    """A file of waves: indices of a palette of colours, or pixels of so many bits."""
    width, height = size
    values = picture(width, height, 4).astype(np.uint32)
    stride = (width * bits + 31) // 32 * 4
    rows = []
    for line in values if top_down else values[::-1]:
        if bits <= 8:
            index = line[:, 0] >> (8 - bits)
            shifts = (index[:, None] >> np.arange(bits - 1, -1, -1)) & 1
            row = np.packbits(shifts.astype(np.uint8)).tobytes()
        elif bits == 16:
            r, g, b = masks or (0x7C00, 0x3E0, 0x1F)
            green = bin(g).count("1")
            pixel = (line[:, 0] >> 3) * (r & -r) + (line[:, 1] >> (8 - green)) * (g & -g) + (line[:, 2] >> 3) * (b & -b)
            row = pixel.astype("<u2").tobytes()
        elif bits == 24:
            row = line[:, 2::-1].astype(np.uint8).tobytes()
        else:
            r, g, b = masks or (0xFF0000, 0xFF00, 0xFF)
            pixel = line[:, 0] * (r & -r) + line[:, 1] * (g & -g) + line[:, 2] * (b & -b)
            rest = 0xFFFFFFFF ^ (r | g | b)
            pixel = pixel + line[:, 3] * (rest & -rest)
            row = pixel.astype("<u4").tobytes()
        rows.append(row.ljust(stride, b"\0"))
    entry = 3 if core else 4
    count = (colors or 2**bits) if bits <= 8 else 0
    palette = b"".join(bytes([i * 89 % 256, i * 37 % 256, 255 - i * 11 % 256, 0])[:entry] for i in range(count))
    fields = b"" if masks is None else struct.pack("<3I", *masks)
    if core:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, -height if top_down else height, 1, bits,
                           0 if masks is None else 3, 0, 0, 0, colors, 0)
        info += (fields + (b"\0" * 4)).ljust(header - 40, b"\0")[:header - 40] if header > 40 else fields
    start = 14 + len(info) + len(palette)
    data = b"".join(rows)
    return struct.pack("<2sIHHI", b"BM", start + len(data), 0, 0, start) + info + palette + data


def bmp_runs(bits, runs, size=(13, 5)):
    palette = b"".join(bytes([i * 89 % 256, i * 37 % 256, 255 - i * 11 % 256, 0]) for i in range(2**bits))
    info = struct.pack("<IiiHHIIiiII", 40, *size, 1, bits, 1 if bits == 8 else 2, len(runs), 0, 0, 0, 0)
    start = 14 + len(info) + len(palette)
    return struct.pack("<2sIHHI", b"BM", start + len(runs), 0, 0, start) + info + palette + runs


def bmps():
    for bits in (1, 4, 8, 16, 24, 32):
        yield f"BMP of {bits} bits", bmp(bits)
    for bits in (1, 4, 8, 24):
        yield f"BMP of {bits} bits, of OS/2", bmp(bits, core=True)
    yield "BMP of 8 bits and 20 colours", bmp(8, size=(16, 9), colors=200)
    yield "BMP of 24 bits, from the top", bmp(24, top_down=True)
    yield "BMP of 16 bits, 5 6 5", bmp(16, masks=(0xF800, 0x07E0, 0x001F))
    yield "BMP of 16 bits, 5 5 5, named", bmp(16, masks=(0x7C00, 0x03E0, 0x001F))
    yield "BMP of 32 bits, blue last", bmp(32, masks=(0xFF000000, 0xFF0000, 0xFF00))
    yield "BMP of 32 bits, version 5", bmp(32, masks=(0xFF0000, 0xFF00, 0xFF), header=124)
    yield "BMP of 24 bits, version 4", bmp(24, header=108)
    yield "BMP of 8 bits in runs", bmp_runs(8, bytes([
        13, 7, 0, 0, 5, 200, 0, 3, 9, 8, 7, 0, 5, 1, 0, 0, 0, 4, 1, 2, 3, 4, 9, 77, 0, 0, 2, 5, 0, 2, 3, 1, 8, 60, 0, 1]))
    yield "BMP of 4 bits in runs", bmp_runs(4, bytes([
        13, 0x7A, 0, 0, 5, 0x20, 0, 3, 0x98, 0x70, 5, 0x11, 0, 0, 0, 6, 0x12, 0x34, 0x56, 0, 7, 0xEF, 0, 0, 13, 0xC3, 0, 0, 13, 0x5D, 0, 1]))


def netpbm(kind, highest, size=(13, 7), remark=b""):
    width, height = size
    channels = 3 if kind in (3, 6) else 1
    values = picture(width, height, channels).astype(np.int64) * (highest + 1) >> 8
    head = b"P%d\n%s%d %d\n" % (kind, remark, width, height) + (b"" if kind in (1, 4) else b"%d\n" % highest)
    if kind == 1:
        return head + b"\n".join(b"".join(b"%d" % v for v in line.ravel()) for line in values)
    if kind in (2, 3):
        return head + b"\n".join(b" ".join(b"%d" % v for v in line.ravel()) for line in values) + b"\n"
    if kind == 4:
        return head + np.packbits(values[:, :, 0].astype(np.uint8), axis=1).tobytes()
    return head + values.astype(">u2" if highest > 255 else np.uint8).tobytes()


def netpbms():
    for kind in (1, 4):
        yield f"Netpbm P{kind}", netpbm(kind, 1)
    for kind in (2, 3, 5, 6):
        for highest in (1, 100, 255, 1000, 65535):
            yield f"Netpbm P{kind} up to {highest}", netpbm(kind, highest)
    yield "Netpbm P5 with remarks", netpbm(5, 255, remark=b"# a remark\n#another\n")


def high_bytes(file):
    """Of Netpbm files of colour up to more than 255, which Pillow rounds to 8 bits: the upper 8 of 16."""
    words = file.split(b"\n", 3) if file[:2] in (b"P3", b"P6") else []
    if not words or int(words[2]) <= 255:
        return None
    width, height = map(int, words[1].split())
    values = (np.array(words[3].split(), np.int64) if file[:2] == b"P3" else np.frombuffer(words[3], ">u2"))
    scaled = np.rint(values / int(words[2]) * 65535).astype(np.int64)
    return (scaled >> 8).astype(np.uint8).reshape(height, width, 3)


def upright(file):
    with Image.open(io.BytesIO(file)) as image:
        image.load()
        shown = ImageOps.exif_transpose(image)
        if shown.mode in ("I", "I;16"):
            high = (np.asarray(shown) >> 8).astype(np.uint8)
            pixels = np.stack([high, high, high], 2)
        elif (found := high_bytes(file)) is not None:
            pixels = found
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
    cases = [case(name, file) for name, file in [*jpegs(), *pngs(), *bmps(), *netpbms()]]
    OUT.write_text("[\n" + ",\n".join(json.dumps(row) for row in cases) + "\n]\n")
    print(f"{len(cases)} files, {OUT.stat().st_size} bytes")
