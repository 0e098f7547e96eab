"""Helpers for merge tests: two or three tiny models, and reading their tensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def three(tiny_folder: Callable[..., Path]) -> Callable[[str], dict[str, Path]]:
    """``three(arch)``: the models ``a``, ``b`` and ``c`` of one architecture."""
    return lambda arch: {name: tiny_folder(arch, seed) for seed, name in enumerate("abc")}
