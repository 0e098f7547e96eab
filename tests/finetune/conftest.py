"""Small data and untrained tiny bases for the training tests."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.finetune.config import FinetuneConfig


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[..., Path]:
    """``write_rows(rows, name)``: a JSONL file of the test's own."""

    def write(rows: list[Any], name: str = "data.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def sums() -> list[dict[str, str]]:
    """Forty sums as prompt and completion."""
    draw = random.Random(0)
    pairs = [(draw.randint(0, 99), draw.randint(0, 99)) for _ in range(40)]
    return [
        {"prompt": f"What is {a} plus {b}?\nAnswer:", "completion": f" {a + b}"} for a, b in pairs
    ]


@pytest.fixture
def preferences(sums: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same sums with a right and a wrong answer."""
    return [
        {"prompt": r["prompt"], "chosen": r["completion"], "rejected": r["completion"] + "1"}
        for r in sums
    ]


@pytest.fixture
def settings() -> Callable[..., FinetuneConfig]:
    """``settings(path, type, **fields)``: a short fine-tune of one data file."""

    def make(path: Path, kind: str = "prompt_completion", **fields: Any) -> FinetuneConfig:
        given = {
            "base_model": "tiny",
            "datasets": [{"path": str(path), "type": kind}],
            "lora_r": 4,
            "learning_rate": 5e-3,
            "micro_batch_size": 4,
            "max_steps": 4,
            "logging_steps": 2,
            "save_steps": 100,
            **fields,
        }
        return FinetuneConfig.model_validate(given)

    return make


@pytest.fixture(scope="session")
def base(tiny_folder: Callable[..., Path]) -> Callable[[str], tuple[Any, Any]]:
    """``base(arch)``: an untrained model, loaded once for the session, and its tokenizer.

    Train on ``share(model)`` only.
    """
    loaded: dict[str, tuple[Any, Any]] = {}

    def load(arch: str = "qwen2") -> tuple[Any, Any]:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        if arch not in loaded:
            folder = tiny_folder(arch)
            model = AutoModelForCausalLM.from_pretrained(folder).eval()
            loaded[arch] = (model, AutoTokenizer.from_pretrained(folder))
        return loaded[arch]

    return load
