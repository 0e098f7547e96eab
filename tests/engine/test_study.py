"""A study run: written down beforehand, holes shown, findings kept, killed and gone on with."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from tests.engine.conftest import Ran, Workbench, started
from tests.engine.test_kill_and_resume import stopped_at

#: Phi-3 has one fused projection and no ``q_proj``: there the treatment fails.
RECIPE = """\
name: four
seeds: [0]
bases:
  qwen2: {base_model: tiny/sums}
  llama: {base_model: tiny/sums-llama}
  mistral: {base_model: tiny/sums-mistral}
  phi3: {base_model: tiny/sums-phi3}
study:
  question: Does the rest go on?
  bases:
    qwen2: {group: Chinese, family: Qwen2}
    llama: {group: others, family: Llama}
    mistral: {group: others, family: Mistral}
    phi3: {group: Chinese, family: Phi-3}
  treatment:
    tuned:
      finetune:
        base_model: base
        lora_r: 4
        lora_target_modules: [q_proj]
        max_steps: 2
        micro_batch_size: 8
        sequence_len: 64
        datasets: [{path: recipes/data/sums.jsonl, type: prompt_completion}]
  learning_rates: [1.0e-3, 2.0e-3]
  fixed_rate: 2.0e-3
  hypotheses: [tokenizer, learning_rate]
evaluate: {suite: quick, limit: 24}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "four.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def studied(workbench: Workbench, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The study, killed while it trains the second base, then run to its end."""
    home = tmp_path_factory.mktemp("home")
    with started(recipe, home) as process:
        code, _ = stopped_at(process, "llama-tuned: making", signal.SIGKILL)
    assert code == -signal.SIGKILL
    return workbench("run", str(recipe), home=home)


def test_a_treatment_that_fails_on_one_base_leaves_a_hole_and_the_others_go_on(
    studied: Ran,
) -> None:
    assert studied.code == 1 and "no linear layer 'q_proj'" in studied.err
    study = studied.results("four")["study"]
    assert {hole["base"] for hole in study["holes"]} == {"phi3"}
    final = next(one for one in study["estimands"] if one["name"] == "final")
    assert {row["base"] for row in final["bases"]} == {"qwen2", "llama", "mistral"}
    assert "hole: phi3" in studied.out.replace("\n", " ")
    assert "phi3-tuned" in (next(studied.home.glob("runs/four-*/report.html"))).read_text()


def test_one_base_is_loaded_once_and_probed_before_the_next_one(studied: Ran) -> None:
    log = next(studied.home.glob("runs/four-*/run.log")).read_text()
    # Once for each of the two processes that worked on it.
    assert log.count("loading tiny/sums-mistral") == 1
    assert log.index("mistral: probing learning_rate") < log.index("loading tiny/sums-phi3")


def test_what_was_found_before_the_kill_is_not_measured_again(studied: Ran) -> None:
    log = next(studied.home.glob("runs/four-*/run.log")).read_text()
    assert log.count("qwen2: probing tokenizer") == 1


def test_findings_are_those_of_the_probe_itself(studied: Ran) -> None:
    from workbench.bases.config import BaseConfig
    from workbench.bases.load import load_tokenizer
    from workbench.study.hypothesis import hypotheses
    from workbench.study.subject import Subject

    rows = studied.results("four")["study"]["hypotheses"]
    row = next(each for each in rows if each["name"] == "tokenizer")
    found = next(base for base in row["bases"] if base["base"] == "llama")
    tokenizer = load_tokenizer(BaseConfig(base_model="tiny/sums-llama"))
    probe = hypotheses()["tokenizer"]
    alone = probe.measure(
        Subject("llama", lambda: pytest.fail("needs no model"), tokenizer, options=probe.options)
    )
    assert found["value"] == alone.value


def test_registered_before_the_first_result_and_by_the_kill_unchanged(studied: Ran) -> None:
    registration = studied.results("four")["study"]["registration"]
    assert registration["results_then"] == 0 and registration["changed"] == []
    lines = (studied.home / "runs" / "studies" / "four.jsonl").read_text().splitlines()
    assert len(lines) == 1 and json.loads(lines[0])["hash"] == registration["hash"]


def test_a_study_changed_after_its_results_says_so(
    studied: Ran, workbench: Workbench, recipe: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(studied.home, home)
    ran = workbench("run", str(recipe), "--set", "study.margin=0.2", home=home)
    (change,) = ran.results("four")["study"]["registration"]["changed"]
    assert change["differences"] == ["margin: 0.03 → 0.2"]
    # Four bases, and both rates of three of them.
    assert change["results_seen"] == 10
    assert "changed after 10 results were seen" in ran.out.replace("\n", " ")


def test_tokens_and_bytes_are_told_a_base(studied: Ran) -> None:
    matched = studied.results("four")["study"]["matched"]
    assert set(matched["bases"]) == {"qwen2", "llama", "mistral"}
    rows = list(map(json.loads, Path("recipes/data/sums.jsonl").read_text().splitlines()))
    # Two steps of eight rows, in bytes of the mean row: the tokenizers here are one.
    mean = sum(len((row["prompt"] + row["completion"]).encode()) for row in rows) / len(rows)
    for read in matched["bases"].values():
        assert read["bytes"] == pytest.approx(16 * mean, rel=0.01) and read["steps"] == 2
    assert matched["matched"] is True
