"""A run held against published entries, and every model scored without and with its template."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from workbench.leaderboard.published import read

from .conftest import ROOT, Ran, Workbench, environment

TABLE = """\
entry,snapshot,source,revision,precision,chat_template,average,sums_generate,sums_choice
me/child,2026-11,made up for this test,,float32,false,,,0.30
me/parent,2026-11,made up for this test,,bfloat16,true,,0.05,0.20
"""
RECIPE = """\
name: both
bases:
  sums: {base_model: tiny/sums}
  mute: {base_model: tiny/planted}
outputs:
  doubled:
    relayer: {model: sums, blocks: [[4, 6]]}
  other:
    relayer: {model: mute, blocks: [[4, 6]]}
evaluate: {suite: quick, limit: 60, apply_chat_template: both}
reproduces:
  - {entry: me/child, snapshot: 2026-11, output: doubled, margin: 0.2}
  - {entry: me/parent, snapshot: 2026-11, output: sums, margin: 0.2}
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    """Runs the recipe in a working folder that publishes entries for the suite ``quick``."""
    work = tmp_path_factory.mktemp("work")
    (work / "evals" / "published").mkdir(parents=True)
    (work / "evals" / "published" / "quick.csv").write_text(TABLE)
    (work / "both.yaml").write_text(RECIPE)

    def run() -> Ran:
        command = [sys.executable, "-m", "workbench", "run", "both.yaml", "--home", "home"]
        done = subprocess.run(
            command,
            cwd=work,
            env=environment(PYTHONPATH=str(ROOT)),
            capture_output=True,
            text=True,
            timeout=300,
        )
        return Ran(done.returncode, done.stdout, done.stderr, work / "home")

    return run


@pytest.fixture(scope="module")
def ran(both: Callable[..., Ran]) -> Ran:
    """The recipe run once."""
    done = both()
    assert done.code == 0, done.err
    return done


def _outputs(ran: Ran) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in ran.results("both")["outputs"]}


def _answers(ran: Ran, output: str, task: str, file: str) -> pandas.Series:
    (path,) = ran.home.glob(f"runs/both-*/{file}")
    rows = pandas.read_parquet(path)
    rows = rows[(rows.output == output) & (rows.task == task)]
    return rows.set_index("item_id").score.sort_index()


PLAIN, TEMPLATED = "samples.parquet", "samples_with_chat_template.parquet"


def test_each_model_is_scored_both_ways_or_says_why_not(ran: Ran) -> None:
    outputs = _outputs(ran)
    for name in ("sums", "doubled"):
        second = outputs[name]["with_chat_template"]
        assert second["conditions"]["chat_template"].startswith("sha256 ")
        score = second["scores"]["sums_choice"]
        assert score["n"] == 60
        assert score["value"] == pytest.approx(_answers(ran, name, "sums_choice", TEMPLATED).mean())
    for name in ("mute", "other"):
        assert outputs[name]["with_chat_template"] == {
            "missing": f"{name} has no chat template: scored without one only"
        }
    assert ran.results("both")["conditions"]["chat_template"] == "not applied"
    assert "sums" in outputs["doubled"]["with_chat_template"]["versus"]


def test_effects_are_those_of_the_items(ran: Ran) -> None:
    effects = _outputs(ran)["doubled"]["effects"]
    task = "sums_choice"
    c, p = (_answers(ran, name, task, PLAIN) for name in ("doubled", "sums"))
    ct, pt = (_answers(ran, name, task, TEMPLATED) for name in ("doubled", "sums"))
    against = effects["against"]["sums"]
    for found, items in (
        (effects["template"], ct - c),
        (against["without"], c - p),
        (against["with"], ct - pt),
        (against["interaction"], ct - c - pt + p),
    ):
        effect = found[task]
        assert effect["n"] == len(items) == 60
        assert effect["value"] == pytest.approx(items.mean())
        low, high = effect["ci95"]
        # Student's interval of the items' own differences, and half an item each way besides.
        assert high - low == pytest.approx(2 * 2.0 * items.std() / np.sqrt(60), rel=0.2, abs=0.08)
    assert _outputs(ran)["other"]["effects"]["template"] == {}
    assert set(_outputs(ran)["other"]["effects"]["against"]["mute"]["without"]) == {
        "sums_generate",
        "sums_choice",
    }


def test_an_entry_is_held_against_the_evaluation_under_its_own_condition(ran: Ran) -> None:
    child, parent = ran.results("both")["reproductions"]
    assert [each["entry"] for each in (child, parent)] == ["me/child", "me/parent"]
    plain = _answers(ran, "doubled", "sums_choice", PLAIN).mean()
    templated = _answers(ran, "sums", "sums_choice", TEMPLATED).mean()
    assert child["tasks"]["sums_choice"]["ours"] == pytest.approx(plain)
    assert parent["tasks"]["sums_choice"]["ours"] == pytest.approx(templated)
    assert child["missing"] == ["sums_generate"]
    unlike = {row["what"] for row in parent["conditions"] if row["differs"]}
    assert unlike == {"precision", "items"}
    task = child["tasks"]["sums_choice"]
    assert (task["n"], task["of"]) == (60, 400)


def test_the_published_difference_is_the_sum_of_its_parts(ran: Ran) -> None:
    child, parent = ran.results("both")["reproductions"]
    assert parent["parents"] == []
    (against,) = child["parents"]
    assert against["entry"] == "me/parent"
    assert against["chat_template"] == {"entry": False, "parent": True}
    gap = against["gap"]["sums_choice"]
    assert gap["published"] == pytest.approx(0.10)
    parts = sum(gap[part]["value"] for part in ("treatment", "template", "rest"))
    assert parts == pytest.approx(gap["published"])
    c, p = (_answers(ran, n, "sums_choice", PLAIN).mean() for n in ("doubled", "sums"))
    ct, pt = (_answers(ran, n, "sums_choice", TEMPLATED).mean() for n in ("doubled", "sums"))
    assert gap["treatment"]["value"] == pytest.approx((c - p + ct - pt) / 2)
    assert gap["template"]["value"] == pytest.approx((c - ct + p - pt) / 2)


def test_again_nothing_is_scored_although_one_has_no_template(
    ran: Ran, both: Callable[..., Ran]
) -> None:
    again = both()
    assert again.code == 0
    assert "nothing was made, nothing was scored again" in again.out
    assert "me/child (2026-11)" in again.out


def test_the_tiny_entry_is_reproduced_and_the_tampered_one_is_not(
    workbench: Workbench, tmp_path: Path
) -> None:
    ran = workbench("run", "recipes/leaderboard/tiny-entry.yaml", home=tmp_path / "home")
    assert ran.code == 0, ran.err
    results = ran.results("tiny-entry")
    found = {each["entry"]: each for each in results["reproductions"]}
    assert {entry: each["verdict"] for entry, each in found.items()} == {
        "workbench/planted-repeat": "reproduced",
        "workbench/planted-repeat-tampered": "not reproduced",
    }
    # The table holds what such a run gave, to the last decimal that it prints.
    rows = {row.entry: row for row in read("hops")}
    outputs = {each["name"]: each for each in results["outputs"]}
    for name, entry in (("planted", "tiny/planted"), ("repeat", "workbench/planted-repeat")):
        assert rows[entry].revision == outputs[name]["key"]
        for task, published in rows[entry].scores.items():
            assert outputs[name]["scores"][task]["value"] == pytest.approx(published, abs=0.0034)
    tampered = rows["workbench/planted-repeat-tampered"]
    for task, published in rows["workbench/planted-repeat"].scores.items():
        assert tampered.scores[task] == pytest.approx(published + 0.1)
    (against,) = found["workbench/planted-repeat"]["parents"]
    assert against["entry"] == "tiny/planted"
    for task in rows["tiny/planted"].scores:
        assert against["gap"][task]["template"] is None
        low, high = against["gap"][task]["rest"]["ci95"]
        assert low < 0 < high
    shown = workbench("show", "tiny-entry", home=tmp_path / "home").out
    assert "✓ repeat reproduces workbench/planted-repeat (2026-11)" in " ".join(shown.split())
