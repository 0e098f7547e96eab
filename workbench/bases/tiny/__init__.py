"""Tiny bases: real architectures of about a million parameters, trained by this project.

This module imports nothing heavy: names and folders are needed before any model is.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent

#: What a recipe calls them; the first is Qwen2's, the architecture most of the work is about.
_ARCH = {
    "tiny/sums": "qwen2",
    "tiny/sums-qwen3": "qwen3",
    "tiny/sums-llama": "llama",
    "tiny/sums-mistral": "mistral",
    "tiny/sums-gemma3": "gemma3",
    "tiny/sums-phi3": "phi3",
}


def names() -> list[str]:
    """The tiny bases that are shipped."""
    return list(_ARCH)


def shipped_folder(name: str) -> Path:
    """The checkpoint folder of one of :func:`names`; raises ``KeyError`` for any other."""
    return _HERE / "sums" / _ARCH[name]
