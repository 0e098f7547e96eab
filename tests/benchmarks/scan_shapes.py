"""The scan's scheduler on layers of a real model's shape, random weights: hours of a full scan.

Some of the layers are enough: what a pass costs does not depend on how many there are, and the
passes of the full scan are counted. Run on a GPU:

    python tests/benchmarks/scan_shapes.py --shape 7b --nf4
    python tests/benchmarks/scan_shapes.py --shape 72b --layers 8 --nf4 --streamed

On a CPU only a toy shape ends in time: --shape toy.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from scan import items

from workbench.bases.config import BaseConfig
from workbench.bases.load import device, load_model
from workbench.scan import grid
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.limits import Work
from workbench.scan.schedule.sweep import sweep

#: hidden, intermediate, heads, key-value heads, layers: config.json of Qwen2-7B and Qwen2-72B.
SHAPES = {
    "toy": (64, 128, 4, 2, 12),
    "7b": (3584, 18944, 28, 4, 28),
    "72b": (8192, 29568, 64, 8, 80),
}


def write(shape: tuple[int, ...], layers: int, folder: Path) -> None:
    """A Qwen2 checkpoint of random 16-bit weights, a small vocabulary, ``layers`` layers."""
    from transformers import AutoModelForCausalLM, Qwen2Config

    hidden, intermediate, heads, kv_heads, _ = shape
    config = Qwen2Config(
        vocab_size=512,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        num_hidden_layers=layers,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        dtype="bfloat16",
    )
    with torch.device(device()):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="2GB")


def open_decoder(given: argparse.Namespace, folder: Path) -> Decoder:
    config = BaseConfig(base_model=str(folder / "model"), load_in_4bit=given.nf4)
    if not given.streamed:
        return Decoder(load_model(config))
    from workbench.scan.stream.streamed import open_streamed

    return open_streamed(config, work=folder / "work")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--layers", type=int, help="fewer than the model has, to fit and to end")
    parser.add_argument("--nf4", action="store_true")
    parser.add_argument("--streamed", action="store_true")
    parser.add_argument("--items", type=int, default=16)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--budget-mb", type=int, default=8000)
    given = parser.parse_args()
    shape = SHAPES[given.shape]
    layers = given.layers or shape[-1]
    paths = [grid.layers(block, layers) for block in grid.blocks(layers)]
    asked = items(given.items, given.length, given.length // 2)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write(shape, layers, folder / "model")
        decoder = open_decoder(given, folder)
        work = Work()
        sweep(decoder, paths[:3], asked, budget_bytes=given.budget_mb * 10**6)  # warm
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        sweep(decoder, paths, asked, budget_bytes=given.budget_mb * 10**6, work=work)
        seconds = time.perf_counter() - start
    full = grid.layer_passes(shape[-1], shared=True)
    each = seconds / (work.layer_passes / given.items)
    found: dict[str, Any] = {
        "shape": given.shape,
        "layers run": layers,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "nf4": given.nf4,
        "streamed": given.streamed,
        "items": given.items,
        "tokens an item": given.length,
        "passes an item": work.layer_passes // given.items,
        "layer tokens a second": round(work.layer_tokens / seconds),
        "seconds": round(seconds, 2),
        "peak GPU memory, GB": round(torch.cuda.max_memory_allocated() / 1e9, 2)
        if torch.cuda.is_available()
        else None,
        "paths of the full scan": grid.count(shape[-1]),
        "hours of the full scan, by its passes": round(each * full / 3600, 3),
        "seconds a path, by its passes": round(each * full / grid.count(shape[-1]), 3),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
