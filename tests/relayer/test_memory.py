"""A path by reference costs the memory of its base: measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

MEASURE = """
import gc, json, psutil, torch
from workbench.bases.share import share
from workbench.bases.tiny.architectures import build
from workbench.relayer.reference import apply_path, storage_bytes
from workbench.relayer.write import unshare

def rss():
    gc.collect()
    return psutil.Process().memory_info().rss

ids = torch.arange(16)[None] + 5
def run(model):
    with torch.no_grad():
        return model(ids, use_cache=False).logits

base = build("qwen2", hidden_size=512, intermediate_size=2048)
warm = share(base)
apply_path(warm, (0, 1, 1, 2, 3, 4, 5))
run(base), run(warm)
del warm
measured = {"base_bytes": storage_bytes(base), "base_rss": rss()}
model = share(base)
apply_path(model, (*range(6), *range(6)))
run(model)
measured |= {"path_bytes": storage_bytes(model), "path_rss": rss()}
unshare(model)
run(model)
measured |= {"copied_bytes": storage_bytes(model), "copied_rss": rss()}
print(json.dumps(measured))
"""


def test_every_layer_twice_for_the_memory_of_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True, timeout=300
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["path_bytes"] == seen["base_bytes"] > 80e6
    assert abs(seen["path_rss"] / seen["base_rss"] - 1) < 0.01
    # The measurement would have seen a copy: giving each visit its own tensors doubles the layers.
    assert seen["copied_bytes"] > 1.9 * seen["base_bytes"]
    assert seen["copied_rss"] - seen["path_rss"] > 0.9 * seen["base_bytes"]
