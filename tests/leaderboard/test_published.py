"""Published entries: reading tables, finding rows, and what the shipped table holds."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest

from workbench.errors import UserError, Where
from workbench.leaderboard.published import FACTS, find, half_width, read
from workbench.leaderboard.schemes.v2 import V2

SUITE = "leaderboard-v2"
SNAPSHOTS = {"2024-06", "2024-10", "guidebook", "final"}


def test_shipped_entries_have_sources_and_averages_of_their_six() -> None:
    rows = read(SUITE)
    assert len({row.entry for row in rows}) > 80
    for row in rows:
        assert row.source.startswith("https://")
        assert row.snapshot in SNAPSHOTS
        if set(row.scores) == set(V2.names):
            slack = row.rounding["average"] + fmean(row.rounding[name] for name in V2.names)
            assert row.average == pytest.approx(fmean(row.scores.values()), abs=slack + 1e-9)
            assert row.chat_template is not None and row.precision and row.revision


@pytest.mark.parametrize(
    "entry",
    [
        "dnhkng/RYS-XLarge",
        "dnhkng/RYS-XLarge-base",
        "dnhkng/RYS-Llama-3-Large-Instruct",
        "MaziyarPanahi/calme-2.1-qwen2-72b",
        "MaziyarPanahi/calme-2.1-rys-78b",
        "dfurman/CalmeRys-78B-Orpo-v0.1",
        "Qwen/Qwen2-72B",
        "Qwen/Qwen2.5-7B-Instruct",
        "meta-llama/Meta-Llama-3-70B-Instruct",
        "meta-llama/Meta-Llama-3.1-8B",
        "google/gemma-2-27b-it",
        "01-ai/Yi-1.5-34B-Chat",
        "mistralai/Mistral-7B-v0.1",
        "microsoft/Phi-3-medium-4k-instruct",
        "deepseek-ai/deepseek-llm-67b-chat",
    ],
)
def test_what_recipes_and_readers_look_for_is_there_with_six_scores(entry: str) -> None:
    assert set(find(SUITE, entry, "2024-10").scores) == set(V2.names)


def test_both_figures_of_qwen2_72b_instruct_are_kept() -> None:
    name = "Qwen/Qwen2-72B-Instruct"
    assert [find(SUITE, name, s).average for s in ("2024-06", "2024-10")] == [43.02, 42.49]


def test_chat_templates_are_as_the_october_table_says() -> None:
    templates = {
        name: find(SUITE, name, "2024-10").chat_template
        for name in (
            "dnhkng/RYS-XLarge",
            "MaziyarPanahi/calme-2.1-qwen2-72b",
            "Qwen/Qwen2-72B-Instruct",
        )
    }
    assert list(templates.values()) == [False, True, False]


def test_of_several_precisions_the_usual_one_is_meant_or_the_one_named() -> None:
    name = "meta-llama/Meta-Llama-3-8B-Instruct"
    assert find(SUITE, name, "2024-10").precision == "bfloat16"
    assert find(SUITE, name, "2024-10", precision="float16").average == 20.48
    with pytest.raises(UserError, match="was not measured in 4bit"):
        find(SUITE, name, "2024-10", precision="4bit")


def test_decimals_give_the_rounding() -> None:
    assert [half_width(cell) for cell in ("38.97", "42.523", "39", "0.5")] == [
        0.005,
        0.0005,
        0.5,
        0.05,
    ]
    assert find(SUITE, "dnhkng/RYS-XLarge", "final").rounding["math"] == 0.0005


def test_what_is_not_there_is_named_where_it_was_asked_for() -> None:
    where = Where("recipe.yaml", 7, 12)
    with pytest.raises(UserError) as caught:
        find(SUITE, "dnhkng/RYS-XLarge", "2023-01", where=where)
    assert "its snapshots: 2024-10, guidebook, final" in str(caught.value)
    assert caught.value.problems[0].where == where
    with pytest.raises(UserError, match=r"did you mean dnhkng/RYS-XLarge\?"):
        find(SUITE, "RYS-XLarge", "2024-10")
    with pytest.raises(UserError, match="did you mean dnhkng/RYS-XLarge"):
        find(SUITE, "dnhkng/RYS-XLarg", "2024-10")
    with pytest.raises(UserError, match="none of them"):
        find(SUITE, "zz/zz", "2024-10")
    with pytest.raises(UserError, match="leaderboard-v2"):
        read("no-such-suite")


def test_names_are_found_in_any_case_and_a_date_like_snapshot_as_it_is() -> None:
    assert find(SUITE, "DNHKNG/rys-xlarge", "2024-10").average == 44.75


def test_a_suite_without_points_has_a_column_a_task_from_0_to_1(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text(
        ",".join([*FACTS, "sums"]) + "\na/b,2026-01,u,,,,,0.71\na/b,2026-02,u,,,,,71\n"
    )
    with pytest.raises(UserError, match="not a score from 0 to 1"):
        read(table)
    table.write_text(",".join([*FACTS, "sums"]) + "\na/b,2026-01,u,,,,,0.71\n")
    row = find(table, "a/b", "2026-01")
    assert row.scores == {"sums": 0.71}
    assert row.rounding == {"sums": 0.005}


def test_bad_files_are_the_users_all_problems_at_once(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read(tmp_path / "none.csv")
    table = tmp_path / "leaderboard-v2.csv"
    table.write_text("entry,snapshot\na,b\n")
    with pytest.raises(UserError, match="no column source"):
        read(table)
    good = "a,s,u,,,,50,1,2,3,4,5,6"
    bad = ["a,s,u,,,,x,,,,,,", good, "b,s,u,,,maybe,1,,,,,,", good, ",s,,,,,1,,,,,,101"]
    table.write_text("\n".join([",".join([*FACTS, *V2.names]), *bad]))
    with pytest.raises(UserError) as caught:
        read(table)
    lines = sorted(p.where.line for p in caught.value.problems if p.where)
    assert lines == [2, 4, 5, 6, 6, 6]
    table.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot read"):
        read(table)
