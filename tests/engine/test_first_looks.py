"""Cheap first looks, end to end: samples beside whole parents, and scoring that ends when clear."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from tests.engine.conftest import ROOT, started
from tests.engine.test_kill_and_resume import stopped_at
from workbench.cli.app import invoke
from workbench.compare.looks import LookPlan, judge
from workbench.evaluate.sampling import nested_order

BASE = """\
name: looks
bases:
  tiny: {base_model: tiny/sums}
"""
OUTPUTS = """\
outputs:
  doubled:
    relayer: {model: tiny, blocks: [[2, 4]]}
  again:
    relayer: {model: doubled, blocks: [[0, 1]]}
"""
TUNED = """\
  tuned:
    finetune:
      base_model: tiny
      lora_r: 4
      datasets: [{path: recipes/data/sums.jsonl, type: prompt_completion}]
      learning_rate: 2.0e-3
      max_steps: 40
      micro_batch_size: 8
      sequence_len: 64
"""
WHOLE = BASE + OUTPUTS + TUNED
SUMS = ("sums_generate", "sums_choice")
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the recipe with some ``evaluate`` in the home of this file; its outputs by name."""
    monkeypatch.chdir(ROOT)

    def go(evaluate: str, where: Path = home, recipe: str = WHOLE) -> dict[str, Any]:
        file = tmp_path / "looks.yaml"
        file.write_text(f"{recipe}evaluate: {evaluate}\n")
        assert invoke(["run", str(file), "--home", str(where)]) == 0
        newest = max(where.glob("runs/looks-*/results.json"), key=os.path.getmtime)
        results = json.loads(newest.read_text())
        samples = pandas.read_parquet(newest.parent / "samples.parquet")
        return {
            "folder": newest.parent,
            "samples": samples.set_index(["output", "task", "item_id"])["score"],
            **{output["name"]: output for output in results["outputs"]},
        }

    return go


def sampled(task: str, n: int) -> set[str]:
    """The ids of the first items of the order in which the task is asked."""
    lines = (ROOT / "evals/tasks/sums" / f"{task}.jsonl").read_text().splitlines()
    ids = [str(json.loads(line).get("id", "")) for line in lines]
    names = ids if all(ids) and len(set(ids)) == len(ids) else [str(i) for i in range(len(ids))]
    return {names[place] for place in nested_order([""] * len(names), 0, task)[:n]}


def test_outputs_on_a_sample_beside_bases_on_all_items(run: Run, home: Path) -> None:
    before = run("{suite: quick, limit: 100}")
    assert not any("estimates" in before[name] for name in ("tiny", "tuned", "doubled", "again"))
    folders = set(home.glob("runs/evaluations/*"))
    after = run("{suite: quick, limit: 100, parents_whole: true}")
    new = {path.name for path in set(home.glob("runs/evaluations/*")) - folders}
    assert len(new) == 1 and next(iter(new)).startswith("base-tiny"), "outputs are not scored anew"
    for task in SUMS:
        assert [after["tiny"]["scores"][task][key] for key in ("n", "of")] == [400, 400]
        scores = after["samples"]
        for name in ("tuned", "doubled", "again"):
            score = after[name]["scores"][task]
            assert (score["n"], score["of"]) == (100, 400)
            mine, whole = scores[name, task], scores["tiny", task]
            assert set(mine.index) == sampled(task, 100)
            theirs = whole[mine.index]
            change = after[name]["versus"]["tiny"][task]
            assert change["delta"] == pytest.approx((mine - theirs).mean(), abs=1e-12)
            assert (change["n"], change["of"]) == (100, 400)
            # By least squares, which knows nothing of the estimator.
            design = np.c_[np.ones(100), theirs]
            fit = np.linalg.lstsq(design, mine, rcond=None)[0]
            estimate = after[name]["estimates"][task]
            assert estimate["value"] == pytest.approx(fit @ [1, whole.mean()], abs=1e-9)
            assert estimate["ci95"][0] <= estimate["value"] <= estimate["ci95"][1]
            assert (estimate["control"], estimate["n"], estimate["of"]) == (["tiny"], 100, 400)
            narrow = estimate["ci95"][1] - estimate["ci95"][0]
            assert narrow < score["ci95"][1] - score["ci95"][0]
        # A change against a parent on the sample, too, is the same as before.
        assert after["again"]["versus"]["doubled"] == before["again"]["versus"]["doubled"]
    assert after["doubled"]["estimates"]["sums_choice"]["factor"] > 1.05
    page = (after["folder"] / "report.html").read_text()
    assert "of 400, estimate" in page and "On all 400 items" in page and "items count as" in page


@pytest.mark.slow
def test_the_estimate_is_right_about_the_whole(run: Run) -> None:
    """What the sample said of all items, against scoring them all."""
    estimated = run("{suite: quick, limit: 100, parents_whole: true}")
    whole = run("{suite: quick}")
    inside = [
        estimate["ci95"][0] <= whole[name]["scores"][task]["value"] <= estimate["ci95"][1]
        for name in ("tuned", "doubled", "again")
        for task, estimate in estimated[name]["estimates"].items()
    ]
    assert len(inside) == 6 and sum(inside) >= 5
    assert "estimates" not in whole["doubled"]


def test_a_parents_whole_evaluation_on_the_shelf_is_used(run: Run, tmp_path: Path) -> None:
    home, alone = tmp_path / "other", BASE + OUTPUTS[: OUTPUTS.index("  again")]
    run("{suite: quick}", where=home, recipe=BASE)
    limited = run("{suite: quick, limit: 60}", where=home, recipe=alone)
    assert limited["tiny"]["scores"]["sums_choice"]["n"] == 60
    estimate = limited["doubled"]["estimates"]["sums_choice"]
    assert (estimate["n"], estimate["of"], estimate["control"]) == (60, 400, ["tiny"])


LOOKS = "{suite: quick, sequential: {looks: 5, margin: 0.05}}"


def test_an_output_is_scored_until_its_verdict_is_clear(run: Run) -> None:
    made = run(LOOKS)
    ends = (80, 160, 240, 320, 400)
    plan = LookPlan(ends, margin=0.05)
    # Bases, and what something is made from, go to the end; the last of a line may stop.
    assert "looks" not in made["tiny"] and "looks" not in made["doubled"]
    assert made["doubled"]["scores"]["sums_choice"]["n"] == 400
    early = 0
    for name, parent in (("tuned", "tiny"), ("again", "doubled")):
        for task in SUMS:
            looked, change = made[name]["looks"][task], made[name]["versus"][parent][task]
            stop = looked["look"]
            assert looked["ends"] == list(ends)
            assert change["n"] == made[name]["scores"][task]["n"] == ends[stop - 1]
            assert (change["look"], change["looks"], change["of"]) == (stop, 5, 400)
            mine, theirs = made["samples"][name, task], made["samples"][parent, task]
            verdicts = []
            for look in range(1, stop + 1):
                items = sorted(sampled(task, ends[look - 1]))
                judged = judge(theirs[items].to_numpy(), mine[items].to_numpy(), None, plan, look)
                verdicts.append(judged.verdict)
            assert all(verdict == "unclear" for verdict in verdicts[:-1])
            assert verdicts[-1] == change["verdict"]
            assert change["verdict"] != "unclear" or stop == 5
            assert judged.ci95 == pytest.approx(change["ci95"], abs=1e-12)
            early += stop < 5
    assert early >= 2
    assert made["tuned"]["versus"]["tiny"]["sums_choice"]["verdict"] == "higher"
    assert "look" in (made["folder"] / "report.html").read_text()


@pytest.mark.slow
def test_killed_between_looks_it_goes_on_and_ends_alike(
    run: Run, home: Path, tmp_path: Path
) -> None:
    whole = run(LOOKS)
    recipe = tmp_path / "killed.yaml"
    recipe.write_text(f"{BASE}{OUTPUTS}evaluate: {LOOKS}\n")
    other = tmp_path / "other"
    with started(recipe, other) as process:
        code, _ = stopped_at(process, "scoring again, look 2 of 5: 0", signal.SIGKILL)
    assert code == -signal.SIGKILL
    again = run(LOOKS, where=other, recipe=BASE + OUTPUTS)
    for name in ("tiny", "doubled", "again"):
        for key in ("scores", "versus", "looks"):
            assert again[name].get(key) == whole[name].get(key)
    assert again["samples"]["again"].equals(whole["samples"]["again"])
    # The same command finds everything there.
    stamps = {p: p.stat().st_mtime_ns for p in other.rglob("sealed.json")}
    run(LOOKS, where=other, recipe=BASE + OUTPUTS)
    assert stamps == {p: p.stat().st_mtime_ns for p in other.rglob("sealed.json")}
