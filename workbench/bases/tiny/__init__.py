"""Tiny bases: real architectures of about a million parameters, trained by this project.

This module imports nothing heavy: names and folders are needed before any model is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

_HERE = Path(__file__).parent

#: Bases that can add: what a recipe calls them, and their folder. The first has Qwen2's
#: architecture, which most of the work is about.
_SUMS = {
    "tiny/sums": "sums/qwen2",
    "tiny/sums-qwen3": "sums/qwen3",
    "tiny/sums-llama": "sums/llama",
    "tiny/sums-mistral": "sums/mistral",
    "tiny/sums-gemma3": "sums/gemma3",
    "tiny/sums-phi3": "sums/phi3",
}
#: A base with a block that helps when it is repeated, and one without.
_PLANTED = {"tiny/planted": "planted/looped", "tiny/planted-none": "planted/plain"}
#: Bases alike but for one cause, of which every one comes with the same three seeds.
Cause = Literal[
    "clean",
    "contaminated",
    "instruction",
    "task_format",
    "other_template",
    "overtrained",
    "badly_scaled",
    "dead_layers",
    "digit_merging",
    "latent",
]
CAUSES: tuple[Cause, ...] = get_args(Cause)
CAUSE_SEEDS = (0, 1, 2)
_CAUSES = {
    f"tiny/cause-{cause}-{seed}": f"causes/shipped/{cause}-{seed}"
    for cause in CAUSES
    for seed in CAUSE_SEEDS
}


def names() -> list[str]:
    """The tiny bases that are shipped."""
    return [*_SUMS, *_PLANTED, *_CAUSES]


def sums_names() -> list[str]:
    """Those of :func:`names` that were pretrained on sums."""
    return list(_SUMS)


def cause_names() -> list[str]:
    """Those of :func:`names` that are alike but for a planted cause."""
    return list(_CAUSES)


def shipped_folder(name: str) -> Path:
    """The checkpoint folder of one of :func:`names`; raises ``KeyError`` for any other."""
    return _HERE / (_SUMS | _PLANTED | _CAUSES)[name]
