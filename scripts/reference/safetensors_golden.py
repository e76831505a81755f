"""A small file written by the safetensors library, as a golden file for test/checkpoint/safetensors.test.ts.

Run in an environment with safetensors and numpy:  python scripts/reference/safetensors_golden.py
Writes test/golden/reference.safetensors (every element type that is read) and prints what it holds. With a path as its
argument it instead reads that file (one this package wrote) and prints its contents.
"""

import json
import pathlib
import struct
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

OUT = pathlib.Path(__file__).parents[2] / "test" / "golden" / "reference.safetensors"


def tensors():
    return {
        "f64": np.array([[np.pi, -0.0], [1e300, 5e-324]], dtype=np.float64),
        "f32": np.array([1.5, -2.25, np.inf, np.nan], dtype=np.float32),
        "f16": np.array([0.0, -1.0, 65504, 6e-8, 0.333251953125, np.inf], dtype=np.float16),
        "i64": np.array([-(2**63), 2**63 - 1], dtype=np.int64),
        "u64": np.array([2**64 - 1], dtype=np.uint64),
        "i32": np.array([-(2**31), 7], dtype=np.int32),
        "u32": np.array([2**32 - 1], dtype=np.uint32),
        "i16": np.array([-32768, 5], dtype=np.int16),
        "u16": np.array([65535], dtype=np.uint16),
        "i8": np.array([-128, 127], dtype=np.int8),
        "u8": np.array([0, 255, 3], dtype=np.uint8),
        "bool": np.array([True, False], dtype=np.bool_),
        "scalar": np.array(42, dtype=np.float32),
        "empty": np.zeros((0, 3), dtype=np.float32),
        "größe/1": np.array([1], dtype=np.uint8),
    }


def add_bfloat(path):
    """numpy has no bfloat16: appends a tensor of it by hand, in the format's own terms."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    values = struct.pack("<4H", 0x3F80, 0xC049, 0x7F80, 0x0001)  # 1, -3.140625, inf, 2^-133
    header["bf16"] = {"dtype": "BF16", "shape": [4], "data_offsets": [len(body), len(body) + len(values)]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body + values)


def show(path):
    with safe_open(path, framework="np") as f:
        print(json.dumps(f.metadata()))
        for name in f.keys():
            tensor = f.get_tensor(name)
            print(name, tensor.dtype, list(tensor.shape), tensor.ravel()[:4].tolist())


def main():
    if len(sys.argv) > 1:
        show(sys.argv[1])
        return
    save_file(tensors(), OUT, metadata={"made by": "safetensors", "quote": 'a "b" \\ ü'})
    add_bfloat(OUT)
    print(f"{OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
