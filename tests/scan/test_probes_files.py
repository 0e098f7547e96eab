"""A user's own probe file: found, checked without torch, and told of when it is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import UserError, Where
from workbench.scan.probes.probe import check_probe, find_probe, probe_identity

GOOD = """\
from dataclasses import dataclass
from pathlib import Path

from workbench.scan.probes.items import Item, halved


def probe(*, weight: float = 1.0, words: list[str] = ["a", "b"], file: Path | None = None):
    return Words(weight, words)


@dataclass
class Words:
    weight: float
    words: list[str]
    needs_generation = True
    metrics = ("length",)
    floors = {}

    def items(self, count, *, seed, split):
        rows = [Item(word, word, len(word)) for word in self.words]
        return halved(rows, count, seed=seed, split=split)

    def ask(self, item, encoder):
        return 1 / 0

    def score(self, item, replies):
        return {"length": self.weight * len(replies)}
"""
RECIPE = 7


def told(folder: Path, source: str, options: dict[str, Any] | None = None) -> tuple[str, str, int]:
    """The one problem of a probe file, as text, file name and line."""
    (folder / "mine.py").write_text(source)
    recipe = Where(str(folder / "recipe.yaml"), RECIPE)
    (problem,) = check_probe("mine.py", options or {}, recipe)
    assert problem.where is not None
    return str(problem), Path(problem.where.file).name, problem.where.line


def test_a_file_beside_the_recipe_is_a_probe(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(GOOD)
    options = {"weight": 2, "words": ["x", "yy", "z"]}
    assert check_probe("mine.py", options, Where(str(tmp_path / "recipe.yaml"), 1)) == []
    probe = find_probe("mine.py", options, beside=tmp_path)
    (item,) = probe.items(9, seed=0, split="held-out")
    assert probe.score(item, "four") == {"length": 8.0}
    with pytest.raises(UserError) as caught:
        probe.ask(item, None)  # type: ignore[arg-type]
    (problem,) = caught.value.problems
    assert "ZeroDivisionError" in str(problem)
    assert problem.where is not None and problem.where.line == 1 + GOOD[
        : GOOD.index("1 / 0")
    ].count("\n")


@pytest.mark.parametrize(
    ("old", "new", "line_of", "part"),
    [
        ("def items(self, count", "def items(self count", "def items", "no Python"),
        ("@dataclass\n", "@dataclas\n", "@dataclas", "NameError"),
        ("from pathlib", "import no_such_module\nfrom pathlib", "import no_such", "no_such_module"),
        ("return Words(weight, words)", "return weight / 0", "weight / 0", "ZeroDivisionError"),
        ("def score", "def scores", "def probe", "has no score"),
        ('("length",)', '["length"]', "def probe", "not a tuple"),
        ("floors = {}", "floors = {'lenght': 1}", "def probe", "floors"),
        ("rows = [", "rows = [][0] or [", "rows = [", "IndexError"),
        ("import dataclass", "import dataclass\nraise SystemExit(3)", "raise System", "SystemExit"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line_of: str, part: str
) -> None:
    source = GOOD.replace(old, new, 1)
    text, file, line = told(tmp_path, source)
    assert part in text and "Traceback" not in text
    assert (file, line) == ("mine.py", 1 + source[: source.index(line_of)].count("\n"))


def test_a_file_without_the_function_names_the_likely_one(tmp_path: Path) -> None:
    text, file, _ = told(tmp_path, GOOD.replace("def probe(", "def prob("))
    assert "did you mean prob?" in text and file == "mine.py"


def test_items_in_both_splits_are_told(tmp_path: Path) -> None:
    text, *_ = told(
        tmp_path, GOOD.replace("return halved(rows, count, seed=seed, split=split)", "return rows")
    )
    assert "in both splits" in text


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"wieght": 1.0}, ["unknown option 'wieght'", "did you mean weight?"]),
        ({"weight": "heavy"}, ["option weight", "'heavy'"]),
        ({"words": [1]}, ["option words"]),
        ({"file": "no.jsonl"}, ["there is no file no.jsonl"]),
    ],
)
def test_a_wrong_option_is_told_at_the_recipes_line(
    tmp_path: Path, options: dict[str, Any], parts: list[str]
) -> None:
    text, file, line = told(tmp_path, GOOD, options)
    assert (file, line) == ("recipe.yaml", RECIPE)
    assert all(part in text for part in parts)


def test_identity_follows_content_not_place(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
        (folder / "mine.py").write_text(GOOD)
        (folder / "rows.jsonl").write_text("{}\n")
    first, second = (probe_identity("mine.py", {"file": "rows.jsonl"}, beside=f) for f in folders)
    assert first == second and str(tmp_path) not in str(first)
    (folders[1] / "rows.jsonl").write_text("{}\n{}\n")
    assert probe_identity("mine.py", {"file": "rows.jsonl"}, beside=folders[1]) != first
    (folders[0] / "mine.jsonl").write_text("{}\n")
    assert probe_identity("mine.py", {"file": "rows.jsonl"}, beside=folders[0]) != first


def test_identity_follows_the_modules_that_make_the_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    probe = tmp_path / "mine.py"
    found = []
    for rows in ("", "EXTRA = 1", ""):
        (tmp_path / "maker_of_items.py").write_text(rows)
        probe.write_text(f"import json\nimport maker_of_items\n{GOOD}")
        found.append(probe_identity(str(probe), {}))
    probe.write_text(f"import json\n{GOOD}")
    assert found[0] == found[2] != found[1]
    assert probe_identity(str(probe), {}) not in found


def test_checking_needs_no_torch() -> None:
    code = """
import sys
from workbench.errors import Where
from workbench.scan.probes.probe import check_probe
for name in ("math-guess", "emotion", "logit_rating", "lm", "multiple-choice", "task:sums_choice"):
    assert check_probe(name, {}, Where("recipe.yaml", 1)) == [], name
(typo,) = check_probe("math-gess", {}, Where("recipe.yaml", 4))
assert "recipe.yaml:4" in str(typo) and "did you mean math-guess?" in str(typo)
(typo,) = check_probe("task:sums_choise", {}, Where("recipe.yaml", 5))
assert "recipe.yaml:5" in str(typo) and "did you mean sums_choice?" in str(typo)
(wrong,) = check_probe("task:sums_choice", {"num_fewshots": 2}, None)
assert "did you mean num_fewshot?" in str(wrong)
assert not {"torch", "lm_eval", "transformers"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
