"""Copies go, superseded measurements go, other settings stay; one row speaks for a model."""

from __future__ import annotations

from tests.leaderboard.table.conftest import Export, row
from workbench.leaderboard.table import gains, place, read_table

BASE = "Qwen/Qwen2-7B"


def test_exact_copies_are_merged_and_counted(export: Export) -> None:
    table = read_table(export([row("a/x"), row("b/y"), row("a/x")]))
    assert list(table.frame.row) == [2, 3]
    assert table.seams["exact_duplicates_merged"] == 1
    assert table.seams["rows"] == 2


def test_of_two_measurements_of_the_same_the_later_stays(export: Export) -> None:
    rows = [
        row("a/x", score=30, **{"Submission Date": "2024-08-02"}),
        row("a/x", score=28, **{"Submission Date": "2024-07-01"}),
        row("a/x", score=29, **{"Submission Date": ""}),
    ]
    table = read_table(export(rows))
    assert list(table.frame.average) == [30]
    assert table.seams["superseded_rows_dropped"] == 2
    assert {one["row"] for one in table.seams["superseded_rows"]} == {3, 4}


def test_other_settings_are_other_measurements(export: Export) -> None:
    rows = [
        row("a/x", score=30),
        row("a/x", score=29, Precision="float16"),
        row("a/x", score=25, **{"Chat Template": False}),
        row("a/x", score=24, **{"Model sha": "def"}),
        row("b/y"),
    ]
    table = read_table(export(rows))
    assert len(table.frame) == 5
    assert table.seams["models_in_several_rows"] == 1
    assert table.seams["models_in_several_precisions"] == 1
    assert table.seams["models_with_and_without_chat_template"] == 1
    assert table.seams["models_in_several_revisions"] == 1


def test_which_row_speaks_for_a_model_does_not_depend_on_its_score(export: Export) -> None:
    bases = [
        row(BASE, score=30, **{"Chat Template": True}),
        row(BASE, score=20, Precision="float16", **{"Chat Template": False}),
        row(BASE, score=22, **{"Chat Template": False, "Submission Date": "2024-07-02"}),
        row(BASE, score=21, **{"Chat Template": False, "Model sha": "old"}),
        row("unsloth/Qwen2-7B", score=40, **{"Chat Template": False}),
    ]
    instructs = [
        row(f"{BASE}-Instruct", BASE, 50, **{"Chat Template": False}),
        row(f"{BASE}-Instruct", BASE, 44, Precision="float16"),
        row(f"{BASE}-Instruct", BASE, 45),
    ]
    for rows in (bases + instructs, [*reversed(bases), *reversed(instructs)]):
        frame = gains(place(read_table(export([*rows, row("a/x", BASE, 25)])))).frame
        one = frame.set_index("model").loc["a/x"]
        # Without template for a base, with it for an instruct model, bfloat16, the latest, no copy.
        assert (one.base_score, one.instruct_score) == (22, 45)
        assert (one.gain_base, one.gain_instruct) == (3, -20)
        assert frame.represents.sum() == 3
