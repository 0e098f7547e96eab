"""The section on published figures: true numbers, words for every verdict, nothing obeyed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from page_checks import CONTRASTS, PAYLOADS
from results_factory import make_results, write_run
from rich.console import Console

from workbench.report.page import render, write_report
from workbench.report.reproduction_view import ReproductionView, needed
from workbench.report.reproductions import Figure, Reproduction
from workbench.report.table import results_table

#: Ours, theirs, verdict of three figures in points.
FIGURES = {
    "ifeval": (79.1, 79.96, "reproduced"),
    "bbh": (52.3, 58.77, "not reproduced"),
    "musr": (20.1, 23.72, "cannot tell"),
}


def _effect(value: float) -> dict[str, Any]:
    return {"value": value, "ci95": [value - 0.5, value + 0.5], "p": 0.2, "n": 756, "method": "t"}


def _figure(ours: float, theirs: float, verdict: str) -> dict[str, Any]:
    difference = ours - theirs
    return {
        "title": "",
        "ours": ours,
        "theirs": theirs,
        "rounding": 0.005,
        "difference": difference,
        "ci90": [difference - 1.6, difference + 1.6],
        "ci95": [difference - 2.0, difference + 2.0],
        "n": 200,
        "of": 756,
        "verdict": verdict,
        "items_needed": 610,
        "items_needed_if_observed": None,
        "power": [
            {"n": n, "true": true, "reproduced": n / 800, "not_reproduced": 0.1, "draws": 1000}
            for n in (50, 400, 756)
            for true in (0.0, 3.0, 6.0)
        ],
    }


def _reproduction(**changes: Any) -> dict[str, Any]:
    return {
        "entry": "dnhkng/RYS-XLarge",
        "snapshot": "2024-10",
        "source": "https://huggingface.co/spaces/open-llm-leaderboard",
        "output": "doubled",
        "seed": 0,
        "unit": "points",
        "margin": 3.0,
        "flips": 0.05,
        "verdict": "not reproduced",
        "method": "two one-sided tests",
        "tasks": {name: _figure(*row) for name, row in FIGURES.items()},
        "missing": ["gpqa"],
        "conditions": [
            {"what": "chat template", "ours": "applied", "theirs": "not applied", "differs": True},
            {"what": "precision", "ours": "bfloat16", "theirs": "bfloat16", "differs": False},
            {"what": "device", "ours": "cuda", "theirs": "not stated", "differs": None},
        ],
        "effects": {},
        "parents": [
            {
                "parent": "tuned",
                "entry": "MaziyarPanahi/calme-2.1-qwen2-72b",
                "chat_template": {"entry": False, "parent": True},
                "gap": {
                    "average": {
                        "published": 1.14,
                        "rounding": 0.01,
                        "treatment": _effect(0.4),
                        "template": _effect(0.6),
                        "rest": _effect(0.14),
                    }
                },
                "refused": [],
                "luck": {"words": ["The best of 1,000 worthless variants would show +1.20."]},
            }
        ],
        **changes,
    }


def _both(results: dict[str, Any]) -> None:
    """Both chat-template conditions of one output and its parent."""
    for output in results["outputs"]:
        if output["name"] in ("doubled", "tuned"):
            output["with_chat_template"] = {"scores": output["scores"]}
            output["effects"] = {"template": {"average": _effect(1.5)}, "against": {}}
        if output["name"] == "doubled":
            output["effects"]["against"] = {
                "tuned": {
                    "without": {"average": _effect(0.3)},
                    "with": {"average": _effect(0.5)},
                    "interaction": {"average": _effect(0.2)},
                }
            }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run that held an entry against an output."""
    results, samples = make_results((0,))
    results["reproductions"] = [_reproduction()]
    _both(results)
    write_run(tmp_path / "run", results, samples)
    return tmp_path / "run"


def test_every_figure_stands_with_its_verdict_in_words_and_sign(
    folder: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(write_report(folder))
    rows = page.run(
        """return [...document.querySelectorAll('table.held-table tbody tr')].map(row => [
          row.querySelector('th').textContent.trim(),
          ...[...row.querySelectorAll('data')].map(d => Number(d.value)),
          row.querySelector('.c-verdict').textContent.trim()])"""
    )
    signs = {"reproduced": "✓", "not reproduced": "✗", "cannot tell": "?"}
    assert rows == [
        [name, theirs, ours, pytest.approx(ours - theirs), f"{signs[verdict]} {verdict}"]
        for name, (ours, theirs, verdict) in FIGURES.items()
    ]


def test_mark_and_margin_stand_where_their_values_say(
    folder: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(write_report(folder))
    drawn = page.run(
        """return [...document.querySelectorAll('table.held-table tbody svg.strip')].map(svg => {
          const box = svg.getBoundingClientRect();
          const share = e => { const at = e.getBoundingClientRect();
            return (at.left + at.width / 2 - box.left) / box.width; };
          const edges = [...svg.querySelectorAll('.margin-edge')].map(share);
          const mark = svg.querySelector('path.mark');
          return [share(mark), Number(mark.dataset.value), ...edges]; })"""
    )
    assert len(drawn) == 3
    for place, value, left, right in drawn:
        # The margin gives the scale: 3 points to either side of the middle.
        per_point = (right - left) / 6
        assert left + right == pytest.approx(1.0, abs=0.01)
        assert place == pytest.approx(0.5 + value * per_point, abs=0.01)


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_quiet_and_legible(
    folder: Path, open_page: Callable[..., Any], width: int, scheme: str
) -> None:
    page = open_page(write_report(folder), width, scheme)
    page.run("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert page.console == []
    assert page.run("return document.documentElement.scrollWidth") <= width
    assert page.run(CONTRASTS) == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_published_is_obeyed(
    tmp_path: Path, open_page: Callable[..., Any], payload: str
) -> None:
    def poisoned(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: poisoned(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [poisoned(each, key) for each in value]
        fixed = ("verdict", "unit", "output", "parent")
        return payload + value if isinstance(value, str) and key not in fixed else value

    results, samples = make_results((0,))
    results["reproductions"] = [poisoned(_reproduction())]
    write_run(tmp_path / "run", results, samples)
    page = open_page(write_report(tmp_path / "run"))
    assert page.run("return window.hit") is None
    assert page.console == []
    assert "1337" not in page.run("return document.body.textContent")


def test_the_naive_difference_and_its_parts_are_said(folder: Path) -> None:
    text = render(folder)
    assert "stands 1.14 points above MaziyarPanahi/calme-2.1-qwen2-72b" in text
    assert "the first measured without a chat template and the second with a chat template" in text
    assert "the layer path accounts for +0.40 (95% interval −0.10 to +0.90) of it" in text
    assert "the chat template for +0.60 (95% interval +0.10 to +1.10)" in text
    assert "+0.14 (95% interval −0.36 to +0.64) was not found again" in text
    assert "The best of 1,000 worthless variants would show +1.20." in text
    assert "Measured under other conditions: chat template" in text
    assert "template, on tuned" in text and "interaction with tuned" in text


def test_words_of_each_verdict() -> None:
    def lead(verdict: str, **tasks: str) -> str:
        figures = {name: _figure(*FIGURES[name][:2], each) for name, each in tasks.items()}
        found = _reproduction(verdict=verdict, tasks=figures)
        return ReproductionView(Reproduction.model_validate(found), seeded=False).lead

    assert "doubled reproduces dnhkng/RYS-XLarge (2024-10)" in lead("reproduced", musr="reproduced")
    assert "musr lies beyond ±3 points" in lead("not reproduced", musr="not reproduced")
    both = lead("cannot tell", musr="not reproduced", bbh="reproduced")
    assert "1 of 2 figures reproduced" in both and "1 beyond the margin by no more" in both


@pytest.mark.parametrize(
    ("items", "observed", "words"),
    [
        (610, 700, "about 610 of 756 items would tell if the entry holds; about 700 if"),
        (None, None, "not even all 756 items would tell"),
        (150, None, "150 items would have told in four cases of five"),
    ],
)
def test_how_many_items_would_tell(items: int | None, observed: int | None, words: str) -> None:
    figure = Figure(n=200, of=756, items_needed=items, items_needed_if_observed=observed)
    assert words in needed(figure)


def test_the_terminal_says_the_same(folder: Path) -> None:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(results_table(json.loads((folder / "results.json").read_text())))
    text = " ".join(console.export_text().split())
    assert "✗ doubled does not reproduce dnhkng/RYS-XLarge (2024-10): bbh lies beyond" in text
    assert "58.77 52.30 −6.47" in text
    assert "about 610 of 756 items would tell" in text
    assert "stands 1.14 points above" in text


def test_points_stand_before_the_tasks_they_are_made_of(tmp_path: Path) -> None:
    results, samples = make_results((0,))
    random = numpy.random.default_rng(0)
    for output in results["outputs"]:
        points = {
            name: {"value": 40 + random.random(), "ci95": [39.0, 42.0], "n": 100, "of": 100}
            for name in ("ifeval", "average")
        }
        gain = {"delta": 1.25, "ci95": [0.5, 2.0], "p": 0.01, "n": 100}
        output["points"] = points
        output["points_versus"] = {
            parent: {"average": gain, "ifeval": gain} for parent in output["versus"]
        }
    write_run(tmp_path / "run", results, samples)
    text = render(tmp_path / "run")
    heads = [text.index(f"<h3><bdi>{name}</bdi>") for name in
             ("average (points)", "ifeval (points)", "sums_generate")]  # fmt: skip
    assert heads == sorted(heads)
    assert "+1.250" in text
    # Where there are points, they are what the first lines and the terminal tell.
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(results_table(results))
    shown = console.export_text()
    assert "ifeval (points)" in shown and "sums_generate" not in shown
    assert (
        "sums_generate"
        not in text[text.index("<header") : text.index("</header>")].split("beside its parents")[1]
    )
