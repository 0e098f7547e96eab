"""An export is read whatever it is spelt like, and every repair is told."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.leaderboard.table.conftest import ROW, Export, faults, row
from workbench.leaderboard.table import Table, read_table
from workbench.leaderboard.table.cells import name_of, parents_of, type_of
from workbench.leaderboard.table.columns import SCORES

LINK = (
    '<a target="_blank" href="https://huggingface.co/{0}" style="color: var(--link-text-color)">'
    '{0}</a>  <a target="_blank" href="https://huggingface.co/datasets/open-llm-leaderboard/'
    '{0}-details">📑</a>'
)


def told(table: Table) -> str:
    return "\n".join(str(notice) for notice in table.notices)


def test_csv_and_parquet_give_the_same_table(export: Export) -> None:
    rows = [row("a/x", score=31.5), row("b/y", "a/x", 20.25, **{"Chat Template": False})]
    from_csv, from_parquet = (read_table(export(rows, name)) for name in ("t.csv", "t.parquet"))
    # Lines of a text file count its header; rows of Parquet have no lines.
    assert list(from_csv.frame.pop("row")) == [2, 3]
    assert list(from_parquet.frame.pop("row")) == [1, 2]
    assert from_csv.frame.equals(from_parquet.frame)
    one = from_csv.frame.iloc[1]
    assert (one.model, one.submitter, one.declared_base) == ("b/y", "b", "a/x")
    assert (one.average, one.math, one.chat_template) == (20.25, 20.25, False)
    assert (one.type, one.precision, str(one.submitted.date())) == (
        "finetune",
        "bfloat16",
        "2024-07-01",
    )


def test_the_hubs_own_spelling_needs_no_remark(export: Export) -> None:
    full = row("a/x", "b/y (Merge)") | {f"{title} Raw": 0.5 for title in (
        "IFEval", "BBH", "MATH Lvl 5", "GPQA", "MUSR", "MMLU-PRO",
    )}  # fmt: skip
    full |= {"eval_name": "a_x_bfloat16", "CO₂ cost (kg)": 1.2, "Merged": True, "Generation": 1}
    full |= {"Model": LINK.format("a/x"), "Flagged": False, "MoE": False}
    full.pop("Not_Merged")
    table = read_table(export([full], "t.parquet"))
    assert table.notices == ()
    assert table.frame.model[0] == "a/x" and table.frame.declared_base[0] == "b/y"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Average ⬆️", "average"), ("Average ⬆️", "AVERAGE_⬆"), ("MATH Lvl 5", "MATH"),
        ("MATH Lvl 5", "math_lvl_5"), ("MUSR", "MuSR"), ("MMLU-PRO", "mmlu pro"),
        ("#Params (B)", "Params_(B)"), ("Hub ❤️", "Hub"), ("Base Model", "base_model"),
        ("Model sha", "revision"), ("Submission Date", "submission_date"),
    ],
)  # fmt: skip
def test_other_spellings_are_read_with_a_notice(export: Export, theirs: str, ours: str) -> None:
    rows = [{ours if k == theirs else k: v for k, v in row(n, score=30).items()} for n in "ab"]
    table, plain = read_table(export(rows)), read_table(export([row(n, score=30) for n in "ab"]))
    assert table.frame.equals(plain.frame)
    assert f"column {ours!r} is read as {theirs!r}" in told(table)


def test_shares_of_one_become_points(export: Export) -> None:
    titles = ("Average ⬆️", "IFEval", "BBH", "MATH Lvl 5", "GPQA", "MUSR", "MMLU-PRO")
    rows = [row(f"a/{n}") for n in range(2)]
    shares = [one | {title: one[title] / 100 for title in titles} for one in rows]
    table = read_table(export(shares))
    assert (
        table.frame[[*SCORES, "average"]]
        .round(9)
        .equals(read_table(export(rows)).frame[[*SCORES, "average"]])
    )
    assert "read as shares of 1" in told(table) and table.seams["averages_off"] == 0


def test_points_below_one_on_a_hard_task_are_points(export: Export) -> None:
    rows = [row("a/x", **{"MATH Lvl 5": 0.9, "Average ⬆️": 28.483})]
    assert read_table(export(rows)).frame.math[0] == 0.9


def test_raw_scores_alone_are_normalised(export: Export) -> None:
    titles = ("IFEval", "BBH", "MATH Lvl 5", "GPQA", "MUSR", "MMLU-PRO")
    raw = dict(zip(titles, (0.8, 0.62, 0.38, 0.4, 0.45, 0.7), strict=True))
    plain = {k: v for k, v in row("a/x").items() if k not in (*titles, "Average ⬆️")}
    table = read_table(export([plain | {f"{t} Raw": v for t, v in raw.items()}]))
    one = table.frame.iloc[0]
    # By hand: (0.4 - 1/4) / (3/4), (0.7 - 1/10) / (9/10).
    assert (one.ifeval, one.math) == (80, 38)
    assert one.gpqa == pytest.approx(20) and one.mmlu_pro == pytest.approx(200 / 3)
    assert "computed from the raw ones" in told(table) and "the mean of the six" in told(table)
    percent = export([plain | {f"{t} Raw": 100 * v for t, v in raw.items()}])
    assert read_table(percent).frame[list(SCORES)].iloc[0].to_list() == pytest.approx(
        one[list(SCORES)].to_list()
    )


def test_raw_means_come_near_the_published_points(shared_data: Path, tmp_path: Path) -> None:
    """BBH and MuSR of the October table, whose models the fit has partly seen, raw ones rounded."""
    source = shared_data / "open_llm_leaderboard_v2_2024-10.csv"
    with source.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    keep = [k for k in rows[0] if not k.startswith("Average") and f"{k} Raw" not in rows[0]]
    path = tmp_path / "raw.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, keep, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    raw, published = read_table(path).frame, read_table(source).frame
    for name, most in (("ifeval", 0.5), ("math", 0.5), ("gpqa", 0.7), ("mmlu_pro", 0.6)):
        assert (raw[name] - published[name]).abs().max() <= most + 1e-6
    for name, usual in (("bbh", 2.5), ("musr", 3.0)):
        # Above the fit's own error by the rounding of the raw column, half a point or more.
        assert (raw[name] - published[name]).abs().quantile(0.95) < usual


def test_columns_that_say_the_opposite_are_turned_round(export: Export) -> None:
    rows = [row(f"a/{n}", MoE=n != 0, Not_Merged=n != 1) for n in range(5)]
    table = read_table(export(rows))
    assert table.frame.flagged.sum() == 0 and list(table.frame.moe) == [True] + [False] * 4
    assert list(table.frame.merged) == [False, True, False, False, False]
    assert "'Flagged' is read as its opposite" in told(table)
    # In a later export the headers mean what they say.
    later = [{k: v for k, v in one.items() if k != "Not_Merged"} for one in rows]
    later = [one | {"Flagged": n == 3, "MoE": n == 2} for n, one in enumerate(later)]
    frame = read_table(export(later)).frame
    assert list(frame.flagged) == [False, False, False, True, False] and frame.moe[2]


def test_merged_is_turned_round_where_merges_deny_it(export: Export) -> None:
    rows = [row(f"a/{n}") for n in range(4)]
    for n, one in enumerate(rows):
        del one["Not_Merged"]
        kind = "🤝 base merges and moerges" if n < 2 else "💬 chat models (RLHF, DPO, IFT, ...)"
        one.update({"Type": kind, "T": kind[0], "Merged": n >= 2, "Flagged": False, "MoE": False})
    assert list(read_table(export(rows)).frame.merged) == [True, True, False, False]


def test_rows_without_a_score_are_left_out_and_counted(export: Export) -> None:
    rows = [row(f"a/{n}") for n in range(12)]
    rows[0]["BBH"], rows[1]["GPQA"], rows[2]["fullname"] = "", "none so far", "not a name"
    for n in range(5, 12):
        rows[n]["MMLU-PRO"] = "n/a"
    rows[4]["IFEval"] = 130
    table = read_table(export(rows))
    assert table.seams["rows_read"] == 12 and table.seams["rows"] == 1
    assert table.seams["rows_left_out"] == 11
    text = told(table)
    assert "1 row is left out: no BBH" in text and "t.csv:2" in text
    assert "GPQA that is no figure ('none so far')" in text and "line 3" in text
    assert "7 rows are left out: no MMLU-PRO" in text
    assert "lines 7, 8, 9, 10, 11, … (7 in all)" in text
    assert "outside 0 to 100" in text and "no model's name" in text


def test_averages_that_are_not_the_mean_are_counted(export: Export) -> None:
    rows = [row(f"a/{n}", **{"Average ⬆️": 30.0 + (n == 1)}) for n in range(3)]
    table = read_table(export(rows))
    assert table.seams["averages_off"] == 1 and table.frame.average[1] == 31
    assert "the average of 1 of 3 rows is not the mean" in told(table)
    assert "t.csv:3" in told(table)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("a/x", "a/x"),
        (" a/x ", "a/x"),
        (LINK.format("a/x-1.5"), "a/x-1.5"),
        ("https://huggingface.co/a/x/", "a/x"),
        ('<a href="https://example.org/x">a/x</a> has been flagged!', "a/x"),
        ("gpt2", "gpt2"),
    ],
)
def test_a_models_name_out_of_its_cell(cell: str, name: str) -> None:
    assert name_of(cell) == name


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a/x", (("a/x",), False, "")),
        ("a/x (Merge)", (("a/x",), True, "")),
        ("Removed", ((), False, "removed")),
        ("", ((), False, "nothing")),
        (None, ((), False, "nothing")),
        ("a/x, b/y", (("a/x", "b/y"), True, "")),
        ("['a/x', 'b/y', 'a/x']", (("a/x", "b/y"), True, "")),
        (["a/x", "b/y"], (("a/x", "b/y"), True, "")),
        (LINK.format("a/x"), (("a/x",), False, "")),
        ("see the model card!", ((), False, "unreadable")),
    ],
)
def test_declared_parents(cell: object, expected: object) -> None:
    assert parents_of(cell) == expected


def test_types_by_symbol_and_by_words() -> None:
    words = {
        "🟢 pretrained": "pretrained", "🟩 continuously pretrained": "continued",
        "🔶 fine-tuned on domain-specific datasets": "finetune",
        "💬 chat models (RLHF, DPO, IFT, ...)": "chat", "🤝 base merges and moerges": "merge",
        "🌸 multimodal": "multimodal",
    }  # fmt: skip
    for text, kind in words.items():
        assert type_of(text[0], None) == type_of(None, text[2:]) == kind
    assert type_of("", "") == type_of(None, "instruction following") == "other"


def test_missing_columns_come_all_at_once_with_those_that_are_near(export: Export) -> None:
    plain = row("a/x")
    for title in ("BBH", "Base Model", "fullname", "Model"):
        del plain[title]
    text = faults(export([plain | {"BBH_points": 3, "Base Mdl": "b/y"}]))
    for title in ("'BBH'", "'Base Model'", "'fullname'"):
        assert f"no column {title}" in text
    assert "rename 'Base Mdl' to 'Base Model'" in text and "the file's columns: T, " in text
    doubled = row("a/x") | {"MATH": 3.0}
    assert "columns 'MATH Lvl 5' and 'MATH' are both 'MATH Lvl 5'" in faults(export([doubled]))


def test_columns_that_can_be_done_without_are_named(export: Export) -> None:
    needed = ("fullname", "Base Model", "IFEval", "BBH", "MATH Lvl 5", "GPQA", "MUSR", "MMLU-PRO")
    table = read_table(export([{k: v for k, v in ROW.items() if k in needed}]))
    for title in ("Precision", "Chat Template", "Submission Date", "Merged"):
        assert title in told(table)
    assert table.frame.type.isna().all() and table.seams["flagged"] is None
    assert table.frame.average[0] == 30


def test_a_table_without_a_usable_row_says_why(export: Export) -> None:
    text = faults(export([row("a/x", BBH="forty"), row("a/y", BBH="2,5")]))
    assert "no row of" in text and "BBH that is no figure ('forty')" in text
    path = export([row("a/x")])
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert "has no rows" in faults(path)
