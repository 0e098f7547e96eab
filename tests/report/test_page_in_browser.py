"""The page as headless Chromium shows it: true numbers, no errors, no requests, nothing runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest
from page_checks import CONTRASTS, ELEMENTS, PAYLOADS
from results_factory import make_results, write_run

from workbench.report.page import write_report

SHOWN = """
return [...document.querySelectorAll('data[data-entry]')].map(
  d => [d.dataset.entry, d.dataset.task || '', d.dataset.against || '', d.dataset.field, d.value])
"""


def _expected(results: dict[str, Any]) -> dict[tuple[str, str, str, str], Any]:
    """Every number that results.json holds on scores and changes, read straight from it."""
    numbers: dict[tuple[str, str, str, str], Any] = {}
    for output in results["outputs"]:
        name = output["id"]
        for task, score in output["scores"].items():
            low, high = score["ci95"]
            for field, value in (
                ("value", score["value"]),
                ("score-low", low),
                ("score-high", high),
                ("score-n", score["n"]),
            ):
                numbers[name, task, "", field] = value
        for parent, tasks in output["versus"].items():
            for task, change in tasks.items():
                low, high = change["ci95"]
                for field, value in (
                    ("delta", change["delta"]),
                    ("delta-low", low),
                    ("delta-high", high),
                    ("p", change["p"]),
                    ("delta-n", change["n"]),
                ):
                    numbers[name, task, parent, field] = value
    return numbers


def test_numbers_on_the_page_are_those_of_results_json(
    run_folder: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(write_report(run_folder))
    shown = {tuple(row[:4]): json.loads(row[4]) for row in page.run(SHOWN)}
    expected = _expected(json.loads((run_folder / "results.json").read_text()))
    assert len(expected) > 300
    assert {key: shown.get(key) for key in expected} == expected


def test_text_beside_a_value_is_that_value_rounded(
    run_folder: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(write_report(run_folder))
    pairs = page.run(
        "return [...document.querySelectorAll('data[data-field=value],data[data-field=delta]')]"
        ".map(d => [d.textContent, d.value])"
    )
    for text, exact in pairs:
        assert float(text.replace("−", "-")) == pytest.approx(float(exact), abs=0.0005001)


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_quiet_and_legible(
    run_folder: Path, open_page: Callable[..., Any], width: int, scheme: str
) -> None:
    report = write_report(run_folder)
    page = open_page(report, width, scheme)
    assert page.console == []
    assert page.requests == [report.as_uri()]
    assert page.run("return document.documentElement.scrollWidth") <= width
    # Every number is inside the window or inside a box that scrolls.
    assert (
        page.run(
            """return [...document.querySelectorAll('data')].filter(
        d => d.getClientRects().length && d.getBoundingClientRect().right > innerWidth).length"""
        )
        == 0
    )
    assert page.run(CONTRASTS) == []


def test_marks_stand_where_their_values_say(
    run_folder: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(write_report(run_folder))
    rows = page.run(
        """return [...document.querySelectorAll('table.scores tbody svg.strip')].map(svg => {
          const box = svg.getBoundingClientRect(), mark = svg.querySelector('path.mark');
          const at = mark.getBoundingClientRect();
          const place = (at.left + at.width / 2 - box.left) / box.width;
          return [place, Number(mark.dataset.value)]; })"""
    )
    assert len(rows) > 30
    for place, value in rows:
        # The scale runs from 0 to 1 with a margin of 3% on both sides.
        assert place == pytest.approx(0.03 + 0.94 * value, abs=0.004)


def test_items_can_be_filtered_to_those_that_changed(
    run_folder: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(write_report(run_folder))
    choose = """
      const form = document.querySelector('#browser form');
      const pick = (select, text) => { select.value =
        [...select.options].find(o => o.text === text).value;
        select.dispatchEvent(new Event('change', {bubbles: true})); };
      pick(form.elements.output, arguments[0]); pick(form.elements.task, arguments[1]);
      pick(form.elements.against, arguments[2]); pick(form.elements.show, arguments[3]);
      return [...document.querySelectorAll('#browser tbody tr')].map(
        row => [row.querySelector('th').firstChild.textContent,
                ...[...row.querySelectorAll('td')].map(td => td.textContent)])"""
    rows = page.run(choose, "doubled (seed 1)", "sums_compare", "tuned (seed 1)", "turned wrong")
    frame = pandas.read_parquet(run_folder / "samples.parquet")
    frame = frame[(frame.task == "sums_compare") & (frame.seed == 1)].set_index("item_id")
    child, parent = frame[frame.output == "doubled"], frame[frame.output == "tuned"]
    assert rows
    for item, target, own, other in rows:
        assert child.score[item] == 0 and parent.score[item] == 1
        assert target == child.target[item]
        assert own == "✗" + child.answer[item]
        assert other == "✓" + parent.answer[item]


#: Keys that the contract gives; all others come from the user or may.
CONTRACT_KEYS = {
    *("name", "key", "complete", "created", "command", "suite", "description", "conditions"),
    *("outputs", "errors", "versions", "machine", "recipe", "id", "kind", "seed", "parents"),
    *("path", "config", "record", "scores", "versus", "refused", "seconds", "metric", "value"),
    *("ci95", "n", "method", "delta", "p", "gained", "lost", "reused", "scoring_seconds"),
    *("peak_memory_bytes", "predicted_memory_bytes", "fact", "cause", "remedy", "curve", "step"),
    *("loss", "learning_rate", "licence", "url", "carries_on", "clauses", "text"),
}  # fmt: skip


def _poisoned(value: Any, payload: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {
            k if k in CONTRACT_KEYS else payload + k: _poisoned(v, payload, k)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [_poisoned(v, payload, key) for v in value]
    # The kind of most outputs stays, so that every section is drawn.
    if isinstance(value, str) and (key != "kind" or value == "merge"):
        return payload + value
    return value


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_in_a_run_is_obeyed(
    tmp_path: Path, open_page: Callable[..., Any], payload: str
) -> None:
    results, samples = make_results((0,))
    clean = tmp_path / "clean"
    write_run(clean, results, samples)
    expected = open_page(write_report(clean)).run(ELEMENTS)
    for column in ("output", "task", "item_id", "answer", "target"):
        samples[column] = payload + samples[column]
    folder = tmp_path / "poisoned"
    write_run(folder, _poisoned(results, payload), samples)
    report = write_report(folder)
    page = open_page(report)
    assert page.run("return window.hit") is None
    assert page.console == []
    assert page.requests == [report.as_uri()]
    found = page.run(ELEMENTS)
    assert set(found) <= set(expected) | {"wbr", "circle"}
    assert found["script"] == expected["script"] and found["style"] == expected["style"]
    assert "1337" not in page.run("return document.body.textContent")
    assert payload[:20].strip() in page.run("return document.querySelector('h1').textContent") or (
        payload.startswith("\x1b")
    )
    assert [p.name for p in tmp_path.iterdir() if p.name not in ("clean", "poisoned")] == []
