"""A small leaderboard export in the leaderboard's own columns, on bases of the real catalogue."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

#: Base, the maker's instruct model, its level in points.
BASES = (
    ("Qwen/Qwen2-7B", "Qwen/Qwen2-7B-Instruct", 24.0),
    ("Qwen/Qwen2.5-7B", "Qwen/Qwen2.5-7B-Instruct", 25.0),
    ("01-ai/Yi-1.5-9B", "01-ai/Yi-1.5-9B-Chat", 22.0),
    ("deepseek-ai/deepseek-llm-7b-base", "deepseek-ai/deepseek-llm-7b-chat", 14.0),
    ("meta-llama/Meta-Llama-3-8B", "meta-llama/Meta-Llama-3-8B-Instruct", 13.0),
    ("meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct", 14.0),
    ("google/gemma-2-9b", "google/gemma-2-9b-it", 21.0),
    ("mistralai/Mistral-7B-v0.1", "mistralai/Mistral-7B-Instruct-v0.1", 14.5),
)
SCORES = ("IFEval", "BBH", "MATH Lvl 5", "GPQA", "MUSR", "MMLU-PRO")
TYPES = ("🔶 fine-tuned on domain-specific datasets", "💬 chat models (RLHF, DPO, IFT, ...)")


def rows(tunes: int = 6, seed: int = 0) -> list[dict[str, Any]]:
    """Bases, instruct models and ``tunes`` fine-tunes of each base, as the export has them."""
    rng = np.random.default_rng(seed)
    found = []
    for place, (base, instruct, level) in enumerate(BASES):
        found.append(_row(rng, base, base, level, "🟢 pretrained", place))
        found.append(_row(rng, instruct, base, level + 6, TYPES[1], place))
        for tune in range(tunes):
            name = f"user{(place + 3 * tune) % 11}/{base.split('/')[1]}-tune-{tune}"
            score = level + rng.normal(4, 3)
            found.append(_row(rng, name, base, score, TYPES[tune % 2], place + tune))
    return found


def write(path: Path, table: list[dict[str, Any]]) -> Path:
    """The rows as CSV; returns ``path``."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return path


def _row(
    rng: np.random.Generator, name: str, base: str, level: float, kind: str, day: int
) -> dict[str, Any]:
    scores = np.round(np.clip(level + rng.normal(0, 4, 6), 0, 95), 2)
    return {
        "T": kind[0],
        "Model": name,
        "Average ⬆️": round(float(scores.mean()), 2),
        **dict(zip(SCORES, scores, strict=True)),
        "Type": kind,
        "Architecture": "LlamaForCausalLM",
        "Precision": "bfloat16",
        "Not_Merged": True,
        "#Params (B)": 7,
        "Hub ❤️": 3,
        "Available on the hub": True,
        "Model sha": name.encode().hex()[:40],
        "Flagged": True,
        "MoE": True,
        "Submission Date": f"2024-{6 + day % 4:02d}-{1 + day:02d}",
        "Upload To Hub Date": f"2024-{5 + day % 4:02d}-{1 + day:02d}",
        "Chat Template": kind.startswith("💬"),
        "fullname": name,
        "Base Model": base,
    }
