"""Weight noise against a naive loop, the weights afterwards, and the rule."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.study.hypotheses.tiny_subject import lively, questions, subject_of
from workbench.study.hypotheses._noise import matrices, shaken, unfit
from workbench.study.hypotheses._predictions import Predictions
from workbench.study.hypotheses._samples import own_texts, write_on
from workbench.study.hypotheses._texts import texts_of
from workbench.study.hypotheses.overtraining import RATIO, Overtraining, two_way
from workbench.study.hypothesis import Finding

PROBE = Overtraining()
SMALL = {"draws": 2, "texts": 6, "tokens": 24, "sizes": (0.02, 0.05)}


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return lively()


def bits(model: torch.nn.Module) -> dict[str, bytes]:
    return {
        name: value.detach().contiguous().view(torch.uint8).numpy().tobytes()
        for name, value in model.state_dict().items()
    }


def naive_divergence(clean: torch.nn.Module, noisy: torch.nn.Module, ids: tuple[int, ...]) -> float:
    """KL over the vocabulary, token by token, text by text."""
    with torch.no_grad():
        p, q = (
            each(input_ids=torch.tensor([ids])).logits[0, :-1].double().log_softmax(-1)
            for each in (clean, noisy)
        )
    return float((p.exp() * (p - q)).sum(-1).mean())


def test_slope_is_that_of_a_naive_loop(model: torch.nn.Module) -> None:
    subject = subject_of(model, fresh=questions(6), **SMALL)
    found = PROBE.measure(subject)
    ids = own_texts(subject, model, 6, 24, 4).ids
    rises = []
    for size in SMALL["sizes"]:
        for draw in range(SMALL["draws"]):
            noisy = copy.deepcopy(model)
            with shaken(noisy, 0) as shake:
                shake(size, draw)
                rises.append([naive_divergence(model, noisy, text) for text in ids])
    each = np.array(rises).reshape(2, 2, 6)
    small, large = (size**2 for size in SMALL["sizes"])
    slopes = (small * each[0] + large * each[1]) / (small**2 + large**2)
    assert found.value == pytest.approx(np.log10(slopes).mean(), abs=1e-3)
    assert found.parts["rise"] == pytest.approx(list(each.mean(axis=(1, 2))), rel=1e-3)


def test_noise_has_the_size_of_each_matrix(model: torch.nn.Module) -> None:
    before = {name: weight.clone() for name, weight in matrices(model).items()}
    with shaken(model, 3) as shake:
        shake(0.1, 0)
        first = {name: weight - before[name] for name, weight in matrices(model).items()}
        shake(0.2, 0)
        twice = {name: weight - before[name] for name, weight in matrices(model).items()}
        shake(0.1, 1)
        other = {name: weight - before[name] for name, weight in matrices(model).items()}
    for name, weight in before.items():
        rms = weight.square().mean().sqrt()
        assert first[name].std() == pytest.approx(0.1 * float(rms), rel=0.05)
        assert torch.allclose(twice[name], 2 * first[name], atol=1e-6)
        correlation = torch.corrcoef(torch.stack([first[name].ravel(), other[name].ravel()]))
        assert abs(float(correlation[0, 1])) < 5 / math.sqrt(weight.numel())


def test_tied_embeddings_take_noise_once(model: torch.nn.Module) -> None:
    assert model.config.tie_word_embeddings
    names = list(matrices(model))
    assert sum("embed" in name or "lm_head" in name for name in names) == 1
    assert not any("norm" in name for name in names)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_come_back_bit_for_bit(model: torch.nn.Module, dtype: torch.dtype) -> None:
    own = copy.deepcopy(model).to(dtype)
    before = bits(own)
    PROBE.measure(subject_of(own, fresh=questions(6), **SMALL))
    assert bits(own) == before


def test_weights_come_back_after_an_exception(model: torch.nn.Module) -> None:
    before = bits(model)
    with pytest.raises(KeyboardInterrupt), shaken(model, 0) as shake:
        shake(0.3, 0)
        assert bits(model) != before
        raise KeyboardInterrupt
    assert bits(model) == before


def test_the_same_seed_gives_the_same_finding(model: torch.nn.Module) -> None:
    one, same, other = (
        PROBE.measure(subject_of(model, fresh=questions(6), seed=seed, **SMALL))
        for seed in (1, 1, 2)
    )
    assert one == same
    json.dumps(one.parts, allow_nan=False)
    assert one.value != other.value


def test_steeper_where_predictions_hang_on_the_weights(model: torch.nn.Module) -> None:
    """A head of four times the length says everything four times as sharply."""
    sharp = copy.deepcopy(lively("llama"))
    calm = copy.deepcopy(sharp)
    with torch.no_grad():
        sharp.lm_head.weight.mul_(4)
    found = [PROBE.measure(subject_of(each, fresh=questions(6), **SMALL)) for each in (calm, sharp)]
    assert found[1].value > found[0].value + 0.3
    assert found[1].parts["noise_at_rise"] < found[0].parts["noise_at_rise"]


def test_scaling_a_matrix_that_a_norm_undoes_changes_nothing(model: torch.nn.Module) -> None:
    """Noise is relative to each matrix: badly scaled weights are not over-trained ones."""
    scaled = copy.deepcopy(lively("llama"))
    plain = copy.deepcopy(scaled)
    with torch.no_grad():
        for layer in scaled.model.layers:
            layer.mlp.up_proj.weight.mul_(16)
            layer.mlp.down_proj.weight.div_(16)
    one, other = (
        PROBE.measure(subject_of(each, fresh=questions(6), **SMALL)) for each in (plain, scaled)
    )
    assert other.value == pytest.approx(one.value, abs=1e-3)


def test_quantised_weights_are_refused_in_words(model: torch.nn.Module) -> None:
    own = copy.deepcopy(model)
    layer = own.model.layers[0].mlp
    layer.up_proj.weight = torch.nn.Parameter(
        layer.up_proj.weight.to(torch.int8), requires_grad=False
    )
    assert unfit(own) == "model.layers.0.mlp.up_proj.weight is quantised"
    found = PROBE.measure(subject_of(own, fresh=questions(6), **SMALL))
    assert found.value is None and "quantised" in found.words
    assert PROBE.decide(found, [Finding(1.0, None, 1, "")] * 5) is None


def test_without_items_it_writes_all_the_same(model: torch.nn.Module) -> None:
    found = PROBE.measure(subject_of(model, **SMALL))
    assert found.value is not None and found.n == 6


def test_texts_are_drawn_from_the_models_own_distribution(model: torch.nn.Module) -> None:
    """Token by token against a running sum of probabilities, and cut behind the stop."""
    chances = np.random.default_rng(0).random((5, 20))
    starts = [(7,), (9,), (11,), (7,), (9,)]
    written = write_on(model, starts, chances, 20, set())
    naive = []
    for start, row in zip(starts, chances, strict=True):
        ids = list(start)
        for step in range(1, 20):
            p = model(input_ids=torch.tensor([ids])).logits[0, -1].double().softmax(-1).numpy()
            ids.append(int(np.searchsorted(np.cumsum(p), row[step], side="right")))
        naive.append(tuple(ids))
    assert written == naive
    assert all(len(text) == 20 for text in written)
    stop = written[0][5]
    cut = write_on(model, starts, chances, 20, {stop})
    first = written[0].index(stop, 1)
    assert cut[0] == written[0][: first + 1]


def test_loss_is_the_models_own(model: torch.nn.Module) -> None:
    ids = texts_of(subject_of(model, fresh=questions(5)), 5, 64).ids
    clean = Predictions(model, ids, batch_size=3)
    with torch.no_grad():
        theirs = [
            float(model(input_ids=torch.tensor([t]), labels=torch.tensor([t])).loss) for t in ids
        ]
    assert clean.loss == pytest.approx(theirs, rel=1e-4)
    assert clean.against(model).moved == pytest.approx([0.0] * 5, abs=1e-9)


@given(
    st.lists(st.floats(-1, 3), min_size=3, max_size=9),
    st.floats(-2, 4),
)
@settings(max_examples=60, deadline=None)
def test_rule_needs_the_ratio_and_the_spread(peers: list[float], value: float) -> None:
    finding = Finding(value, (value - 0.05, value + 0.05), 9, "")
    said = PROBE.decide(finding, [Finding(each, None, 9, "") for each in peers])
    centre = np.median(peers)
    mad = 1.4826 * np.median(np.abs(np.array(peers) - centre))
    if said:
        assert value - centre >= max(math.log10(RATIO), 3 * mad) - 1e-9
    else:
        assert value - centre < max(math.log10(RATIO), 3 * mad) + 0.05 + 1e-9


def test_rule_is_undecided_without_three_peers() -> None:
    finding = Finding(5.0, (4.9, 5.1), 9, "")
    unknown = Finding(None, None, 0, "")
    known = Finding(1.0, None, 9, "")
    assert PROBE.decide(finding, [known, known, unknown]) is None
    assert PROBE.decide(finding, [known, known, known]) is True


@pytest.mark.parametrize("draws, texts", [(4, 12), (12, 4)])
def test_two_way_interval_holds_its_level(draws: int, texts: int) -> None:
    """Draws and texts both vary: the 95% interval covers the true mean at least 93 times in 100."""
    from workbench.evaluate.intervals import t_quantile

    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        values = rng.normal(size=(draws, 1)) + rng.normal(size=(1, texts))
        mean, error, freedom = two_way(values + rng.normal(size=(draws, texts)))
        covered += abs(mean) <= t_quantile(freedom) * error
    assert covered / 400 >= 0.93
