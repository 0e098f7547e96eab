"""Figures, sentences, the terminal's table and the verbs, without a browser."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from results_factory import make_results, make_run
from rich.console import Console

from workbench.cli.app import invoke
from workbench.errors import UserError
from workbench.report import numbers
from workbench.report.figures.axis import change_scale, nice, score_scale
from workbench.report.figures.graph import Node, arrange, layers_of
from workbench.report.figures.path import layer_path, ranges
from workbench.report.page import render, write_report
from workbench.report.results import Entry, parse
from workbench.report.table import results_table
from workbench.report.verdict import findings, made

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@given(FINITE, FINITE)
def test_a_scale_holds_its_values_in_order(one: float, other: float) -> None:
    low, high = sorted((one, other))
    scale = nice(low, high)
    tolerance = 1e-9 * max(1.0, abs(low), abs(high))
    assert scale.low <= low + tolerance and scale.high >= high - tolerance
    assert 0 < scale.at(low) <= scale.at(high) < 1
    assert list(scale.ticks) == sorted(set(scale.ticks)) and 2 <= len(scale.ticks) <= 12


@given(st.lists(FINITE, min_size=1))
def test_the_scale_of_changes_is_centred_on_zero(values: list[float]) -> None:
    scale = change_scale(values)
    assert scale.low == -scale.high and 0 in scale.ticks
    assert scale.at(0) == pytest.approx(0.5)
    assert scale.high >= max(map(abs, values)) * (1 - 1e-9)


def test_scores_that_are_shares_are_shown_on_the_whole_range() -> None:
    assert (score_scale([0.61, 0.64]).low, score_scale([0.61, 0.64]).high) == (0, 1)
    assert score_scale([11.2, 14.9]).low > 1


@given(st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=4), max_size=13))
def test_edges_of_any_graph_lead_one_layer_on(drawn: dict[int, list[int]]) -> None:
    nodes = [
        Node(str(n), "merge", (), tuple({str(p) for p in above if p < n}))
        for n, above in drawn.items()
    ]
    depth = layers_of(nodes)
    rows, ways = arrange(nodes)
    layer = {name: index for index, row in enumerate(rows) for name in row}
    assert {name: layer[name] for name in depth} == depth
    for way in ways:
        assert [layer[name] for name in way] == list(range(layer[way[0]], layer[way[0]] + len(way)))
    known = set(depth)
    assert {(w[0], w[-1]) for w in ways} == {
        (p, n.name) for n in nodes for p in n.parents if p in known
    }


def test_a_graph_that_bites_its_tail_is_drawn() -> None:
    nodes = [Node("a", "merge", (), ("b",)), Node("b", "merge", (), ("a", "b", "missing"))]
    rows, _ = arrange(nodes)
    assert sorted(name for row in rows for name in row if name in "ab") == ["a", "b"]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_cells_of_a_path(path: list[int]) -> None:
    entry = Entry(name="x", kind="relayer", record={"path": path, "parent_layers": 10})
    drawn = layer_path(entry)
    assert drawn is not None
    assert [visit.layer for visit in drawn.visits] == path
    assert sum(visit.again > 0 for visit in drawn.visits) == len(path) - len(set(path))
    assert [v.position for v in drawn.visits if v.after_seam] == [
        i for i in range(1, len(path)) if path[i] != path[i - 1] + 1
    ]
    assert set(drawn.dropped) == set(range(10)) - set(path)


def test_ranges_and_numbers_are_written_for_people() -> None:
    assert ranges((3, 4, 5, 9)) == "3–5, 9"
    assert numbers.signed(-0.2204) == "−0.220"
    assert numbers.signed(-0.0001) == "0.000" and numbers.signed(0.22) == "+0.220"
    assert numbers.p_value(0.0001) == "<0.001" and numbers.p_value(0.0414) == "0.041"
    assert numbers.score(None) == numbers.score(float("nan")) == numbers.score("0.5") == "–"
    assert numbers.score(1234.5) == "1,234" and numbers.size(660_000_000) == "629 MiB"
    assert numbers.seconds(3725) == "1 h 02 min" and numbers.seconds(75) == "1 min 15 s"


def test_a_finding_needs_every_seed_and_every_interval() -> None:
    results, _ = make_results()
    by_place = {(f.name, f.against, f.task): f for f in findings(parse(results))}
    tuned = by_place["tuned", "tiny", "sums_generate"]
    assert (tuned.verdict, tuned.seeds, tuned.agreeing) == ("better", 3, 3)
    assert by_place["doubled", "tuned", "sums_generate"].verdict == "worse"
    assert ("healed", "tiny", "sums_generate") not in by_place, "tiny is no direct parent of healed"
    # One seed whose interval reaches zero, and nothing is clear any more.
    for output in results["outputs"]:
        if output["id"] == "tuned@1":
            output["versus"]["tiny"]["sums_generate"]["ci95"][0] = -0.01
    found = {(f.name, f.against, f.task): f for f in findings(parse(results))}
    assert found["tuned", "tiny", "sums_generate"].verdict == "unclear"
    assert found["tuned", "tiny", "sums_generate"].agreeing == 2
    assert made(parse(results)).startswith("6 outputs (4 fine-tunes, 1 layer path, 1 merge) from 2")


def test_less_is_better_where_the_metric_says_so() -> None:
    results, _ = make_results((0,))
    for output in results["outputs"]:
        output["scores"]["sums_generate"]["metric"] = "word_perplexity"
    verdicts = {(f.name, f.task): f.verdict for f in findings(parse(results))}
    assert verdicts["tuned", "sums_generate"] == "worse"
    assert verdicts["doubled", "sums_generate"] == "better"


def _printed(results: dict[str, Any], width: int) -> str:
    console = Console(width=width, record=True, file=StringIO())
    console.print(results_table(results))
    return console.export_text()


def test_the_terminal_table_fits_eighty_columns_and_holds_every_number() -> None:
    results, _ = make_results((0,))
    text = _printed(results, 80)
    assert max(map(len, text.splitlines())) <= 80
    for output in results["outputs"]:
        for score in output["scores"].values():
            assert numbers.score(score["value"]) in text
            assert numbers.score(score["ci95"][0]) in text
        for tasks in output["versus"].values():
            for change in tasks.values():
                assert numbers.signed(change["delta"]) in text


def test_long_names_are_folded_before_a_number_is_cut() -> None:
    results, _ = make_results((0,))
    text = json.dumps(results).replace('"tuned"', '"tuned_on_many_questions_twice"')
    narrow, wide = (_printed(json.loads(text), width) for width in (80, 200))
    figures = re.compile(r"[−+]\d\.\d{3}…[−+]\d\.\d{3} +<?\d\.\d{3}")
    assert max(map(len, narrow.splitlines())) <= 80
    assert figures.findall(narrow) == figures.findall(wide) != []


def test_the_terminal_says_which_comparisons_were_refused_and_why() -> None:
    results, _ = make_results((0,))
    results["outputs"][2]["refused"] = ["tiny: not compared: precision.dtype: 'a' against 'b'"]
    name = results["outputs"][2]["name"]
    assert f"{name} against tiny: not compared: precision.dtype" in _printed(results, 200)


def test_the_terminal_table_reads_no_markup_and_no_escape_codes() -> None:
    results, _ = make_results((0,))
    results["outputs"][2]["name"] = "[red]x[/red]\x1b[2J"
    assert "[red]x" in _printed(results, 200) and "\x1b" not in _printed(results, 200)


def test_a_run_without_scores_samples_or_outputs_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"name": "bare", "outputs": []}')
    assert "This run made 0 outputs from 0 bases." in render(tmp_path)
    entry = {"name": "x", "kind": "finetune", "parents": ["gone"], "scores": {"t": {"value": None}}}
    (tmp_path / "results.json").write_text(
        json.dumps({"name": "bare", "suite": None, "outputs": [entry], "errors": ["it broke"]})
    )
    assert "it broke" in render(tmp_path)


def test_half_a_surrogate_pair_does_not_stop_the_page(tmp_path: Path) -> None:
    results, _ = make_results((0,))
    results["name"] += "\ud800"
    results["outputs"][2]["config"]["chat_template"] = "\ud800{{ x }}"
    (tmp_path / "results.json").write_text(json.dumps(results))
    assert "quickstart?" in write_report(tmp_path).read_text(encoding="utf-8")


def test_the_same_files_give_the_same_page(run_folder: Path) -> None:
    first = write_report(run_folder).read_bytes()
    assert write_report(run_folder).read_bytes() == first
    assert len(first) < 500_000
    assert not list(run_folder.glob(".*"))
    # Nothing but the two anchors of the page's own and the licence's text names an address.
    assert not re.findall(rb'(?:src|href|action|xlink:href)="(?!#)', first)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "holds a list"),
        ('{"name": "x", "outputs": [{"kind": 3}]}', "outputs.0.name"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(UserError, match=re.escape(words)):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_the_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path)]
    assert invoke(["show", *home]) == 0
    assert "no runs" in capsys.readouterr().out
    older, newer = tmp_path / "runs" / "quickstart-old", tmp_path / "runs" / "quickstart-new"
    for folder, day in ((older, "01"), (newer, "02")):
        results = make_run(folder, (0,))
        results |= {"created": f"2026-11-{day}T00:00:00+00:00", "key": folder.name[-3:]}
        (folder / "results.json").write_text(json.dumps(results))
    (tmp_path / "runs" / "evaluations").mkdir()
    assert invoke(["show", "--json", *home]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [run["key"] for run in listed] == ["new", "old"] and listed[0]["outputs"] == 6
    assert invoke(["show", *home]) == 0
    assert "2026-11-02 00:00" in capsys.readouterr().out
    assert invoke(["show", "quickstart", "--json", *home]) == 0
    assert json.loads(capsys.readouterr().out)["key"] == "new"
    assert invoke(["show", "old", *home]) == 0
    assert "healed" in capsys.readouterr().out
    assert invoke(["report", "quickstart", *home]) == 0
    assert (newer / "report.html").is_file() and not (older / "report.html").exists()
    assert invoke(["report", str(older)]) == 0
    assert (older / "report.html").is_file()
    capsys.readouterr()
    assert invoke(["report", "quikstart", *home]) == 2
    assert "did you mean quickstart" in " ".join(capsys.readouterr().err.split())
