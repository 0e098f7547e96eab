"""The verdict page: its numbers are those of results.json, and every part of it may be missing."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from results_factory import make_results, write_run
from rich.console import Console
from shown import Shown, at
from study_example import CAUSES, SHAPES, TASKS, empty_study, from_table, make_study

from workbench.report import picture
from workbench.report.page import render
from workbench.report.study_page import render_study
from workbench.report.study_table import study_table


def _text(page: str) -> str:
    """The words of a page, without style, scripts and tags."""
    return re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<(style|script).*?</\1>", "", page))


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return make_study(planted=True)


@pytest.fixture(scope="module")
def page(results: dict[str, Any]) -> str:
    return render_study(results)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_number_is_the_one_at_its_place_rounded(shape: str) -> None:
    given = SHAPES[shape]()
    shown = Shown(render_study(given))
    assert len(shown.numbers) > 500 or shape == "nothing known"
    for pointer, value, factor, text in shown.numbers:
        assert at(given, pointer) == value, pointer
        assert factor is not None, pointer
        plain = text.replace("−", "-").replace(",", "")
        if plain.startswith("<"):
            assert value < float(plain[1:])
            continue
        if plain.endswith("%"):
            plain, factor = plain[:-1], 100.0
        error = 0.5 * 10.0 ** -len(plain.partition(".")[2]) + 1e-9
        assert float(plain) == pytest.approx(factor * value, abs=error), pointer
        assert not plain.startswith("+") or value > 0


def _expected(study: dict[str, Any]) -> Iterator[str]:
    for index, one in enumerate(study["estimands"]):
        at = f"/study/estimands/{index}"
        yield from (f"{at}/{key}" for key in ("value", "ci95/0", "ci95/1", "p", "p_permutation"))
        for base in range(len(one["bases"])):
            yield from (f"{at}/bases/{base}/{key}" for key in ("value", "ci95/0", "ci95/1"))
        if one["main"]:
            yield f"{at}/margin"
            yield from (f"{at}/tasks/{task}/{key}" for task in TASKS for key in ("value", "p"))
            yield from (f"{at}/left_out/{i}/value" for i in range(len(one["left_out"])))
    for index, one in enumerate(study["hypotheses"]):
        at = f"/study/hypotheses/{index}"
        if one["effect"]:
            yield from (f"{at}/effect/{key}" for key in ("value", "ci95/0", "ci95/1", "p_adjusted"))
        if one["control"]:
            yield from (f"{at}/control/{key}" for key in ("detected", "of", "ci95/0"))
        for base in range(len(one["bases"])):
            yield from (f"{at}/bases/{base}/{key}" for key in ("value", "ci95/0", "ci95/1", "n"))
    for index in range(len(study["planted"]["rows"])):
        at = f"/study/planted/rows/{index}"
        yield from (f"{at}/cells/{c}/{key}" for c in CAUSES for key in ("fired", "of"))
        for rate in ("own_rate", "elsewhere"):
            yield from (f"{at}/{rate}/{key}" for key in ("fired", "of", "ci95/0", "ci95/1"))
    yield from (
        f"/study/interaction/tasks/{task}/{key}" for task in TASKS for key in ("value", "p")
    )
    yield from ("/study/power/smallest", "/study/power/spread", "/study/interaction/p")
    yield from ("/study/registration/changed/0/results_seen", "/study/model/sd/family")
    for base in study["matched"]["bases"]:
        yield from (f"/study/matched/bases/{base}/{key}" for key in ("tokens", "bytes"))
    for side in study["paradox"]["sides"]:
        yield from (f"/study/paradox/sides/{side}/{key}" for key in ("before", "gain", "after"))


def test_what_must_be_shown_is(results: dict[str, Any], page: str) -> None:
    pointers = {pointer for pointer, *_ in Shown(page).numbers}
    assert set(_expected(results["study"])) - pointers == set()


def test_marks_stand_for_values_of_the_study(results: dict[str, Any], page: str) -> None:
    known: set[float] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict | list):
            if isinstance(value, dict) and value.get("of"):
                known.add(round(value.get("fired", 0) / value["of"], 9))
            for inner in value.values() if isinstance(value, dict) else value:
                walk(inner)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            known.update((round(float(value), 9), round(100 * float(value), 9)))

    walk(results)
    marks = Shown(page).marks
    assert len(marks) > 300
    assert {round(mark, 9) for mark in marks} <= known


def test_the_first_lines_are_question_answer_and_three_verdicts() -> None:
    page = render_study(make_study())
    head = page[page.index("<header") : page.index("</header>")]
    words = re.findall(r'class="verdict-word">([^<]*)<', head)
    assert words == ["Higher", "Lower", "Equivalent"]
    assert head.index("<h1>Do the Chinese bases") < head.index("Chinese bases end 9.8 points")
    assert "explains 71%" in head


def test_of_planted_bases_it_is_told_first_whether_they_were_found(page: str) -> None:
    head = page[page.index("<header") : page.index("</header>")]
    assert "Eleven of twelve probes found their own cause" in head and "verdict-word" not in head
    assert page.index('id="study-planted"') < page.index("Chinese bases end 9.8 points")
    assert page.index('id="study-bases"') < page.index('class="verdict-word"')


def test_a_study_changed_after_results_says_so_first() -> None:
    results = make_study(one_family=True)
    loud = render_study(results)
    head = loud[loud.index("<header") : loud.index("</header>")]
    assert "This study was changed after results were seen" in head
    assert head.index("margin: 0.02 → 0.05") < head.index("verdict-word")
    given = copy.deepcopy(results)
    given["study"]["registration"]["changed"] = []
    head = render_study(given).partition("</header>")[0]
    assert "changed after" not in head
    assert "before the first result" in head and "not changed since" in head


def test_too_little_power_is_said_loudly() -> None:
    given = make_study(one_family=True)
    assert "cannot answer" not in render_study(given)
    given["study"]["power"]["can_answer"] = False
    assert "This design cannot answer the question" in render_study(given)


def test_a_base_with_a_collapsed_run_or_a_hole_is_marked(results: dict[str, Any]) -> None:
    page = render_study(results)
    for kind, tag in (("collapsed", "collapsed"), ("holes", "hole")):
        name = results["study"][kind][0]["base"]
        assert f'<bdi>{name}</bdi> <span class="tag">{tag}</span>' in page
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))
    assert "final score +8.8 rather than +9.8" in words
    assert "the loss is not a number" in words and "one answer to all items (98%)" in words


def test_a_bayesian_model_is_a_second_opinion_and_says_if_it_failed(page: str) -> None:
    words = re.sub(r"\s+", " ", _text(page))
    assert "on which no verdict rests" in words and "did not converge" in words
    given = make_study()
    given["study"]["model"]["bayesian"]["converged"] = True
    assert "did not converge" not in render_study(given)
    given["study"]["model"]["statsmodels"]["converged"] = False
    assert "did not converge" in render_study(given)


def test_own_causes_are_outlined_and_misses_named(page: str) -> None:
    cells = re.findall(r'<td class="heat ([^"]*)" title="([^"]*)"', page)
    assert len(cells) == 12 * 10
    own = [(style, title) for style, title in cells if style.endswith(" own")]
    assert len(own) == 12
    assert sum("hit-4" in style for style, _ in own) == 11
    assert any("Spurious signal on latent: fired in 2 of 3" in title for _, title in own)
    assert all(style.startswith("alarm-") for style, title in cells if (style, title) not in own)
    assert "1 probe misses a goal." in page


def test_reversals_are_counted_from_the_sweep(results: dict[str, Any], page: str) -> None:
    bases = results["study"]["rates"]["bases"]

    def pair(name: str) -> tuple[float, float]:
        scores = bases[name]["scores"]
        return scores["0.0001"], scores[f"{bases[name]['best']:g}"]

    known = {name: pair(name) for name in bases}
    names = list(known)
    turned = sum(
        (known[a][0] - known[b][0]) * (known[a][1] - known[b][1]) < 0
        for i, a in enumerate(names)
        for b in names[:i]
    )
    assert turned > 0
    assert f"{turned} of {len(names) * (len(names) - 1) // 2} pairs of bases" in page


@pytest.mark.parametrize("key", [k for k in make_study()["study"] if k != "question"])
def test_a_part_that_is_missing_is_left_out(key: str) -> None:
    given = make_study(one_family=True, planted=True)
    given["study"][key] = None
    for content in (given, {"study": {k: v for k, v in given["study"].items() if k != key}}):
        page = render_study(content)
        for pointer, value, factor, _ in Shown(page).numbers:
            assert at(content, pointer) == value and factor is not None
        assert not re.search(r"\bNone\b", _text(page))


@pytest.mark.parametrize("given", [{}, {"study": None}, {"study": {}}, {"study": []}])
def test_no_study_at_all_is_still_a_page(given: dict[str, Any]) -> None:
    assert "Do these bases fine-tune better?" in render_study(given)


def test_a_study_without_a_single_figure_shows_none() -> None:
    page = render_study(empty_study())
    assert Shown(page).numbers == [] and Shown(page).marks == []
    assert not re.search(r"\b(None|nan|null)\b", _text(page))
    assert "Not known" in page


def test_an_estimand_that_is_missing_says_why() -> None:
    given = make_study()
    given["study"]["estimands"][2] |= {
        "value": None, "ci95": None, "ci90": None, "p": None, "verdict": None, "words": "",
        "bases": [], "tasks": {}, "left_out": [], "missing": "the compute of no base is known",
    }  # fmt: skip
    head = render_study(given).partition("</header>")[0]
    assert "Not known: the compute of no base is known" in head


def test_a_difference_without_an_interval_is_a_mark_and_says_why() -> None:
    given = make_study(one_family=True)
    why = "one of the groups has one family"
    for one in given["study"]["estimands"]:
        one |= {"ci95": None, "ci90": None, "p": None, "p_permutation": None, "missing": why}
    page = render_study(given)
    head = page.partition("</header>")[0]
    assert head.count(f"No interval: {why}") == 3
    assert head.count('class="pooled open"') == 3
    assert "(–" not in _text(page) and "p –" not in _text(page)


def test_the_same_study_gives_the_same_page(results: dict[str, Any], page: str) -> None:
    assert page == render_study(copy.deepcopy(results))


def test_a_picture_is_taken_of_its_own_page(results: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    assert picture._page(tmp_path).read_text(encoding="utf-8") == render_study(results)


def test_a_table_shows_its_source_without_the_folders_of_a_machine() -> None:
    given = from_table()
    given["study"]["source"]["file"] = "/home/someone/secret/before_after.csv"
    page = render_study(given)
    assert "before_after.csv" in page and "secret" not in page
    assert "As papers print it" in page and "no registration" in page


def test_papers_are_links_and_nothing_else_is(results: dict[str, Any]) -> None:
    given = copy.deepcopy(results)
    given["study"]["hypotheses"][0]["paper"] = "javascript:alert(1) arXiv 2507.10532 <a href=x>"
    page = render_study(given)
    assert 'href="https://arxiv.org/abs/2507.10532"' in page
    links = set(re.findall(r'href="([^"]*)"', page))
    assert all(link.startswith(("#", "https://arxiv.org/abs/")) for link in links)
    assert {link[1:] for link in links if link[0] == "#"} <= set(re.findall(r'id="([^"]*)"', page))


def test_in_a_runs_report_the_study_comes_first_and_outputs_are_folded(tmp_path: Path) -> None:
    run, samples = make_results((0, 1))
    plain = tmp_path / "plain"
    write_run(plain, run, samples)
    assert "study" not in _text(render(plain)).lower()
    folder = tmp_path / "study"
    write_run(folder, {**run, "study": make_study()["study"]}, samples)
    page = render(folder)
    head = page.partition("</header>")[0]
    assert "<h1>Do the Chinese bases" in head and "Clearly better" not in head
    assert re.search(r"\d+ things? failed", head)
    places = [page.index(f'id="{anchor}"') for anchor in
              ("study-bases", "study-why", "outputs", "scores", "conditions")]  # fmt: skip
    assert places == sorted(places)
    assert page.index('<details class="run-all">') < page.index("Clearly better")
    for anchor in re.findall(r'<a href="#([^"]*)">', page):
        assert f'id="{anchor}"' in page


@pytest.mark.parametrize("shape", SHAPES)
def test_the_terminals_table_fits_80_columns_and_tells_the_same(shape: str) -> None:
    given = SHAPES[shape]()
    console = Console(width=80, file=StringIO())
    console.print(study_table(given))
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "None" not in text
    for one in given["study"]["estimands"]:
        if one["value"] is not None and one["unit"] == "score":
            assert f"{100 * one['value']:+.1f}".replace("-", "−") in text
