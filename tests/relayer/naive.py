"""The independent reference: a fresh model of N' layers whose weights are copied in by hand."""

from __future__ import annotations

import re
from typing import Any

import torch

from workbench.bases.tiny.architectures import build

#: Repeats inside repeats, a drop (layer 4), and a jump back: nothing that one block could say.
PATH = (0, 1, 2, 3, 1, 2, 3, 2, 5)

_MIXED = ["sliding_attention", "full_attention", "full_attention"] * 2

#: Windows shorter than the test's texts, and kinds of layers that a wrong list would mix up.
SIZES: dict[str, dict[str, Any]] = {
    "qwen2": {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 3},
    "qwen3": {"use_sliding_window": True, "sliding_window": 8, "layer_types": _MIXED},
    "llama": {},
    "mistral": {"sliding_window": 8},
    "gemma3": {"sliding_window": 8, "layer_types": _MIXED},
    "phi3": {"sliding_window": 8},
}

IDS = torch.tensor([[(7 * k + 11) % 250 + 5 for k in range(24)], [k + 30 for k in range(24)]])


def naive(base: torch.nn.Module, arch: str, path: tuple[int, ...], **size: Any) -> torch.nn.Module:
    """Layer types spelt out by hand; the state dict filled name by name."""
    fields = {**SIZES[arch], **size, "num_hidden_layers": len(path)}
    types = getattr(base.config, "layer_types", None)
    if types is not None:
        fields["layer_types"] = [types[layer] for layer in path]
    model = build(arch, seed=99, **fields)
    source, filled = base.state_dict(), {}
    for name in model.state_dict():
        match = re.match(r"(.*\.layers\.)(\d+)(\..*)", name)
        taken = name if match is None else f"{match[1]}{path[int(match[2])]}{match[3]}"
        filled[name] = source[taken].clone()
    model.load_state_dict(filled, strict=True)
    return model


def logits(model: torch.nn.Module, *, use_cache: bool, ids: torch.Tensor = IDS) -> torch.Tensor:
    with torch.no_grad():
        return model(ids, use_cache=use_cache).logits


def stepwise(model: torch.nn.Module, ids: torch.Tensor = IDS) -> torch.Tensor:
    """Logits of every token, fed one by one through the KV cache."""
    cache, rows = None, []
    with torch.no_grad():
        for k in range(ids.shape[1]):
            out = model(ids[:, k : k + 1], past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            rows.append(out.logits)
    return torch.cat(rows, dim=1)


def greedy(model: torch.nn.Module, *, use_cache: bool) -> list[int]:
    with torch.no_grad():
        out = model.generate(
            IDS[:1], max_new_tokens=16, min_new_tokens=16, do_sample=False, use_cache=use_cache
        )
    return out[0, IDS.shape[1] :].tolist()
