"""A folder with a data file and a tiny base, and recipes written into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.errors import Problem, UserError
from workbench.recipe.check import checked_plan
from workbench.recipe.load import LoadedRecipe, load_recipe

ROW = '{"prompt": "1+1=", "completion": "2"}\n'


@pytest.fixture(scope="session")
def qwen(tiny_folder: Callable[..., Path]) -> Path:
    """A whole checkpoint of six layers."""
    return tiny_folder("qwen2")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qwen: Path) -> Path:
    """The working folder of a test: ``data.jsonl`` and the checkpoint ``base`` are in it."""
    (tmp_path / "data.jsonl").write_text(ROW * 20, encoding="utf-8")
    (tmp_path / "base").symlink_to(qwen)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def load(bench: Path) -> Callable[..., LoadedRecipe]:
    """``load(text, *sets)`` loads ``text`` as ``recipe.yaml`` of the working folder."""

    def read(text: str, *sets: str) -> LoadedRecipe:
        Path("recipe.yaml").write_text(text, encoding="utf-8")
        return load_recipe(Path("recipe.yaml"), sets)

    return read


@pytest.fixture
def faults(load: Callable[..., LoadedRecipe]) -> Callable[..., list[Problem]]:
    """``faults(text, *sets)``: the problems of a recipe that must not pass."""

    def read(text: str, *sets: str) -> list[Problem]:
        with pytest.raises(UserError) as caught:
            checked_plan(load(text, *sets))
        assert caught.value.exit_code == 2
        return list(caught.value.problems)

    return read
