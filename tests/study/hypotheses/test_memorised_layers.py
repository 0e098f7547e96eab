"""The lens at a known layer, lifts against naive runs, and no effect where nothing differs."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.study.hypotheses.tiny_subject import deaden, lively, questions, subject_of
from workbench.study.hypotheses._contrast import contrast
from workbench.study.hypotheses._doubling import apart, clusters_of, surfacing
from workbench.study.hypotheses._lens import Asked, answers, lens
from workbench.study.hypotheses._texts import asked, written
from workbench.study.hypotheses.memorised_layers import MemorisedLayers
from workbench.study.questions.items import Item

PROBE = MemorisedLayers()
SUSPECT, FRESH = questions(16), questions(16, start=400)


@cache
def remembering(layer: int) -> Any:
    """Six layers of which only ``layer`` does anything, and it has learnt the suspect answers."""
    model = deaden(lively("llama", gain=2.0), [at for at in range(6) if at != layer])
    subject = subject_of(model)
    ask = [Asked(*asked(subject, item, written(subject)[0])) for item in SUSPECT]
    width = max(len(each.ids) for each in ask)
    ids = torch.zeros(len(ask), width, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for row, each in enumerate(ask):
        ids[row, : len(each.ids)] = torch.tensor(each.ids)
        labels[row, each.start : len(each.ids)] = torch.tensor(each.ids[each.start :])
    learnt = list(model.model.layers[layer].parameters())
    for weight in learnt:
        weight.requires_grad_(True)
    optimiser = torch.optim.Adam(learnt, lr=5e-3)
    mask = (torch.arange(width) < torch.tensor([[len(each.ids)] for each in ask])).long()
    for _ in range(120):
        loss = model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss) < 0.05
    return model.requires_grad_(False)


@pytest.mark.parametrize("layer", [1, 4])
def test_the_layer_where_answers_surface_is_found(layer: int) -> None:
    found = PROBE.measure(subject_of(remembering(layer), suspect=SUSPECT, fresh=FRESH))
    assert found.parts["block"] == [layer, layer + 1]
    assert found.parts["gap_interval"][0] > 0
    curve = found.parts["lens"]["suspect"]
    assert max(curve[: layer + 1]) < 0.2 and min(curve[layer + 1 :]) > 0.8
    # All other layers are dead: doubling them moves nothing, so the lift is the block's own.
    for row in found.parts["doubled"]:
        if row["block"] != [layer, layer + 1]:
            assert abs(row["suspect"]) < 1e-5 and abs(row["fresh"]) < 1e-5
    own = next(row for row in found.parts["doubled"] if row["block"] == [layer, layer + 1])
    assert found.value == pytest.approx(own["suspect"] - own["fresh"], abs=1e-5)


def test_lens_and_doubled_answers_are_those_of_the_model_itself() -> None:
    model = lively("qwen2")
    subject = subject_of(model)
    ask = [Asked(*asked(subject, item, written(subject)[0])) for item in SUSPECT[:5]]
    depths = lens(model, ask, 64, 3)
    doubled = answers(subject.path([0, 1, 2, 1, 2, 3, 4, 5]), ask, 64, 3)
    for at, each in enumerate(ask):
        tokens = torch.tensor([each.ids])
        told = tokens[0, each.start :]
        out = model(input_ids=tokens, output_hidden_states=True, use_cache=False)

        def of(logits: torch.Tensor, each: Asked = each, told: torch.Tensor = told) -> torch.Tensor:
            return logits[0, each.start - 1 : -1].log_softmax(-1).gather(-1, told[:, None])[:, 0]

        assert depths[-1].logprob[at] == pytest.approx(float(of(out.logits).sum()), rel=1e-4)
        greedy = out.logits[0, each.start - 1 : -1].argmax(-1)
        assert depths[-1].right[at] == float((greedy == told).all())
        middle = model.lm_head(model.model.norm(out.hidden_states[3]))
        assert depths[3].logprob[at] == pytest.approx(float(of(middle).sum()), rel=1e-4)
        twice = subject.path([0, 1, 2, 1, 2, 3, 4, 5])(input_ids=tokens, use_cache=False).logits
        assert doubled.logprob[at] == pytest.approx(float(of(twice).sum()), rel=1e-4)


def test_exchangeable_items_have_no_interaction() -> None:
    """Suspect and fresh drawn from one pool, 24 times: the rule never fires, and the 95% interval
    leaves 0 out in no more than one in eight."""
    model = lively("qwen2", gain=4.0)
    pool = questions(60)
    missed = fired = 0
    for seed in range(24):
        order = np.random.default_rng(seed).permutation(len(pool))
        sides = [pool[at] for at in order[:30]], [pool[at] for at in order[30:]]
        found = PROBE.measure(
            subject_of(model, suspect=sides[0], fresh=sides[1], seed=seed, others=2)
        )
        missed += not (found.ci95[0] <= 0 <= found.ci95[1])
        fired += bool(PROBE.decide(found, []))
    assert fired == 0 and missed <= 3


def test_the_same_items_on_both_sides_cancel() -> None:
    found = PROBE.measure(
        subject_of(
            lively("qwen2"),
            suspect=SUSPECT,
            fresh=[Item(f"v{i.id}", i.question, i.answer, (), i.id) for i in SUSPECT],
        )
    )
    assert found.value == pytest.approx(0, abs=1e-6) and found.ci95[1] == pytest.approx(0, abs=1e-5)


def test_the_same_seed_gives_the_same_finding() -> None:
    model = lively("qwen2")
    one, same = (
        PROBE.measure(subject_of(model, suspect=SUSPECT, fresh=FRESH, seed=5)) for _ in range(2)
    )
    assert one == same
    json.dumps(one.parts, allow_nan=False)


@given(
    st.lists(st.floats(-5, 5), min_size=3, max_size=20),
    st.lists(st.floats(-5, 5), min_size=3, max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_contrast_without_clusters_is_the_two_sample_difference(
    one: list[float], other: list[float]
) -> None:
    values = np.array([*one, *other])
    suspect = np.arange(len(values)) < len(one)
    found = contrast(values, suspect, [str(at) for at in range(len(values))])
    assert found.value == pytest.approx(np.mean(one) - np.mean(other), abs=1e-9)
    fewer = min(len(one), len(other))
    sums = [np.sum((np.array(s) - np.mean(s)) ** 2) / len(s) ** 2 for s in (one, other)]
    assert found.error == pytest.approx(math.sqrt(sum(sums) * fewer / (fewer - 1)), abs=1e-9)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=3, max_size=20))
@settings(max_examples=60, deadline=None)
def test_contrast_of_pairs_is_the_paired_difference(pairs: list[tuple[float, float]]) -> None:
    values = np.array([*(a for a, _ in pairs), *(b for _, b in pairs)])
    names = [str(at) for at in range(len(pairs))]
    found = contrast(values, np.arange(len(values)) < len(pairs), names * 2)
    differences = np.array([a - b for a, b in pairs])
    assert found.value == pytest.approx(differences.mean(), abs=1e-9)
    expected = differences.std(ddof=1) / math.sqrt(len(pairs))
    assert found.error == pytest.approx(expected, abs=1e-9)


def test_a_fresh_variant_stands_with_what_it_varies() -> None:
    one = [Item("1", "q", "a"), Item("2", "q", "a")]
    other = [Item("7", "q", "a", (), "2"), Item("1", "q", "a")]
    names = clusters_of(one, other)
    assert names[1] == names[2] and len(set(names)) == 3


@given(st.integers(3, 30), st.integers(1, 3), st.integers(0, 40), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_other_blocks_share_no_layer(n: int, length: int, at: int, count: int) -> None:
    first = at % max(1, n - length + 1)
    block = (first, first + length)
    found = apart(block, n, count, seed=0)
    assert len(found) <= max(1, count) and len(set(found)) == len(found)
    for i, j in found:
        assert j - i == length and i >= 0 and j <= n
        assert not set(range(i, j)) & set(range(*block))


def test_surfacing_is_the_steepest_block() -> None:
    found = np.array([[0.0, 0.0], [0.1, 0.1], [0.5, 0.1], [0.9, 0.1], [0.9, 0.1]])
    suspect = np.array([True, False])
    assert surfacing(found, suspect, 2) == (1, 3)
    assert surfacing(found, suspect, 1) in {(1, 2), (2, 3)}


def test_too_few_items_or_layers_say_so() -> None:
    model = lively("llama", num_hidden_layers=2)
    few = PROBE.measure(subject_of(model, suspect=SUSPECT[:3], fresh=FRESH))
    assert few.value is None and "8 suspect" in few.words and PROBE.decide(few, []) is None
    shallow = PROBE.measure(subject_of(model, suspect=SUSPECT, fresh=FRESH))
    assert shallow.value is None and "2 layers" in shallow.words
