"""How much of a gain the best template gives without any training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.study.hypotheses.scored import frame, right, shuffled, subject
from workbench.study.hypotheses._arms import BEFORE, TREATMENT, Items, by_item, join
from workbench.study.hypotheses.template import SHARE, TemplateFit, _sample
from workbench.study.hypothesis import Finding
from workbench.study.questions.items import TEMPLATES
from workbench.study.subject import Subject

PROBE = TemplateFit()
ITEMS = Path(__file__).parents[3] / "evals" / "tasks" / "sums" / "sums_generate.jsonl"


def judged(scores: dict[str, np.ndarray], seed: int = 0) -> tuple[Finding, Items]:
    """What is said of ``scores``, by arm."""
    given = subject(frame(scores[BEFORE]), {}, seed)
    items = join({name: by_item(frame(each)) for name, each in scores.items()}, given)
    assert isinstance(items, Items)
    return PROBE._judge(items, seed, 0.05), items


def asked(default: float, best: float, after: float, count: int = 400) -> dict[str, np.ndarray]:
    return {
        BEFORE: right(default, count, 1),
        TREATMENT: right(after, count, 2),
        "template poor": right(0.05, count, 3),
        "template good": right(best, count, 4),
    }


def test_the_share_that_vanishes_on_the_other_half() -> None:
    found, items = judged(asked(0.1, 0.6, 0.9))
    second = items.half(False)
    default = second.of(BEFORE).mean()
    better = second.of("template good").mean() - default
    gain = second.of(TREATMENT).mean() - default
    assert found.value == pytest.approx(better / gain)
    assert found.n == len(second)
    assert found.parts["best"] == "good"
    assert found.ci95 is not None
    assert found.ci95[0] < better / gain < found.ci95[1]
    assert "Asked as 'good' it scores" in found.words
    assert PROBE.decide(judged(asked(0.1, 0.85, 0.9))[0], []) is True


def test_a_base_that_the_tasks_own_form_suits() -> None:
    found, _ = judged(asked(0.4, 0.2, 0.9))
    assert (found.value, found.ci95) == (0, (0, 0))
    assert found.parts["best"] == "the task's own"
    assert PROBE.decide(found, []) is False


def test_choosing_among_templates_is_not_rewarded() -> None:
    """Templates that differ by chance alone make nothing of a gain vanish, on average."""
    shares = []
    for seed in range(40):
        draw = np.random.default_rng(seed)
        scores = {BEFORE: draw.random(100) < 0.3, TREATMENT: draw.random(100) < 0.9}
        scores |= {f"template {n}": draw.random(100) < 0.3 for n in range(6)}
        found, _ = judged({name: each.astype(float) for name, each in scores.items()}, seed)
        shares.append(found.value or 0.0)
        assert PROBE.decide(found, []) is not True
    assert abs(np.mean(shares)) < 0.06


def test_no_share_is_taken_of_a_small_gain() -> None:
    found, _ = judged(asked(0.5, 0.6, 0.53))
    assert found.value is None
    assert "too little" in found.words
    assert PROBE.decide(found, []) is None


@pytest.mark.parametrize(
    ("interval", "said"),
    [((SHARE + 0.01, 1.0), True), ((SHARE - 0.1, SHARE + 0.1), None), ((0.0, SHARE), False)],
)
def test_the_rule(interval: tuple[float, float], said: bool | None) -> None:
    assert PROBE.decide(Finding(0.5, interval, 9, ""), []) is said


def test_a_sample_is_drawn_by_task_whatever_the_order() -> None:
    rows = pd.concat([frame(np.zeros(50), task="a"), frame(np.zeros(5), task="b")])
    kept = rows[_sample(rows, 10, 0)]
    assert kept.groupby("task").size().to_dict() == {"a": 10, "b": 5}
    mixed = shuffled(rows)
    again = mixed[_sample(mixed, 10, 0)]
    assert set(kept["task"] + kept["item_id"]) == set(again["task"] + again["item_id"])
    other = rows[_sample(rows, 10, 1)]
    assert set(kept["item_id"]) != set(other["item_id"])


@pytest.fixture(scope="module")
def sums() -> tuple[Any, Any]:
    """A shipped base and its tokenizer."""
    from workbench.bases.config import BaseConfig
    from workbench.bases.load import load_model, load_tokenizer

    config = BaseConfig(base_model="tiny/sums")
    return load_model(config), load_tokenizer(config)


def naive(model: Any, tokenizer: Any, text: str) -> str:
    """The greedy answer to one prompt, by the model's own generate."""
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    out = model.generate(ids, max_new_tokens=8, do_sample=False)
    said = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
    return str(said).split("\n")[0].strip()


def test_a_base_that_one_template_suits(sums: tuple[Any, Any]) -> None:
    """What it says under ``short`` is made the right answer of three items in four."""
    model, tokenizer = sums
    questions = [json.loads(line)["question"] for line in ITEMS.read_text().splitlines()[:40]]
    said = {
        template.name: [
            naive(model, tokenizer, template.text.replace("{question}", each)) for each in questions
        ]
        for template in TEMPLATES[:2]
    }
    targets = [each if n % 4 else "none" for n, each in enumerate(said["short"])]
    before = frame(np.zeros(40)).assign(
        question=[f"Question: {each}\nAnswer:" for each in questions], target=targets
    )

    def put(rows: pd.DataFrame) -> Subject:
        return subject(
            rows,
            {TREATMENT: rows.assign(score=1.0)},
            model=lambda: model,
            tokenizer=tokenizer,
            options={"max_new_tokens": 8},
        )

    found = PROBE.measure(put(before))
    items = join({BEFORE: by_item(before), TREATMENT: by_item(before)}, put(before))
    assert isinstance(items, Items)
    for half, part in ((True, "scores_a"), (False, "scores")):
        for name, answers in said.items():
            right_ = [a == target for a, target in zip(answers, targets, strict=True)]
            expected = np.mean(np.array(right_)[items.first == half])
            assert found.parts[part][name] == pytest.approx(expected)
    assert found.parts["best"] == "short"
    assert found.value == pytest.approx(found.parts["scores"]["short"])
    assert len(found.parts["scores"]) == 1 + len(TEMPLATES)
    assert PROBE.measure(put(shuffled(before))) == found


def test_too_few_templates(sums: tuple[Any, Any]) -> None:
    one = frame([0.0, 0.0])
    given = subject(
        one, {TREATMENT: one.assign(score=1.0)}, tokenizer=sums[1], templates=TEMPLATES[:3]
    )
    found = PROBE.measure(given)
    assert found.value is None
    assert "only 3 templates" in found.words
