"""A scan's section in headless Chromium: what a hover and the arrow keys read, and what is safe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_checks import CONTRASTS, ELEMENTS, PAYLOADS
from results_factory import make_results, write_run
from scan_factory import make_scan, write_scan_run

from workbench.report import numbers
from workbench.report.page import write_report
from workbench.report.scan_page import write_scan_page

HOVER = """
const [map, x, y, columns, rows] = arguments;
const svg = map.querySelector('svg'), box = svg.getBoundingClientRect();
map.dispatchEvent(new PointerEvent('pointermove', {bubbles: true,
  clientX: box.left + (x + .5) / columns * box.width,
  clientY: box.top + (y + .5) / rows * box.height}));
return [...map.closest('.scan-map').querySelectorAll('.readout p')].map(p => p.textContent);
"""


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    scan = make_scan(8)
    return write_scan_page(scan, tmp_path_factory.mktemp("scan")), scan


def _maps(page: Any, kind: str) -> list[Any]:
    found: list[Any] = page.run(f"return [...document.querySelectorAll('[data-map={kind}]')]")
    return found


def _block(scan: dict[str, Any], i: int, j: int) -> dict[str, Any]:
    [found] = [p for p in scan["paths"] if p["block"] == [i, j]]
    return found


def test_a_hover_reads_the_path_and_the_numbers_of_its_cell(
    scanned: tuple[Path, dict[str, Any]], open_page: Callable[..., Any]
) -> None:
    report, scan = scanned
    page = open_page(report)
    combined, first, second = _maps(page, "blocks")
    row = _block(scan, 2, 6)
    words = page.run(HOVER, combined, 6, 2, 9, 8)
    assert words[0] == f"{row['path']} · block (2, 6) · 4 extra layers"
    assert f"combined gain {numbers.signed(row['combined'])} SD" in words[1]
    assert numbers.interval(row["combined_ci95"], sign=True) in words[1]
    for line, probe, own in ((2, "math-guess", first), (3, "emotion", second)):
        told = row["scores"][probe]
        assert words[line] == page.run(HOVER, own, 6, 2, 9, 8)[1]
        for part in (
            f"{probe}: ",
            f" {numbers.score(told['score'])} (95% interval {numbers.interval(told['ci95'])})",
            "n = 48",
            f"gain {numbers.signed(told['gain'])} (95% interval "
            f"{numbers.interval(told['gain_ci95'], sign=True)})",
            f"q {told['q']:.3f}",
        ):
            assert part in words[line]
    assert page.run(HOVER, first, 8, 0, 9, 8)[1] == "math-guess: no score, 48 overflowed"
    assert page.run(HOVER, first, 0, 0, 9, 8)[0].startswith("0..7 · the base")
    assert "no such block" in page.run(HOVER, first, 2, 5, 9, 8)[1]
    repeats = _maps(page, "repeats")[0]
    [again] = [p for p in scan["paths"] if p["repeat"] == [4, 5]]
    assert page.run(HOVER, repeats, 4, 3, 8, 7)[0].startswith(f"{again['path']} · layer 4 run 5")
    cosine = scan["anatomy"]["similarity"][3][5]
    assert page.run(HOVER, _maps(page, "similarity")[0], 5, 3, 9, 9)[1] == (
        f"cosine {numbers.score(cosine)}"
    )
    assert page.console == []


def test_arrow_keys_go_from_cell_to_cell(
    scanned: tuple[Path, dict[str, Any]], open_page: Callable[..., Any]
) -> None:
    from selenium.webdriver.common.keys import Keys

    report, scan = scanned
    page = open_page(report)
    combined = _maps(page, "blocks")[0]
    best = max((p for p in scan["paths"] if p["block"]), key=lambda p: p["combined"] or -9)
    page.run("arguments[0].focus()", combined)
    read = "return arguments[0].closest('.scan-map').querySelector('.where').textContent"
    assert page.run(read, combined).startswith(best["path"])
    combined.send_keys(Keys.ARROW_RIGHT)
    combined.send_keys(Keys.ARROW_UP)
    i, j = best["block"]
    assert page.run(read, combined).startswith(_block(scan, i - 1, j + 1)["path"])


def test_cells_are_drawn_where_the_pointer_finds_them(
    scanned: tuple[Path, dict[str, Any]], open_page: Callable[..., Any]
) -> None:
    report, scan = scanned
    page = open_page(report)
    sides = page.run(
        """const svg = arguments[0].querySelector('svg');
        svg.scrollIntoView({block: 'center'}); const box = svg.getBoundingClientRect();
        return arguments[1].map(([x, y]) => { const e = document.elementFromPoint(
          box.left + (x + .12) / 9 * box.width, box.top + (y + .12) / 8 * box.height);
          return e.getAttribute('class').split('-')[0]; })""",
        _maps(page, "blocks")[0],
        [[p["block"][1], p["block"][0]] for p in scan["paths"] if p["block"] and p["extra"]],
    )
    expected = [p["combined"] for p in scan["paths"] if p["block"] and p["extra"]]
    told = [(side, gain) for side, gain in zip(sides, expected, strict=True) if gain is not None]
    assert len(told) > 30
    assert all(side == ("up" if gain > 0 else "down") for side, gain in told)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (400, "light"), (400, "dark")])
def test_quiet_legible_and_never_wider_than_the_window(
    scanned: tuple[Path, dict[str, Any]], open_page: Callable[..., Any], width: int, scheme: str
) -> None:
    report, _ = scanned
    page = open_page(report, width, scheme)
    assert page.console == [] and page.requests == [report.as_uri()]
    assert page.run("return document.documentElement.scrollWidth") <= width
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.run("return document.documentElement.scrollWidth") <= width
    assert page.run(CONTRASTS) == []


def test_a_map_of_80_layers_answers_at_once(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    scan = make_scan(80, probes=("math-guess", "emotion", "lm"), repeats=False)
    page = open_page(write_scan_page(scan, tmp_path), 400)
    row = _block(scan, 33, 47)
    started = page.run("return performance.now()")
    assert page.run(HOVER, _maps(page, "blocks")[1], 47, 33, 81, 80)[0].startswith(row["path"])
    assert page.run("return performance.now()") - started < 1000
    assert page.run("return document.querySelectorAll('*').length") < 6000
    assert page.run("return document.documentElement.scrollWidth") <= 400


#: What the contract names; all other keys and all texts come from the user or may.
NAMED = {
    *make_scan(3).keys(), *make_scan(3)["paths"][0].keys(), *make_scan(3)["winners"][0].keys(),
    *make_scan(3)["probes"][0].keys(), *make_scan(3)["anatomy"].keys(),
    *make_scan(3)["anatomy"]["screens"][0].keys(), *make_scan(3)["discoveries"].keys(),
    *make_scan(3)["paths"][0]["scores"]["emotion"].keys(), *make_scan(3)["agreement"].keys(),
    *("sentence", "reason", "best", "expected", "source", "p_adjusted", "held_out", "ratio"),
    *("difference", "search", "base", "cost", "layer_passes", "naive_layer_passes"),
}  # fmt: skip


def _poisoned(value: Any, payload: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k if k in NAMED else payload + k: _poisoned(v, payload, k)
                for k, v in value.items()}  # fmt: skip
    if isinstance(value, list):
        return [_poisoned(v, payload, key) for v in value]
    return payload + value if isinstance(value, str) else value


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_in_a_scan_is_obeyed(
    tmp_path: Path, open_page: Callable[..., Any], payload: str
) -> None:
    results, samples = make_results((0,))
    scan = make_scan(4)
    pages = {}
    for name, content in (("clean", scan), ("poisoned", _poisoned(scan, payload))):
        folder = tmp_path / name / "runs" / "x-1"
        outputs = json.loads(json.dumps(results))
        write_scan_run(folder, outputs, content)
        write_run(folder, outputs, samples)
        page = open_page(write_report(folder))
        for kind in ("blocks", "repeats", "similarity"):
            for map_box in _maps(page, kind):
                page.run(HOVER, map_box, 2, 1, 5, 4)
        assert page.run("return window.hit") is None and page.console == []
        assert len(page.requests) == 1
        pages[name] = page.run(ELEMENTS)
    for element in ("script", "style", "img", "iframe", "svg", "a"):
        assert pages["poisoned"].get(element) == pages["clean"].get(element)
    assert set(pages["poisoned"]) <= set(pages["clean"]) | {"wbr"}
    assert "1337" not in page.run("return document.body.textContent")
