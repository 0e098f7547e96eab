"""A part of the items: the same questions as in the whole, nested, and called an estimate."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import StepFailed
from workbench.evaluate.config import EvaluateConfig, SequentialConfig
from workbench.evaluate.harness import evaluate
from workbench.evaluate.result import Evaluation
from workbench.evaluate.suites import load_suite
from workbench.progress import Silent

PRECISION = {"dtype": "float32", "quantisation": "none"}
SAME = ["item_id", "doc_hash", "prompt_hash", "score", "answer", "target"]


@pytest.fixture(scope="module")
def tiny(tiny_folder: Callable[..., Path]) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tiny_folder("qwen2")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    return model, AutoTokenizer.from_pretrained(folder)


@pytest.fixture
def drawn_suite(small_suite: Path) -> Path:
    """The small suite with few-shot examples that are drawn at random for each item."""
    file = small_suite.parent / "tasks" / "adds.yaml"
    file.write_text(file.read_text() + "num_fewshot: 2\n")
    small_suite.write_text(
        small_suite.read_text().replace("metric: acc", "metric: acc, strata: passage")
    )
    return small_suite


def score(tiny: tuple[Any, Any], suite: Path, **settings: Any) -> Evaluation:
    how = {name: settings.pop(name) for name in ("whole", "stopping") if name in settings}
    config = EvaluateConfig(suite=str(suite), **settings)
    return evaluate(*tiny, load_suite(suite), config, precision=PRECISION, progress=Silent(), **how)


def rows(made: Evaluation, task: str) -> dict[str, tuple[object, ...]]:
    table = made.samples[made.samples.task == task]
    return {row[0]: row for row in table[SAME].itertuples(index=False, name=None)}


@pytest.mark.parametrize("chat", [False, True])
def test_an_item_of_a_sample_is_asked_and_scored_as_in_the_whole(
    tiny: tuple[Any, Any], drawn_suite: Path, chat: bool
) -> None:
    whole = score(tiny, drawn_suite, apply_chat_template=chat)
    part = score(tiny, drawn_suite, apply_chat_template=chat, limit=10)
    for task in ("adds", "picks"):
        every, some = rows(whole, task), rows(part, task)
        assert len(every) == 24 and len(some) == 10
        assert all(every[name] == row for name, row in some.items())
        assert list(some) == [name for name in every if name in some], "the order of the data"
        assert part.scores[task].value == sum(row[3] for row in some.values()) / 10  # type: ignore[misc]
        assert (part.scores[task].n, part.scores[task].of) == (10, 24)
        assert part.scores[task].is_estimate and not whole.scores[task].is_estimate


def test_lm_eval_gives_the_same_for_the_same_places(
    tiny: tuple[Any, Any], small_suite: Path
) -> None:
    """Its own ``samples``, where no examples are drawn, score the items alike."""
    import lm_eval.evaluator

    from workbench.evaluate.scorer import Scorer
    from workbench.evaluate.tasks import build_tasks

    ours = rows(score(tiny, small_suite, limit=7), "adds")
    (adds, _) = build_tasks(load_suite(small_suite), 0)
    task = adds.task
    # Without what the workbench lays over the task's own reading of its items.
    del task.build_all_requests, task.doc_iterator
    results = lm_eval.evaluator.evaluate(
        lm=Scorer(*tiny, 8),
        task_dict={"tasks": {"adds": task}},
        samples={"adds": sorted(int(name) for name in ours)},
        bootstrap_iters=0,
    )
    theirs = {str(sample["doc_id"]): sample for sample in results["samples"]["adds"]}
    assert set(theirs) == set(ours)
    for name, row in ours.items():
        assert row[1:3] == (theirs[name]["doc_hash"], theirs[name]["prompt_hash"])
        assert row[3:5] == (theirs[name]["exact_match"], theirs[name]["filtered_resps"][0])


def test_samples_are_nested_stratified_and_alike_for_every_model(
    tiny: tuple[Any, Any], drawn_suite: Path
) -> None:
    import copy

    few = rows(score(tiny, drawn_suite, limit=6), "picks")
    more = rows(score(tiny, drawn_suite, limit=12), "picks")
    assert set(few) < set(more)
    for sample, each in ((few, 1), (more, 2)):
        passages = [name.split("-")[1] for name in sample]
        assert all(passages.count(passage) == each for passage in "456789")
    other = copy.deepcopy(tiny[0])
    other.lm_head.weight.data.mul_(-1)
    assert set(rows(score((other, tiny[1]), drawn_suite, limit=6), "picks")) == set(few)
    assert set(rows(score(tiny, drawn_suite, limit=6, seed=1), "picks")) != set(few)


def test_the_whole_after_the_sample_has_the_samples_batches(
    tiny: tuple[Any, Any], drawn_suite: Path
) -> None:
    part = score(tiny, drawn_suite, limit=10)
    whole = score(tiny, drawn_suite, limit=10, whole=True)
    assert part.conditions["tasks"]["adds"]["parts"] == [10]
    assert whole.conditions["tasks"]["adds"]["parts"] == [10, 24]
    assert part.fingerprint != whole.fingerprint
    assert whole.scores["adds"].n == 24 and not whole.scores["adds"].is_estimate
    for task in ("adds", "picks"):
        every = rows(whole, task)
        assert all(every[name] == row for name, row in rows(part, task).items())


def test_prompts_do_not_depend_on_what_was_asked_before(
    tiny: tuple[Any, Any], drawn_suite: Path
) -> None:
    score(tiny, drawn_suite, apply_chat_template=True, limit=5)
    after = score(tiny, drawn_suite, limit=5)
    from workbench.evaluate.prepared import prepared

    prepared.cache_clear()
    assert rows(score(tiny, drawn_suite, limit=5), "adds") == rows(after, "adds")


class Until:
    """Calls each score clear after a look that is laid down here."""

    def __init__(self, **looks: int) -> None:
        self.looks = looks
        self.seen: list[dict[str, int]] = []

    def clear(self, so_far: Evaluation) -> Collection[str]:
        self.seen.append({task: s.n for task, s in so_far.scores.items()})
        return [task for task, facts in so_far.looks.items() if facts["look"] >= self.looks[task]]

    def design(self, ends: tuple[int, ...]) -> dict[str, Any]:
        return {"ends": list(ends)}

    def quantile(self, ends: tuple[int, ...], look: int) -> float:
        return 3.0


def test_looks_end_each_task_by_itself(
    tiny: tuple[Any, Any], drawn_suite: Path, tmp_path: Path
) -> None:
    looks = SequentialConfig(looks=4)
    full = score(tiny, drawn_suite, sequential=looks)
    assert full.conditions["tasks"]["adds"]["parts"] == [6, 12, 18, 24]
    assert full.looks == {} and full.scores["adds"].n == 24

    until = Until(adds=2, picks=9)
    made = score(tiny, drawn_suite, sequential=looks, stopping=until)
    assert until.seen == [
        {"adds": 6, "picks": 6},
        {"adds": 12, "picks": 12},
        {"adds": 12, "picks": 18},
    ]
    assert made.conditions["tasks"]["adds"]["parts"] == [6, 12]
    assert made.looks["adds"] == {"look": 2, "ends": [6, 12, 18, 24]}
    assert made.looks["picks"]["look"] == 4
    assert (made.scores["adds"].n, made.scores["adds"].of) == (12, 24)
    assert made.scores["adds"].method.endswith("repeated interval at look 2 of 4")
    for task in ("adds", "picks"):
        every = rows(full, task)
        assert all(every[name] == row for name, row in rows(made, task).items())
    folder = tmp_path / "kept"
    folder.mkdir()
    made.save(folder)
    found = Evaluation.load(folder)
    assert (found.looks, found.scores) == (made.looks, made.scores)


def test_a_groups_limit_is_shared_by_its_members(
    tiny: tuple[Any, Any], small_suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lm_eval.tasks import TaskManager

    monkeypatch.setattr(
        "lm_eval.tasks.TaskManager",
        lambda include_path, include_defaults: TaskManager(
            include_path=include_path, include_defaults=False
        ),
    )
    tasks = small_suite.parent / "tasks"
    for name in ("adds", "picks"):
        text = (
            (tasks / f"{name}.yaml").read_text().replace(": picks.jsonl", f": {tasks}/picks.jsonl")
        )
        text = text.replace("adds.jsonl", f"{tasks}/adds.jsonl")
        (tasks / f"{name}.yaml").write_text(text.replace("shots.jsonl", f"{tasks}/shots.jsonl"))
    half = (tasks / "adds.jsonl").read_text().splitlines(keepends=True)[:12]
    (tasks / "adds.jsonl").write_text("".join(half))
    (tasks / "both.yaml").write_text("group: both\ntask: [adds, picks]\n")
    # Both give the metric of the other, too, so that one entry fits them.
    for name in ("adds", "picks"):
        file = tasks / f"{name}.yaml"
        file.write_text(file.read_text().replace("metric: exact_match", "metric: acc"))
    small_suite.write_text(
        "name: s\ninclude: tasks\ntasks: [{task: both, metric: acc, limit: 12}]\n"
    )
    from workbench.evaluate.prepared import Prepared

    suite = load_suite(small_suite)
    ready = Prepared(suite, EvaluateConfig(suite="s"), "")
    assert ready.limits == {"adds": 4, "picks": 8}
    assert Prepared(suite, EvaluateConfig(suite="s", limit=1), "").limits == {"adds": 1, "picks": 1}


def test_a_field_of_strata_that_items_lack_is_named(
    tiny: tuple[Any, Any], small_suite: Path
) -> None:
    small_suite.write_text(
        small_suite.read_text().replace("metric: acc", "metric: acc, strata: level")
    )
    with pytest.raises(StepFailed, match="no field 'level' to be stratified by"):
        score(tiny, small_suite, limit=3)
