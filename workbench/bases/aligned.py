"""Weights at addresses that make CPU arithmetic repeatable.

A safetensors file is mapped into memory, so where its header ends decides where each weight lies.
Matrix kernels take another order of summation at an odd address: on one machine the same
checkpoint saved with a header 8 bytes longer gave logits that differ by 1.8e-7. Models that shall
agree bit for bit therefore hold their weights at multiples of a cache line, in memory and on disk.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

#: Bytes: a cache line, the width of an AVX-512 register, and what torch's allocator gives.
LINE = 64


def align(model: nn.Module) -> int:
    """Move every CPU tensor of ``model`` that lies askew to an aligned address, in place.

    Parameters stay the same objects, so models that share them agree. Returns how many moved.
    """
    moved = 0
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.device.type == "cpu" and tensor.data_ptr() % LINE:
            tensor.data = tensor.data.clone()
            moved += 1
    return moved


def align_file(path: Path) -> None:
    """Pad a safetensors file's header with spaces until its data start at a multiple of a line.

    The format allows trailing spaces. The file is rewritten beside itself, then replaced; its
    tensors keep their bytes.
    """
    with path.open("rb") as source:
        header = source.read(int.from_bytes(source.read(8), "little"))
        padding = -(8 + len(header)) % LINE
        if not padding:
            return
        longer = header + b" " * padding
        beside = path.with_name(path.name + ".aligned")
        with beside.open("wb") as target:
            target.write(len(longer).to_bytes(8, "little"))
            target.write(longer)
            shutil.copyfileobj(source, target, 16 << 20)
    beside.replace(path)
