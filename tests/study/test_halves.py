"""Halves that depend on nothing but the items, the task and the seed."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.study.scores.halves import split

ITEMS = st.lists(
    st.tuples(st.text("abcdef", min_size=1, max_size=6), st.sampled_from(["", "x", "y", "z"])),
    min_size=1,
    max_size=60,
    unique_by=lambda item: item[0],
)


@given(items=ITEMS, seed=st.integers(0, 9))
def test_clusters_whole_halves_even_order_nothing(items: list[tuple[str, str]], seed: int) -> None:
    docs, clusters = [doc for doc, _ in items], [name for _, name in items]
    found = split(docs, clusters, task="sums", seed=seed)
    assert set(found) == set(docs)
    for name in {"x", "y", "z"}:
        assert len({found[doc] for doc, of in items if of == name}) <= 1
    counts = Counter(found.values())
    largest = max(Counter(name or doc for doc, name in items).values())
    assert abs(counts["A"] - counts["B"]) <= largest
    mixed = list(items)
    random.Random(seed).shuffle(mixed)
    again = split([doc for doc, _ in mixed], [name for _, name in mixed], task="sums", seed=seed)
    assert again == found


def test_another_seed_and_another_task_split_otherwise() -> None:
    docs = [f"{k:064x}" for k in range(400)]
    first = split(docs, task="sums", seed=0)
    assert Counter(first.values()) == {"A": 200, "B": 200}
    for task, seed in (("sums", 1), ("words", 0)):
        other = split(docs, task=task, seed=seed)
        # Independent halves agree on half of the items: 200 ± 4 standard deviations.
        assert 160 <= sum(first[doc] == other[doc] for doc in docs) <= 240


def test_equal_items_stay_together() -> None:
    found = split(["a", "b", "a", "c"], task="t", seed=0)
    assert set(found) == {"a", "b", "c"}


def test_clusters_of_other_items_are_refused() -> None:
    with pytest.raises(ValueError, match="1 clusters for 2 items"):
        split(["a", "b"], [""], task="t", seed=0)
