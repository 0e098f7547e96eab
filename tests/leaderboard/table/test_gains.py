"""Roles, roots and gains of small tables whose answers are plain."""

from __future__ import annotations

import json

import pytest

from tests.leaderboard.table.conftest import Export, row
from workbench.leaderboard.table import gains, load, place, read_table, trees

BASE, INSTRUCT = "Qwen/Qwen2-7B", "Qwen/Qwen2-7B-Instruct"
LLAMA = "meta-llama/Llama-3.1-8B"
PHI = "microsoft/Phi-3-mini-4k-instruct"


def test_a_family_tree_with_all_that_can_be_declared(export: Export) -> None:
    rows = [
        row(BASE, score=20, T="🟢"),
        row(INSTRUCT, score=30),  # declares itself: the catalogue knows better
        row("a/one", BASE, 25),
        row("a/two", "unsloth/Qwen2-7B-bnb-4bit", 26),
        row("a/three", "a/one", 27),
        row("a/four", INSTRUCT, 28),
        row("a/five", "a/four", 29),
        row("a/merge", "a/one, a/four", 31, T="🤝"),
        row("a/mixed", f"a/one, {LLAMA}", 32, T="🤝"),
        row("a/blind", "a/blind (Merge)", 33, T="🤝"),
        row("a/self", score=34),
        row("a/gone", "Removed", 35),
        row("a/lost", "b/unknown", 36),
        row("a/ring", "a/gnir", 37),
        row("a/gnir", "a/ring", 38),
        row("a/new-base", score=39, T="🟢"),
        row("a/on-new", "a/new-base", 40),
        row("a/empty", "", 41),
        row("Qwen/Qwen2-7B-Better", BASE, 42),
    ]
    table = load(export(rows))
    frame = table.frame.set_index("model")
    roles = frame.role.to_dict()
    placed = ("a/one", "a/two", "a/three", "a/four", "a/five", "a/merge", "Qwen/Qwen2-7B-Better")
    assert roles[BASE] == "base" and roles[INSTRUCT] == "instruct"
    assert {name for name, role in roles.items() if role == "derived"} == set(placed)
    for name in placed:
        one = frame.loc[name]
        assert (one.root, one.family, one.country, one.chinese) == (BASE, "Qwen2", "CN", True)
        assert one.root_parameters_b == pytest.approx(7.615616512)
        assert str(one.root_released.date()) == "2024-06-06"
        assert one.gain_base == one.average - 20 and one.gain_instruct == one.average - 30
        assert one.headroom_gain == pytest.approx((one.average - 20) / 80)
    assert frame.depth.loc[list(placed)].to_list() == [1, 1, 2, 2, 3, 3, 1]
    assert list(frame.index[frame.direct]) == ["a/one", "Qwen/Qwen2-7B-Better"]
    assert list(frame.index[frame.maker_own]) == [BASE, INSTRUCT, "Qwen/Qwen2-7B-Better"]
    through = frame.parent_instruct.dropna().to_dict()
    assert through == {"a/four": INSTRUCT, "a/five": INSTRUCT}
    why = frame.why_unplaced.dropna().to_dict()
    assert why == {
        "a/mixed": trees.MIXED,
        "a/blind": trees.MERGE,
        "a/self": trees.SELF,
        "a/gone": trees.REMOVED,
        "a/lost": trees.OUTSIDE,
        "a/ring": trees.CYCLE,
        "a/gnir": trees.CYCLE,
        "a/new-base": trees.PRETRAINED,
        "a/on-new": trees.PRETRAINED,
        "a/empty": trees.NOTHING,
    }
    unplaced = frame[frame.role == "unplaced"]
    assert unplaced[["root", "country", "chinese", "gain_base", "instruct"]].isna().all(axis=None)
    assert frame.loc[INSTRUCT, "gain_base"] == 10 and frame.loc[[BASE], "gain_base"].isna().all()
    seams = table.seams
    assert seams["roles"] == {"unplaced": 10, "derived": 7, "base": 1, "instruct": 1}
    assert seams["unplaced_by_reason"][trees.CYCLE] == 2 and len(seams["circles"]) == 1
    assert seams["missing_parents"] == {"b/unknown": 1}
    assert seams["mirrors_declared"] == {"unsloth/Qwen2-7B-bnb-4bit": 1}
    assert seams["merges_placed"] == 1 and seams["merges"] == 3
    assert json.loads(json.dumps(seams)) == seams


def test_a_base_that_is_catalogued_need_not_be_in_the_table(export: Export) -> None:
    table = load(export([row("a/x", LLAMA, 30), row("a/y", INSTRUCT, 31)]))
    frame = table.frame
    assert list(frame.country) == ["US", "CN"] and list(frame.role) == ["derived", "derived"]
    assert frame[["base_score", "gain_base", "instruct", "gain_instruct"]].isna().all(axis=None)
    assert table.seams["roots_without_a_score"] == sorted([LLAMA, BASE])


def test_the_instruct_model_is_the_declared_parent_else_the_first_in_the_table(
    export: Export,
) -> None:
    chat, long = "01-ai/Yi-1.5-9B-Chat", "google/gemma-1.1-2b-it"
    rows = [
        row("google/gemma-2b", score=10),
        row("google/gemma-2b-it", score=12),
        row(long, score=15),
        row("a/on-base", "google/gemma-2b", 14),
        row("a/on-second", long, 16),
        row("a/on-chat", chat, 20),
    ]
    frame = load(export(rows)).frame.set_index("model")
    assert frame.loc["a/on-base", "instruct"] == "google/gemma-2b-it"
    assert frame.loc["a/on-second", "instruct"] == long
    assert frame.gain_instruct[["a/on-base", "a/on-second"]].to_list() == [2, 1]
    assert frame.loc[["a/on-chat"], "instruct"].isna().all()


def test_where_no_base_was_published_the_instruct_model_is_the_root(export: Export) -> None:
    frame = load(export([row(PHI, score=25), row("a/x", PHI, 27)])).frame.set_index("model")
    one = frame.loc["a/x"]
    assert (one.root, one.root_kind, one.role, one.country) == (PHI, "instruct", "derived", "US")
    assert one.gain_instruct == 2 and frame[["gain_base"]].isna().all(axis=None)
    assert frame.loc[PHI, "role"] == "instruct"


def test_published_parents_are_heard_only_where_the_table_is_silent(export: Export) -> None:
    calme = row("MaziyarPanahi/calme-2.1-qwen2-72b", "Qwen/Qwen2-72B", 43)
    child = row("a/x", "dnhkng/RYS-XLarge", 45)
    silent = load(export([calme, row("dnhkng/RYS-XLarge", score=44), child])).frame
    assert list(silent.root) == ["Qwen/Qwen2-72B"] * 3
    assert list(silent.placed_by) == ["declaration", "published", "published"]
    assert list(silent.depth) == [1, 2, 3] and silent.parent[1] == calme["fullname"]
    spoken = load(export([calme, row("dnhkng/RYS-XLarge", LLAMA, 44), child])).frame
    assert list(spoken.root) == ["Qwen/Qwen2-72B", LLAMA, LLAMA]
    # Nor is the model itself needed in the table, and case does not matter.
    outside = load(export([calme, row("a/x", "DNHKNG/rys-xlarge", 45)])).frame
    assert list(outside.root) == ["Qwen/Qwen2-72B"] * 2


def test_a_guess_is_made_only_on_request_and_marked(export: Export) -> None:
    rows = [row(LLAMA, score=14), row("a/Llama-3.1-8B-x", score=20), row("a/y", "a/Llama-3.1-8B-x")]
    plain = place(read_table(export(rows)))
    assert list(plain.frame.role) == ["base", "unplaced", "unplaced"]
    assert "guessed" not in plain.seams
    guessed = gains(place(read_table(export(rows)), guess=True))
    assert list(guessed.frame.placed_by[:2]) == ["catalogue", "guess"]
    assert guessed.seams["guessed"] == 1 and guessed.frame.gain_base[1] == 6


def test_a_mirror_in_the_table_is_the_model_itself(export: Export) -> None:
    rows = [row("unsloth/Qwen2-7B", score=21), row("a/x", BASE, 25), row("unsloth/Qwen2-7B-x")]
    frame = load(export(rows)).frame
    assert list(frame.role) == ["base", "derived", "unplaced"] and frame.mirror[0]
    assert frame.gain_base[1] == 4 and frame.direct[1]
