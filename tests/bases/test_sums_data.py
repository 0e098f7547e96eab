"""The shipped data are what the generator gives, right, and split as promised."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from workbench.bases.tiny import sums_data
from workbench.bases.tiny.shipped_files import text

ROOT = Path(__file__).parents[2]


def pairs(written: str) -> list[frozenset[int]]:
    found = re.findall(r"(\d+) ?(?:\+|plus) ?(\d+)", written)
    return [frozenset(map(int, pair)) for pair in found]


@pytest.mark.parametrize("name", sums_data.FILES)
def test_shipped_files_are_what_the_generator_gives(name):
    shipped = (ROOT / name).read_text(encoding="utf-8")
    assert shipped == text(sums_data.FILES[name]())
    assert sums_data.FILES[name](1) != sums_data.FILES[name](0)


def test_held_out_pairs_are_in_no_training_text():
    asked = {
        pair
        for item in (*sums_data.generate_items(), *sums_data.choice_items())
        for pair in pairs(item["question"])
    }
    trained = {
        pair
        for rows in (
            sums_data.completion_rows(),
            sums_data.chat_rows(),
            sums_data.preference_rows(),
            list(itertools.islice(sums_data.corpus(0), 20_000)),
        )
        for pair in pairs(json.dumps(rows))
    }
    assert len(asked) > 150 and len(trained) > 900
    assert not asked & trained


def test_answers_are_right():
    for item in sums_data.generate_items():
        a, op, b = re.search(r"(\d+) (\w+) (\d+)\?", item["question"]).groups()
        assert int(item["answer"]) == (int(a) + int(b) if op == "plus" else int(a) - int(b))
    for item in sums_data.choice_items():
        _, a, op, b = re.search(r"(What is) (\d+) (\w+) (\d+)\?", item["question"]).groups()
        right = str(int(a) + int(b) if op == "plus" else int(a) - int(b))
        assert [o == right for o in item["options"]].index(True) == item["answer"]
        assert len(set(item["options"])) == 4
    for row in sums_data.preference_rows():
        a, op, b = re.search(r"(\d+) (\w+) (\d+)\?", row["prompt"]).groups()
        assert int(row["chosen"]) == (int(a) + int(b) if op == "plus" else int(a) - int(b))
        assert row["rejected"] != row["chosen"]


def test_items_are_unique():
    for items in (sums_data.generate_items(), sums_data.choice_items()):
        assert len({item["id"] for item in items}) == len(items) == sums_data.ITEMS
