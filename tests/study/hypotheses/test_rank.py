"""The smallest LoRA rank that gives the gain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.study.hypotheses.scored import frame, right, shuffled_subject, subject
from workbench.finetune.config import FinetuneConfig
from workbench.study.hypotheses._arms import TREATMENT
from workbench.study.hypotheses.rank import RANKS, Rank, _smallest
from workbench.study.hypothesis import Finding
from workbench.study.subject import Subject

PROBE = Rank()
fast = settings(max_examples=60, deadline=None)


def ranked(scores: Mapping[int, float], seed: int = 0, **more: Any) -> Subject:
    """Bases with nothing before; the items that a rank has right hold those of a worse one."""
    after = {f"rank{rank}": frame(np.arange(400) < 400 * score) for rank, score in scores.items()}
    return subject(frame(np.zeros(400)), after, seed, **more)


def test_the_smallest_that_gives_95_percent() -> None:
    found = PROBE.measure(ranked({1: 0.2, 2: 0.5, 4: 0.8, 8: 0.82}))
    assert found.value == 2
    assert found.parts["smallest"] == 4
    assert found.ci95 == (2, 2)
    assert "Rank 4 gives 95% of what rank 8 gains (+0.82); rank 1 gains +0.20" in found.words
    assert PROBE.decide(found, []) is False


def test_rank_one_may_be_enough() -> None:
    found = PROBE.measure(ranked({1: 0.9, 2: 0.9, 4: 0.9, 8: 0.9}))
    assert (found.value, found.ci95) == (0, (0, 0))
    assert PROBE.decide(found, []) is True


def test_a_close_call_is_left_open() -> None:
    after = {f"rank{r}": frame(right(s, seed=r)) for r, s in {1: 0.76, 2: 0.79, 8: 0.8}.items()}
    found = PROBE.measure(subject(frame(np.zeros(400)), after))
    assert found.ci95 is not None
    assert found.ci95[0] == 0 < found.ci95[1]
    assert PROBE.decide(found, []) is None
    assert sum(found.parts["chances"].values()) == pytest.approx(1)


def test_the_treatments_own_rank_is_read_off_its_adapter() -> None:
    import torch

    class Adapted(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q_proj = torch.nn.Module()
            self.q_proj.lora_A = torch.nn.ModuleDict({"step0": torch.nn.Linear(12, 16, bias=False)})

    after = {f"rank{r}": frame(right(0.4)) for r in RANKS} | {TREATMENT: frame(right(0.9))}
    given_ = subject(frame(np.zeros(400)), after, treated=lambda arm: Adapted())  # type: ignore[arg-type,return-value]
    found = PROBE.measure(given_)
    assert list(found.parts["gains"]) == ["1", "2", "4", "8", "16"]
    assert found.parts["smallest"] == 16


def test_guards() -> None:
    small = PROBE.measure(ranked({1: 0.0, 8: 0.03}))
    assert small.value is None
    assert "too little" in small.words
    assert PROBE.decide(small, []) is None
    assert "fewer than two ranks" in PROBE.measure(ranked({4: 0.5})).words


def test_its_arms_train_at_their_rank_with_twice_as_much_alpha() -> None:
    data = [{"path": "d.jsonl", "type": "prompt_completion"}]
    treatment = {"base_model": "b", "datasets": data, "lora_r": 16, "lora_alpha": 16.0}
    for arm, rank in zip(PROBE.arms, RANKS, strict=True):
        made = FinetuneConfig.model_validate({**treatment, **arm.changes})
        assert (arm.name, made.lora_r, made.lora_alpha) == (f"rank{rank}", rank, None)


@fast
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=6))
def test_the_place_against_a_loop(gains: list[float]) -> None:
    expected = len(gains) - 1
    if gains[-1] > 0:
        expected = next(n for n, gain in enumerate(gains) if gain >= 0.95 * gains[-1])
    assert _smallest(np.array([gains]))[0] == expected


@pytest.mark.parametrize(
    ("interval", "said"), [((0.0, 0.0), True), ((0.0, 1.0), None), ((1.0, 3.0), False)]
)
def test_the_rule(interval: tuple[float, float], said: bool | None) -> None:
    assert PROBE.decide(Finding(1.0, interval, 9, ""), []) is said


def test_the_order_of_rows_changes_nothing() -> None:
    given_ = ranked({1: 0.5, 4: 0.52, 8: 0.54}, seed=2)
    assert PROBE.measure(given_) == PROBE.measure(given_)
    assert PROBE.measure(given_) == PROBE.measure(shuffled_subject(given_))
