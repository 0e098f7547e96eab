"""Language agreement against loops, and on states whose make-up is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from workbench.scan.anatomy.languages import agreement

LANGUAGES, SENTENCES, WIDTH = 5, 9, 40


def states(rng, content=0.0, language=0.0, common=0.0):
    shape = (LANGUAGES, SENTENCES, WIDTH)
    return (
        content * rng.standard_normal((1, SENTENCES, WIDTH))
        + language * rng.standard_normal((LANGUAGES, 1, WIDTH))
        + common * rng.standard_normal((1, 1, WIDTH))
        + rng.standard_normal(shape)
    )


def by_loops(vectors):
    centred = vectors - vectors.mean((0, 1))
    units = centred / np.linalg.norm(centred, axis=-1, keepdims=True)
    same, other = [], []
    for a, b in itertools.permutations(range(LANGUAGES), 2):
        for s, r in itertools.product(range(vectors.shape[1]), repeat=2):
            (same if s == r else other).append(units[a, s] @ units[b, r])
    return np.mean(same) - np.mean(other)


def test_equals_the_definition_and_the_jackknife():
    vectors = states(np.random.default_rng(0), content=0.7, language=1.0, common=5.0)
    value, (low, high) = agreement(vectors)
    assert value == pytest.approx(by_loops(vectors), abs=1e-12)
    left = [by_loops(np.delete(vectors, s, axis=1)) for s in range(SENTENCES)]
    error = np.sqrt((SENTENCES - 1) ** 2 / SENTENCES * np.var(left, ddof=1))
    assert (high - low) / 2 == pytest.approx(2.3060 * error, rel=1e-4)  # t, 8 degrees of freedom


def test_a_common_part_changes_nothing():
    vectors = states(np.random.default_rng(1), content=0.7)
    shifted = vectors + 1000.0 * np.random.default_rng(2).standard_normal(WIDTH)
    assert agreement(shifted)[0] == pytest.approx(agreement(vectors)[0], abs=1e-8)


def test_content_is_found_and_its_absence_too():
    rng = np.random.default_rng(3)
    found = [agreement(states(rng, content=1.0, language=2.0)) for _ in range(20)]
    assert all(low > 0 for _, (low, _) in found)
    absent = [agreement(states(rng, language=1.0, common=3.0)) for _ in range(200)]
    covered = np.mean([low <= 0 <= high for _, (low, high) in absent])
    assert covered >= 0.9
