"""Dead layers in doctored models, none in healthy ones, and angles against a naive formula."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from tests.study.hypotheses.tiny_subject import deaden, lively, questions, subject_of
from workbench.study.hypotheses._layers import angular_distance, angular_distances
from workbench.study.hypotheses._texts import texts_of
from workbench.study.hypotheses.depth import Depth
from workbench.study.hypothesis import Finding

PROBE = Depth()
SMALL = {"texts": 12, "blocks": 6}
ITEMS = questions(12)


@pytest.mark.parametrize("arch", ["qwen2", "gemma3", "phi3"])
def test_dead_layers_are_found_and_no_others(arch: str) -> None:
    healthy = lively(arch, gain=20.0)
    found = PROBE.measure(subject_of(healthy, fresh=ITEMS, **SMALL))
    assert found.parts["dead"] == [] and found.value == 0.0
    assert PROBE.decide(found, []) is False

    found = PROBE.measure(subject_of(deaden(healthy, [1, 4]), fresh=ITEMS, **SMALL))
    assert found.parts["dead"] == [1, 4]
    assert found.value == pytest.approx(2 / 6) and found.n == 6
    assert found.ci95 == (pytest.approx(2 / 6), pytest.approx(2 / 6))
    assert PROBE.decide(found, []) is True
    for layer in (1, 4):
        assert found.parts["moved"][layer] == pytest.approx(0, abs=1e-6)
        assert found.parts["rise"][layer] == pytest.approx(0, abs=1e-6)
        assert found.parts["angle"][layer] == pytest.approx(0, abs=1e-3)


def test_ablation_is_that_of_a_model_without_the_layer() -> None:
    """Against a model of five layers whose list lacks one, run by itself."""
    model = lively("llama")
    subject = subject_of(model, fresh=ITEMS, **SMALL)
    found = PROBE.measure(subject)
    cut = lively("llama")
    del cut.model.layers[2]
    cut.config.num_hidden_layers = 5
    rises, moves = [], []
    for ids in texts_of(subject, 12, 64).ids:
        tokens = torch.tensor([ids])
        whole, without = (
            each(input_ids=tokens, use_cache=False).logits[0, :-1].double().log_softmax(-1)
            for each in (model, cut)
        )
        told = tokens[0, 1:, None]
        rises.append(float((whole - without).gather(-1, told).mean()))
        moves.append(float((whole.exp() * (whole - without)).sum(-1).mean()))
    assert found.parts["rise"][2] == pytest.approx(np.mean(rises), rel=1e-3)
    assert found.parts["moved"][2] == pytest.approx(np.mean(moves), rel=1e-3)


def test_angles_are_those_of_arccos() -> None:
    draw = torch.Generator().manual_seed(0)
    one, other = (torch.randn(7, 16, generator=draw) for _ in range(2))
    naive = [
        math.acos(float(a @ b / (a.norm() * b.norm()))) / math.pi
        for a, b in zip(one.double(), other.double(), strict=True)
    ]
    assert angular_distance(one, other) == pytest.approx(np.mean(naive), abs=1e-9)
    assert angular_distance(one, 3 * one) == pytest.approx(0.0, abs=1e-7)
    assert angular_distance(one, -one) == pytest.approx(1.0, abs=1e-7)


def test_angles_of_layers_are_those_of_the_models_own_states() -> None:
    model = lively("qwen2")
    ids = texts_of(subject_of(model, fresh=ITEMS), 3, 64).ids
    found = angular_distances(model, ids, 64)
    for text, each in enumerate(ids):
        states = model(
            input_ids=torch.tensor([each]), output_hidden_states=True, use_cache=False
        ).hidden_states
        # The last of them is behind the final norm.
        for layer in range(5):
            naive = torch.nn.functional.cosine_similarity(
                states[layer][0, 1:].double(), states[layer + 1][0, 1:].double(), dim=-1
            )
            expected = float((naive.clamp(-1, 1).arccos() / math.pi).mean())
            assert found[layer, text] == pytest.approx(expected, abs=1e-4)


def test_repeating_dead_layers_is_tolerated() -> None:
    dead = deaden(lively("qwen2", gain=20.0), range(1, 6))
    found = PROBE.measure(subject_of(dead, fresh=ITEMS, texts=6, blocks=100))
    for i, _, moved in found.parts["repeats"]:
        assert moved == pytest.approx(0, abs=1e-6) if i > 0 else moved > 0.1
    assert len(found.parts["repeats"]) == 21
    assert found.parts["repeats_tolerated"] == pytest.approx(15 / 21)


def test_a_deep_model_is_sampled() -> None:
    model = deaden(lively("llama", gain=20.0, num_hidden_layers=12), [3])
    found = PROBE.measure(subject_of(model, fresh=ITEMS, texts=6, blocks=3, layers=5))
    assert found.n == 5 and len(found.parts["layers"]) == 5 and len(found.parts["repeats"]) == 3
    assert "of 12 in all" in found.words


def test_the_same_seed_gives_the_same_finding() -> None:
    model = lively("qwen2")
    one, same = (PROBE.measure(subject_of(model, fresh=ITEMS, seed=4, **SMALL)) for _ in range(2))
    assert one == same
    json.dumps(one.parts, allow_nan=False)


def test_between_sure_and_not_it_is_undecided() -> None:
    def said(sure: int, maybe: int) -> bool | None:
        parts = {"surely_dead": sure, "maybe_dead": maybe}
        return PROBE.decide(Finding(0.5, None, 10, "", parts), [])

    assert said(1, 3) is True
    assert said(0, 1) is None
    assert said(0, 0) is False


def test_one_layer_or_no_paths_say_so() -> None:
    one = PROBE.measure(subject_of(lively("llama", num_hidden_layers=1), fresh=ITEMS))
    assert one.value is None and "single layer" in one.words
    subject = dataclasses.replace(subject_of(lively("llama"), fresh=ITEMS), path=None)
    assert PROBE.measure(subject).value is None
