"""The page of a leaderboard: its numbers are those of results.json, and no name is obeyed."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from leaderboard_factory import BASES, OUTCOMES, QUESTION, make_leaderboard
from page_checks import CONTRASTS, ELEMENTS, PAYLOADS
from shown import Shown, at

from workbench.report import picture
from workbench.report.leaderboard_page import render_leaderboard, write_leaderboard_page
from workbench.report.leaderboard_trees import MOST_MODELS


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return make_leaderboard()


@pytest.fixture(scope="module")
def shown(results: dict[str, Any]) -> Shown:
    return Shown(render_leaderboard(results))


def test_every_number_is_the_one_at_its_place_in_results_json(
    results: dict[str, Any], shown: Shown
) -> None:
    assert len(shown.numbers) > 800
    for pointer, value, *_ in shown.numbers:
        assert at(results, pointer) == value, pointer


def test_the_text_of_every_number_is_its_value_rounded(shown: Shown) -> None:
    for pointer, value, _, text in shown.numbers:
        plain = text.replace("−", "-").replace(",", "")
        if plain.startswith("<"):
            assert value < float(plain[1:])
        elif plain.endswith("%"):
            assert float(plain[:-1]) == pytest.approx(100 * value, abs=0.5), pointer
        else:
            decimals = len(plain.partition(".")[2]) if "e" not in plain else 0
            error = 0.5 * 10.0**-decimals + 1e-9 if "e" not in plain else 0.06 * value
            assert float(plain) == pytest.approx(value, abs=error), pointer
            if plain.startswith("+"):
                assert value > 0


def _expected() -> Iterator[str]:
    for outcome in QUESTION:
        for field in ("value", "ci95/0", "ci95/1"):
            yield f"/answer/{outcome}/{field}"
        for row in range(3):
            for field in ("value", "ci95/0", "ci95/1", "n"):
                yield f"/robustness/{row}/answers/{outcome}/{field}"
        for base in range(5):
            yield f"/selection/bases/{outcome}/{base}/at_equal/value"
        for field in ("best_of_all", "best_of_equal"):
            yield f"/selection/sides/{outcome}/0/{field}/value"
    for outcome in OUTCOMES:
        for step in range(6):
            for field in ("value", "ci95/0", "ci95/1", "p", "n", "bases"):
                yield f"/mixed/{outcome}/{step}/{field}"
        for part, size in (("bases", 4), ("families", 5), ("countries", 3), ("sides", 4)):
            for row in range(size):
                for field in ("value", "ci95/0", "ci95/1", "n"):
                    yield f"/{part}/{row}/{outcome}/median/{field}"
        yield f"/mixed/{outcome}/5/permutation/p"
        yield f"/mixed/{outcome}/5/coefficients/log size/ci95/0"
        yield f"/mixed/{outcome}/5/sd_submitter"
    for row in range(18):
        for field in ("above_siblings", "expected", "q"):
            yield f"/suspects/flagged/{row}/{field}"
    for entry in range(2):
        for field in ("parent", "entry", "delta", "ci95/differ/0", "ci95/independent/1", "n"):
            yield f"/entries/{entry}/benchmarks/musr/{field}"
            yield f"/entries/{entry}/average/{field}"
        yield f"/entries/{entry}/best_of/exact/expected"
    yield from ("/frontier/press/figures/0/gap", "/frontier/series/4/gap/3/value")
    yield from ("/seams/roles/unplaced", "/seams/unplaced_by_reason/merge")
    yield "/seams/missing_parents/someone~1lost-1.5b"
    for tree in range(5):
        yield f"/trees/{tree}/tree/children/0/children/0/gain_base"


def test_what_must_be_shown_is(shown: Shown) -> None:
    pointers = {pointer for pointer, *_ in shown.numbers}
    assert set(_expected()) <= pointers


def test_marks_stand_for_values_of_the_analysis(results: dict[str, Any], shown: Shown) -> None:
    known: set[float] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                walk(inner)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            known.add(float(value))

    walk(results)
    assert len(shown.marks) > 150
    assert set(shown.marks) <= known


def test_the_first_lines_are_the_three_answers(results: dict[str, Any]) -> None:
    page = render_leaderboard(results)
    head = page[page.index("<header") : page.index("</header>")]
    words = re.findall(r'class="verdict-word">([^<]*)<', head)
    assert words == ["Supported", "Contradicted", "Not shown"]
    assert "Lord’s paradox" in head
    for outcome in QUESTION:
        assert results["answer"][outcome]["sentence"].replace("-1.5", "−1.5") in head


def test_changes_of_the_rows_say_how_many_and_what_they_move(results: dict[str, Any]) -> None:
    page = render_leaderboard(results)
    assert ">4 rows fewer<" in page
    assert ">12 rows more; changes the answer on final score<" in page
    assert "1 of these changes moves an answer." in page
    assert "The difference goes from −2.5 to +3.0." in page


def test_a_picture_is_taken_of_its_own_page(results: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    assert picture._page(tmp_path).read_text(encoding="utf-8") == render_leaderboard(results)


def test_the_same_analysis_gives_the_same_page(results: dict[str, Any]) -> None:
    assert render_leaderboard(results) == render_leaderboard(copy.deepcopy(results))


PARTS = [k for k, v in make_leaderboard().items() if isinstance(v, dict | list) and v]


@pytest.mark.parametrize("key", ["all", *PARTS])
def test_a_part_that_is_missing_is_left_out(key: str) -> None:
    results = make_leaderboard(entries=2)
    given = {} if key == "all" else {**results, key: None}
    for pointer, value, *_ in Shown(render_leaderboard(given)).numbers:
        assert at(given, pointer) == value


def test_an_answer_without_figures_says_so_without_a_number(results: dict[str, Any]) -> None:
    given = copy.deepcopy(results)
    given["answer"]["final"] |= {"value": None, "ci95": None, "n": 0}
    page = render_leaderboard(given)
    assert "None" not in re.sub(r"<[^>]*>", "", page)


def test_more_models_than_a_page_bears_are_left_to_results_json(results: dict[str, Any]) -> None:
    trees = make_leaderboard(entries=MOST_MODELS // 3)["trees"]
    page = render_leaderboard({**results, "trees": trees})
    assert "smaller tree" in page
    assert page.count('class="leaf-name"') < MOST_MODELS + 10


@pytest.fixture(scope="module")
def report(results: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_leaderboard_page(results, tmp_path_factory.mktemp("leaderboard"))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (400, "light"),
                                               (400, "dark")])  # fmt: skip
def test_quiet_legible_and_never_wider_than_the_window(
    report: Path, open_page: Callable[..., Any], width: int, scheme: str
) -> None:
    page = open_page(report, width, scheme)
    assert page.console == [] and page.requests == [report.as_uri()]
    assert page.run("return document.documentElement.scrollWidth") <= width
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.run("return document.documentElement.scrollWidth") <= width
    assert page.run(CONTRASTS) == []


#: Texts at the right of lines, of axes and above bars that lie on each other.
OVERLAPS = """
const found = [];
for (const svg of document.querySelectorAll('main svg.plane, header svg.axis, main svg.axis')) {
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


@pytest.mark.parametrize("width", [1280, 400])
def test_no_label_lies_on_another(report: Path, open_page: Callable[..., Any], width: int) -> None:
    page = open_page(report, width)
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.run(OVERLAPS) == []


def test_a_mark_stands_where_its_value_is(
    results: dict[str, Any], report: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(report)
    rows = page.run(
        """return [...document.querySelectorAll('.controls tbody tr')].map(row => {
        const mark = row.querySelector('[data-value]'), zero = row.querySelector('.zero');
        const middle = r => (r.left + r.right) / 2;
        return [+mark.dataset.value, middle(mark.getBoundingClientRect())
          - middle(zero.getBoundingClientRect())]; })"""
    )
    assert len(rows) == sum(len(steps) for steps in results["mixed"].values())
    scale = max(abs(shift / value) for value, shift in rows)
    for value, shift in rows:
        assert shift == pytest.approx(scale * value, abs=1.5)


#: What the analysis names; all other keys, and all texts, come from the table or may.
def _named(value: Any) -> set[str]:
    if isinstance(value, list):
        return {key for inner in value for key in _named(inner)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {key for inner in value.values() for key in _named(inner)}


NAMED = _named(make_leaderboard()) - {"someone/lost-1.5b", "declares no base", "merge"}
#: Texts by which the page chooses what to draw.
CODES = {"axis", "size", "score", "date", "verdict", "benchmark", "kind", "role", "placed_by"}


def _poisoned(value: Any, payload: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k if k in NAMED else payload + k: _poisoned(v, payload, k)
                for k, v in value.items()}  # fmt: skip
    if isinstance(value, list):
        return [_poisoned(v, payload, key) for v in value]
    return payload + value if isinstance(value, str) and key not in CODES else value


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_in_a_table_is_obeyed(
    results: dict[str, Any], tmp_path: Path, open_page: Callable[..., Any], payload: str
) -> None:
    pages = {}
    for name, content in (("clean", results), ("poisoned", _poisoned(results, payload))):
        page = open_page(write_leaderboard_page(content, tmp_path / name))
        assert page.run("return window.hit") is None and page.console == []
        assert len(page.requests) == 1
        pages[name] = page.run(ELEMENTS)
    for element in ("script", "style", "img", "iframe", "a", "details", "table", "tr"):
        assert pages["poisoned"].get(element) == pages["clean"].get(element)
    assert set(pages["poisoned"]) <= set(pages["clean"]) | {"wbr"}
    assert "1337" not in page.run("return document.body.textContent")


def test_bases_are_told_apart_by_shape_as_well(report: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(report)
    drawn = page.run(
        """return [...document.querySelectorAll('#bases tbody tr')].map(row => [
        row.querySelector('bdi').textContent,
        row.querySelector('.glyph path').getAttribute('d'),
        row.querySelector('.strip .mark').getAttribute('d')])"""
    )
    shapes: dict[bool, set[str]] = {True: set(), False: set()}
    for name, *paths in drawn:
        shapes[BASES[name][2] == "CN"] |= set(paths)
    assert len(shapes[True]) == len(shapes[False]) == 1
    assert shapes[True] != shapes[False]
