"""The verdict page in headless Chromium: marks in their places, quiet, narrow, unharmed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_checks import CONTRASTS, ELEMENTS, PAYLOADS
from results_factory import make_results, write_run
from study_example import CAUSES, SHAPES, TASKS, make_study

from workbench.report.page import write_report
from workbench.report.study_page import write_study_page


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return make_study(planted=True)


@pytest.fixture(scope="module")
def report(results: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study_page(results, tmp_path_factory.mktemp("study"))


OPEN = "document.querySelectorAll('details').forEach(d => { d.open = true; })"
WIDTH = "return document.documentElement.scrollWidth"


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (320, "dark"), (768, "light"),
                                               (1280, "dark"), (1400, "light")])  # fmt: skip
def test_quiet_legible_and_never_wider_than_the_window(
    report: Path, open_page: Callable[..., Any], width: int, scheme: str
) -> None:
    page = open_page(report, width, scheme)
    assert page.console == [] and page.requests == [report.as_uri()]
    assert page.run(WIDTH) <= width
    page.run(OPEN)
    assert page.run(WIDTH) <= width
    assert page.run(CONTRASTS) == []
    # Every number lies in the window, or in a box that scrolls.
    outside = """return [...document.querySelectorAll('data')].filter(d => d.getClientRects().length
      && !d.closest('.box') && d.getBoundingClientRect().right > innerWidth + 1).length"""
    assert page.run(outside) == 0


@pytest.mark.parametrize("shape", ["one family a side", "table", "nothing known"])
def test_other_shapes_are_quiet_and_narrow_too(
    tmp_path: Path, open_page: Callable[..., Any], shape: str
) -> None:
    page = open_page(write_study_page(SHAPES[shape](), tmp_path), 320)
    page.run(OPEN)
    assert page.console == [] and page.run(WIDTH) <= 320


def test_a_runs_report_with_a_study_is_quiet_and_narrow(
    tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    run, samples = make_results((0,))
    write_run(tmp_path, {**run, "study": make_study(planted=True)["study"]}, samples)
    page = open_page(write_report(tmp_path), 400, "dark")
    page.run(OPEN)
    assert page.console == [] and page.run(WIDTH) <= 400
    assert page.run(CONTRASTS) == []


#: Texts of one figure that lie on each other.
OVERLAPS = """
const found = [];
for (const svg of document.querySelectorAll('svg.plane, svg.axis')) {
  const boxes = [...svg.querySelectorAll('text')].filter(t => t.getClientRects().length)
    .map(t => [t.textContent, t.getBoundingClientRect()]);
  for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {
    const [a, b] = [boxes[i][1], boxes[j][1]];
    if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
        Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4)
      found.push([boxes[i][0], boxes[j][0]]);
  }
}
return found;
"""


@pytest.mark.parametrize("width", [1280, 768, 320])
def test_no_label_lies_on_another(report: Path, open_page: Callable[..., Any], width: int) -> None:
    page = open_page(report, width)
    page.run(OPEN)
    assert page.run(OVERLAPS) == []


@pytest.mark.parametrize("width", [1280, 320])
def test_bases_stand_where_their_values_are(
    results: dict[str, Any], report: Path, open_page: Callable[..., Any], width: int
) -> None:
    rows = open_page(report, width).run(
        """return [...document.querySelectorAll('#study-bases .forest tbody:not(.foot) tr')]
        .filter(r => !r.matches('.side')).map(row => [
          row.querySelector('.base-name bdi').textContent,
          ...[...row.querySelectorAll('td')].map(cell => {
            const svg = cell.querySelector('svg.strip').getBoundingClientRect();
            const at = e => { const r = e.getBoundingClientRect();
              return ((r.left + r.right) / 2 - svg.left) / svg.width; };
            return [at(cell.querySelector('.mark')),
              ...[...cell.querySelectorAll('.whisker line')].slice(1).map(at)]; })])"""
    )
    assert len(rows) == 22
    for column in range(3):
        node = results["study"]["estimands"][column]
        values = {b["base"]: (b["value"], *b["ci95"]) for b in node["bases"]}
        pairs = [
            (value, place)
            for name, *cells in rows
            for value, place in zip(values[name], cells[column], strict=False)
        ]
        (low, left), (high, right) = min(pairs), max(pairs)
        slope = (right - left) / (high - low)
        assert slope > 0 and len(pairs) == 3 * 22
        for value, place in pairs:
            assert place == pytest.approx(left + slope * (value - low), abs=0.006)


def test_a_diamond_is_as_wide_as_its_interval(
    results: dict[str, Any], report: Path, open_page: Callable[..., Any]
) -> None:
    drawn = open_page(report).run(
        """return [...document.querySelectorAll('.answer svg.strip:not(.axis)')].map(svg => {
        const box = svg.getBoundingClientRect();
        const ends = e => { const r = e.getBoundingClientRect();
          return [(r.left - box.left) / box.width, (r.right - box.left) / box.width]; };
        const zero = ends(svg.querySelector('.zero'));
        return [ends(svg.querySelector('.pooled')), ends(svg.querySelector('.margin-band')),
          (zero[0] + zero[1]) / 2, ends(svg.querySelector('.pooled-middle'))[0]]; })"""
    )
    main = [one for one in results["study"]["estimands"] if one["main"]]
    # All three share one scale: what 0.01 is in shares of the width follows from the margins.
    (low, high), zero = drawn[0][1], drawn[0][2]
    unit = (high - low) / 2 / main[0]["margin"]
    for one, (diamond, band, middle, peak) in zip(main, drawn, strict=True):
        assert middle == pytest.approx(zero, abs=0.004)
        assert (band[0] - zero) / unit == pytest.approx(-one["margin"], abs=0.002)
        for place, value in zip((*diamond, peak), (*one["ci95"], one["value"]), strict=True):
            assert (place - zero) / unit == pytest.approx(value, abs=0.003)


def _named(value: Any) -> set[str]:
    if isinstance(value, list):
        return {key for inner in value for key in _named(inner)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {key for inner in value.values() for key in _named(inner)}


#: Names that come from a recipe or a table; all other keys are those of the analysis.
GIVEN = {b["base"] for b in make_study()["study"]["groups"]["bases"]} | {"Chinese", "the rest"}
GIVEN |= set(TASKS) | set(CAUSES)
#: Texts by which the page chooses what to draw.
CODES = {"verdict", "unit", "name"}


def _poisoned(value: Any, payload: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {payload + k if k in GIVEN else k: _poisoned(v, payload, k)
                for k, v in value.items()}  # fmt: skip
    if isinstance(value, list):
        return [_poisoned(v, payload, key) for v in value]
    return payload + value if isinstance(value, str) and key not in CODES else value


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_in_a_study_is_obeyed(
    tmp_path: Path, open_page: Callable[..., Any], payload: str
) -> None:
    given = make_study(one_family=True, planted=True)
    # Own names are keys in one place and texts in another: both get the payload.
    pages = {}
    for name, content in (("clean", given), ("poisoned", _poisoned(given, payload))):
        page = open_page(write_study_page(content, tmp_path / name), 320)
        assert page.run("return window.hit") is None and page.console == []
        assert len(page.requests) == 1
        assert page.run(WIDTH) <= 320
        pages[name] = page.run(ELEMENTS)
    for element in ("script", "style", "img", "iframe", "a", "details", "table", "tr", "svg"):
        assert pages["poisoned"].get(element) == pages["clean"].get(element), element
    assert set(pages["poisoned"]) <= set(pages["clean"]) | {"wbr"}
    assert "1337" not in page.run("return document.body.textContent")


def test_sides_are_told_apart_by_shape_as_well(report: Path, open_page: Callable[..., Any]) -> None:
    drawn = open_page(report).run(
        """return [...document.querySelectorAll('#study-bases .forest tbody:not(.foot)')]
        .map(body => [...body.querySelectorAll('.glyph path, .strip path.mark')]
          .map(p => p.getAttribute('d')))"""
    )
    assert [len(set(paths)) for paths in drawn] == [1, 1]
    assert drawn[0][0] != drawn[1][0]


def test_every_figure_says_what_it_shows(report: Path, open_page: Callable[..., Any]) -> None:
    silent = open_page(report).run(
        """return [...document.querySelectorAll('svg')].filter(s => !s.parentElement.closest('svg')
        && !(s.getAttribute('aria-label') || '').trim() && s.getAttribute('aria-hidden') !== 'true')
        .length"""
    )
    assert silent == 0
