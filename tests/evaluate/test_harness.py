"""Scoring a model in memory: equal to lm-eval, honest about conditions, safe with any item."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from workbench.compare.paired import compare
from workbench.errors import StepFailed, UserError
from workbench.evaluate import network
from workbench.evaluate.config import EvaluateConfig
from workbench.evaluate.harness import evaluate
from workbench.evaluate.result import Evaluation
from workbench.evaluate.suites import load_suite
from workbench.progress import Silent, Tick

PRECISION = {"dtype": "float32", "quantisation": "none"}


class Recording(Silent):
    """Keeps what every bar was told."""

    def __init__(self) -> None:
        self.bars: list[tuple[str, int, list[int], set[str]]] = []

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        moves: list[int] = []
        notes: set[str] = set()
        self.bars.append((label, total, moves, notes))

        def tick(advance: int = 1, note: str = "") -> None:
            moves.append(advance)
            notes.add(note)

        yield tick


@pytest.fixture(scope="session")
def tiny(tiny_folder: Callable[..., Path]) -> tuple[Any, Any, Path]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tiny_folder("qwen2")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    return model, AutoTokenizer.from_pretrained(folder), folder


def score(tiny: tuple[Any, Any, Path], suite: Path, **settings: Any) -> Evaluation:
    model, tokenizer, _ = tiny
    config = EvaluateConfig(suite=str(suite), **settings)
    return evaluate(
        model, tokenizer, load_suite(suite), config, precision=PRECISION, progress=Silent()
    )


@pytest.mark.slow
def test_scores_and_answers_equal_the_lm_eval_command(
    tiny: tuple[Any, Any, Path], small_suite: Path, tmp_path: Path
) -> None:
    tasks = small_suite.parent / "tasks"
    adds = tasks / "adds.yaml"
    adds.write_text(adds.read_text() + "num_fewshot: 2\n")
    # An untrained model gets no sum right; right-by-chance targets make the score worth comparing.
    first = score(tiny, small_suite).samples
    said = first[first.task == "adds"].answer.tolist()
    rows = [json.loads(line) for line in (tasks / "adds.jsonl").open()]
    for row, answer in list(zip(rows, said, strict=True))[:9]:
        row["answer"] = answer
    (tasks / "adds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    ours = score(tiny, small_suite)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "lm_eval", "run", "--model", "hf"),
            *("--model_args", f"pretrained={tiny[2]},dtype=float32"),
            *("--tasks", "adds,picks", "--include_path", str(tasks), "--device", "cpu"),
            *("--batch_size", "8", "--seed", "0"),
            *("--output_path", str(tmp_path / "out"), "--log_samples"),
        ],
        # The command finds a task's items from the working folder, we from the task's own.
        cwd=tasks,
        env={**os.environ, "HF_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (results,) = (tmp_path / "out").rglob("results_*.json")
    theirs = json.loads(results.read_text())["results"]
    assert ours.scores["adds"].value == theirs["adds"]["exact_match,answer"] >= 9 / 24
    assert ours.scores["picks"].value == theirs["picks"]["acc,none"]
    printed = [line.split("|") for line in done.stdout.splitlines() if "|" in line]
    for task in ("adds", "picks"):
        (row,) = [cells for cells in printed if cells[1].strip() == task]
        assert row[7].strip() == f"{ours.scores[task].value:.4f}"
        (file,) = (tmp_path / "out").rglob(f"samples_{task}_*.jsonl")
        logged = [json.loads(line) for line in file.open()]
        logged.sort(key=lambda sample: sample["doc_id"])
        mine = ours.samples[ours.samples.task == task]
        for name in ("doc_hash", "prompt_hash"):
            assert mine[name].tolist() == [sample[name] for sample in logged]
    samples = ours.samples[ours.samples.task == "adds"]
    (file,) = (tmp_path / "out").rglob("samples_adds_*.jsonl")
    logged = sorted(map(json.loads, file.open()), key=lambda sample: sample["doc_id"])
    assert samples.answer.tolist() == [sample["filtered_resps"][0] for sample in logged]


def test_with_a_chat_template_equal_to_simple_evaluate(
    tiny: tuple[Any, Any, Path], small_suite: Path
) -> None:
    import lm_eval
    from lm_eval.tasks import TaskManager

    ours = score(tiny, small_suite, apply_chat_template=True, limit=10, batch_size=4)
    tasks = small_suite.parent / "tasks"
    picks = tasks / "picks.yaml"
    picks.write_text(picks.read_text().replace("picks.jsonl", str(tasks / "picks.jsonl")))
    theirs = lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": str(tiny[2]), "dtype": "float32"},
        tasks=["picks"],
        task_manager=TaskManager(include_path=str(tasks), include_defaults=False),
        apply_chat_template=True,
        samples={"picks": [int(place) for place in _places(ours, "picks", tasks)]},
        batch_size=4,
        device="cpu",
        bootstrap_iters=0,
    )
    assert theirs is not None
    assert ours.scores["picks"].value == theirs["results"]["picks"]["acc,none"]
    mine = ours.samples[ours.samples.task == "picks"].prompt_hash.tolist()
    assert mine == [sample["prompt_hash"] for sample in theirs["samples"]["picks"]]
    assert ours.conditions["chat_template"].startswith("sha256 ")
    plain = score(tiny, small_suite, limit=10, batch_size=4)
    with pytest.raises(StepFailed, match="chat_template"):
        compare(ours, plain)


def _places(made: Evaluation, task: str, tasks: Path) -> list[int]:
    """Where a sample's items lie in the data."""
    ids = [json.loads(line)["id"] for line in (tasks / f"{task}.jsonl").open()]
    return [ids.index(name) for name in made.samples[made.samples.task == task].item_id]


def test_again_is_equal_and_leaves_everything_as_it_was(
    tiny: tuple[Any, Any, Path], small_suite: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import random

    import numpy as np
    import torch

    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = (random.random(), np.random.rand(), torch.rand(1))
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    first = score(tiny, small_suite)
    assert (random.random(), np.random.rand(), torch.rand(1)) == expected
    second = score(tiny, small_suite)
    assert first.scores == second.scores
    assert first.samples.equals(second.samples)
    assert first.fingerprint == second.fingerprint
    assert compare(first, second)["adds"].delta == 0
    assert capfd.readouterr() == ("", "")


def test_save_and_load_give_the_same_back(
    tiny: tuple[Any, Any, Path], small_suite: Path, tmp_path: Path
) -> None:
    made = score(tiny, small_suite, limit=6)
    folder = tmp_path / "kept"
    folder.mkdir()
    made.save(folder)
    found = Evaluation.load(folder)
    assert found.samples.equals(made.samples)
    assert (found.samples.dtypes == made.samples.dtypes).all()
    assert found.scores == made.scores
    assert (found.conditions, found.notes) == (made.conditions, made.notes)
    file = folder / "evaluation.json"
    file.write_text(file.read_text().replace('"batch_size": 8', '"batch_size": 9'))
    with pytest.raises(StepFailed, match="not what was written"):
        Evaluation.load(folder)
    file.write_text("{")
    with pytest.raises(StepFailed, match="cannot be read"):
        Evaluation.load(folder)


def test_the_bar_counts_items(tiny: tuple[Any, Any, Path], small_suite: Path) -> None:
    progress = Recording()
    config = EvaluateConfig(suite=str(small_suite), limit=20)
    suite = load_suite(small_suite)
    evaluate(*tiny[:2], suite, config, precision=PRECISION, progress=progress, label="tuned")
    ((label, total, moves, notes),) = progress.bars
    assert (label, total, sum(moves), notes) == ("tuned", 40, 40, {"adds", "picks"})
    assert len(moves) > 4


def test_items_are_data(tiny: tuple[Any, Any, Path], small_suite: Path) -> None:
    """Jinja, HTML and paths in an item reach the prompt as they are; nothing in them runs."""
    evil = "{{ cycler.__init__.__globals__.os.abort() }}<script>x</script>../../etc {% raw %}\x00é"
    rows = [{"question": evil, "answer": evil} for _ in range(3)]
    file = small_suite.parent / "tasks" / "adds.jsonl"
    file.write_text("".join(json.dumps({**row, "n": i}) + "\n" for i, row in enumerate(rows)))
    samples = score(tiny, small_suite).samples
    assert samples[samples.task == "adds"].target.tolist() == [evil] * 3


def test_a_collapsed_model_is_named(tiny: tuple[Any, Any, Path], small_suite: Path) -> None:
    import copy

    import torch

    model = copy.deepcopy(tiny[0])
    with torch.no_grad():
        # Nothing of the prompt reaches the output: every position says the same.
        model.model.norm.weight.zero_()
    made = score((model, tiny[1], tiny[2]), small_suite)
    assert any(note.startswith("adds: collapsed") for note in made.notes)
    assert score(tiny, small_suite, limit=3).notes == ()


def test_a_model_of_no_numbers_is_named(tiny: tuple[Any, Any, Path], small_suite: Path) -> None:
    import copy

    import torch

    model = copy.deepcopy(tiny[0])
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    notes = score((model, tiny[1], tiny[2]), small_suite).notes
    assert "picks: 24 of 24 items have no finite likelihoods" in notes


def test_clusters_reach_the_interval_and_the_comparison(
    tiny: tuple[Any, Any, Path], small_suite: Path
) -> None:
    small_suite.write_text(
        small_suite.read_text().replace("metric: acc", "metric: acc, cluster: passage")
    )
    made = score(tiny, small_suite)
    assert made.scores["picks"].method.startswith("Wilson at the clusters'")
    assert made.samples[made.samples.task == "picks"].cluster.nunique() == 6
    assert compare(made, made)["picks"].method == "paired bootstrap over clusters"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("metric: acc", "metric: f1", "has no metric 'f1'"),
        ("metric: acc", "metric: acc, num_fewshot: 2", "has no examples to show"),
        ("metric: acc", "metric: acc, max_gen_toks: 2", "generates nothing"),
        ("metric: acc", "metric: acc, filter: strict", "no filter 'strict'"),
        ("task: picks", "task: pick", "no task called 'pick'"),
    ],
)
def test_settings_that_do_not_fit(
    tiny: tuple[Any, Any, Path],
    small_suite: Path,
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
    words: str,
) -> None:
    from lm_eval.tasks import TaskManager

    # lm-eval's own index takes many seconds, and none of these tasks is in it.
    monkeypatch.setattr(
        "lm_eval.tasks.TaskManager",
        lambda include_path, include_defaults: TaskManager(
            include_path=include_path, include_defaults=False
        ),
    )
    small_suite.write_text(small_suite.read_text().replace(old, new))
    with pytest.raises(UserError, match=words):
        score(tiny, small_suite)


def test_hub_data_that_is_not_cached_fails_at_once_with_the_command(
    tiny: tuple[Any, Any, Path], small_suite: Path
) -> None:
    task = small_suite.parent / "tasks" / "picks.yaml"
    text = task.read_text().replace("dataset_path: json", "dataset_path: allenai/nowhere")
    text = text.replace("dataset_kwargs: {data_files: {test: picks.jsonl}}\n", "")
    task.write_text(text)
    with pytest.raises(StepFailed) as caught:
        score(tiny, small_suite)
    (problem,) = caught.value.problems
    assert "hub cannot be reached" in problem.cause
    assert "load_dataset('allenai/nowhere')" in problem.remedy


def _answer_never(silence: threading.Event) -> None:
    silence.wait(20)
    raise OSError


def test_a_silent_network_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    silence = threading.Event()
    monkeypatch.setattr("socket.create_connection", lambda *a, **k: _answer_never(silence))
    monkeypatch.setattr(network, "PATIENCE", 0.2)
    network.hub_reachable.cache_clear()
    try:
        assert network.hub_reachable() is False
    finally:
        silence.set()
        network.hub_reachable.cache_clear()
