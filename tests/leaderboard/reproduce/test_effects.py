"""Effects of a treatment and of the chat template, against plain arithmetic on the items."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.errors import StepFailed
from workbench.evaluate.suites import load_suite
from workbench.leaderboard.points import points_of
from workbench.leaderboard.published import find, read
from workbench.leaderboard.reproduce.claim import Claim, table_columns
from workbench.leaderboard.reproduce.conditions import conditions
from workbench.leaderboard.reproduce.config import ReproduceConfig
from workbench.leaderboard.reproduce.contrast import contrast
from workbench.leaderboard.reproduce.effects import Both, effects
from workbench.leaderboard.reproduce.formula import formulas, plain
from workbench.leaderboard.reproduce.gap import published_gap
from workbench.leaderboard.reproduce.items import Items
from workbench.leaderboard.schemes import scheme_of

from .conftest import Make, make_evaluation

TEMPLATE = "sha256 abc"


def _bits(seed: int, n: int, share: float) -> list[float]:
    return list((np.random.default_rng(seed).random(n) < share).astype(float))


def test_a_gain_is_the_paired_difference_with_students_interval(evaluation: Make) -> None:
    child, parent = _bits(1, 800, 0.6), _bits(2, 800, 0.5)
    found = contrast(
        [(1, Items(evaluation({"t": child}))), (-1, Items(evaluation({"t": parent})))], plain("t")
    )
    differences = np.subtract(child, parent)
    test = stats.ttest_1samp(differences, 0.0)
    low, high = test.confidence_interval(0.95)
    assert found.value == pytest.approx(differences.mean())
    assert found.ci95 == pytest.approx((low, high), abs=1e-3)
    assert found.p == pytest.approx(test.pvalue, rel=0.1)
    assert found.n == 800


def test_items_that_all_agree_leave_some_doubt(evaluation: Make) -> None:
    same = Items(evaluation({"t": _bits(1, 50, 0.6)}))
    found = contrast([(1, same), (-1, same)], plain("t"))
    low, high = found.ci95
    assert found.value == 0 and low < -0.005 and high > 0.005 and found.p == pytest.approx(1)


def test_other_items_are_refused(evaluation: Make) -> None:
    some, others = evaluation({"t": _bits(1, 50, 0.6)}), evaluation({"t": _bits(1, 51, 0.6)})
    with pytest.raises(StepFailed, match="1 items were scored for some of the models only"):
        contrast([(1, Items(some)), (-1, Items(others))], plain("t"))


def test_intervals_hold_their_level_on_the_interaction() -> None:
    random = np.random.default_rng(5)
    inside = 0
    for _ in range(150):
        scores = {
            key: list((random.random(60) < share).astype(float))
            for key, share in (("c", 0.5), ("ct", 0.7), ("p", 0.4), ("pt", 0.5))
        }
        items = {key: Items(make_evaluation({"t": given})) for key, given in scores.items()}
        found = contrast(
            [(1, items["ct"]), (-1, items["c"]), (-1, items["pt"]), (1, items["p"])], plain("t")
        )
        inside += found.ci95[0] <= 0.1 <= found.ci95[1]
    assert inside / 150 >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 150)


def test_each_effect_under_its_name(evaluation: Make) -> None:
    c, ct, p, pt = ([0, 1, 1, 0], [1, 1, 1, 0], [0, 0, 1, 0], [0, 1, 0, 0])
    ours = Both.of(evaluation({"t": c}), evaluation({"t": ct}, template=TEMPLATE))
    theirs = Both.of(evaluation({"t": p}), evaluation({"t": pt}, template=TEMPLATE))
    found, refused = effects(ours, {"parent": theirs}, None)
    assert refused == []
    assert found["template"]["t"]["value"] == 0.25
    against = found["against"]["parent"]
    assert against["without"]["t"]["value"] == 0.25
    assert against["with"]["t"]["value"] == 0.5
    assert against["interaction"]["t"]["value"] == 0.25


def test_what_cannot_be_measured_is_left_out_or_named(evaluation: Make) -> None:
    plainly = evaluation({"t": _bits(1, 40, 0.5)})
    templated = evaluation({"t": _bits(2, 40, 0.5)}, template=TEMPLATE)
    other = evaluation({"t": _bits(3, 40, 0.5)}, template="sha256 other")
    quantised = evaluation({"t": _bits(4, 40, 0.5)}, precision="nf4")
    ours = Both.of(plainly, templated)
    found, refused = effects(ours, {"mute": Both.of(plainly, None)}, None)
    assert found["against"]["mute"]["with"] == {} and refused == []
    found, refused = effects(ours, {"other": Both.of(plainly, other)}, None)
    assert found["against"]["other"]["without"] and found["against"]["other"]["with"] == {}
    assert any("different chat templates" in words for words in refused)
    found, refused = effects(ours, {"small": Both.of(quantised, None)}, None)
    assert found["against"]["small"]["without"] == {}
    assert any("precision: None against 'nf4'" in words for words in refused)


def _leaderboard(seed: int, *, template: str = "not applied", every: int = 10) -> Items:
    """Answers to every ``every``-th item of all tasks of the leaderboard."""
    random = np.random.default_rng(seed)
    answers: dict[str, list] = {}
    of = {}
    for benchmark in scheme_of("leaderboard-v2").benchmarks:
        for task in benchmark.tasks():
            n = max(2, task.items // every)
            right = [float(random.random() < 0.6) for _ in range(n)]
            of[task.key] = task.items
            if task.key.endswith("inst_level_strict_acc"):
                answers[task.key] = [[r, float(random.random() < 0.7)] for r in right]
            else:
                answers[task.key] = right
    return Items(make_evaluation(answers, of, template=template))


def test_figures_are_those_of_the_points() -> None:
    items = _leaderboard(3)
    points = points_of(items.evaluation, "leaderboard-v2")
    of = formulas(items.scores, "leaderboard-v2")
    assert list(of) == list(points)
    for name, formula in of.items():
        value = formula.value({task: items.scores[task].value for task in formula.tasks})
        assert value == pytest.approx(points[name].value)


@given(st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_a_published_difference_is_the_sum_of_its_parts(seed: int) -> None:
    suite = load_suite("leaderboard-v2")
    entry = find("leaderboard-v2", "dnhkng/RYS-XLarge", "final")
    parent = find("leaderboard-v2", "MaziyarPanahi/calme-2.1-rys-78b", "final")
    config = ReproduceConfig(entry=entry.entry, snapshot="final")
    columns = table_columns(suite, read("leaderboard-v2"))
    claim = Claim.of(config, "rys", entry, suite, columns)
    assert (claim.entry.chat_template, parent.chat_template) == (False, True)
    ours, theirs = (
        Both(_leaderboard(s), _leaderboard(s + 1, template=TEMPLATE)) for s in (seed, seed + 2000)
    )
    found = published_gap(claim, parent, ours, theirs)
    assert set(found) == {"ifeval", "bbh", "math", "gpqa", "musr", "mmlu_pro", "average"}
    for name, gap in found.items():
        parts = sum(gap[part]["value"] for part in ("treatment", "template", "rest"))
        assert parts == pytest.approx(claim.published(name) - _of(parent, name))


def _of(row, name: str) -> float:  # type: ignore[no-untyped-def]
    return row.average if name == "average" else row.scores[name]


def test_without_a_second_condition_the_published_difference_stands_alone() -> None:
    suite = load_suite("leaderboard-v2")
    entry = find("leaderboard-v2", "dnhkng/RYS-XLarge", "2024-10")
    parent = find("leaderboard-v2", "MaziyarPanahi/calme-2.1-qwen2-72b", "2024-10")
    config = ReproduceConfig(entry=entry.entry, snapshot="2024-10")
    columns = table_columns(suite, read("leaderboard-v2"))
    claim = Claim.of(config, "rys", entry, suite, columns)
    # Figures of 2024 are held against the score of 2024, which this evaluation does not have.
    assert claim.scheme == "leaderboard-v2-2024"
    assert claim.margin == 3.0
    assert claim.figures == ("ifeval", "bbh", "math", "gpqa", "musr", "mmlu_pro", "average")
    ours, theirs = Both(_leaderboard(1), None), Both(_leaderboard(2), None)
    found = published_gap(claim, parent, ours, theirs)
    assert set(found) == {"ifeval", "bbh", "gpqa", "musr", "mmlu_pro"}
    assert found["musr"] == {"published": pytest.approx(3.57), "rounding": pytest.approx(0.01)}


def test_conditions_beside_each_other() -> None:
    suite = load_suite("leaderboard-v2")
    entry = find("leaderboard-v2", "dnhkng/RYS-XLarge", "2024-10")
    config = ReproduceConfig(entry=entry.entry, snapshot="2024-10")
    claim = Claim.of(config, "rys", entry, suite, table_columns(suite, []))
    ours = make_evaluation(
        {"leaderboard_bbh_navigate": _bits(1, 25, 0.5), "leaderboard_mmlu_pro": _bits(2, 20, 0.5)},
        {"leaderboard_bbh_navigate": 250, "leaderboard_mmlu_pro": 12_032},
        template=TEMPLATE,
        precision={"dtype": "bfloat16", "quantisation": "nf4"},
        batch_size=4,
        versions={"lm-eval": "0.4.13"},
        tasks={
            "leaderboard_bbh_navigate": {"num_fewshot": 0},
            "leaderboard_mmlu_pro": {"num_fewshot": 5},
        },
    )
    weights = {"words": "dnhkng/RYS-XLarge", "revision": entry.revision}
    rows = {row["what"]: row for row in conditions(claim, ours, weights)}
    assert {what for what, row in rows.items() if row["differs"]} == {
        *("chat template", "quantisation", "examples shown, BBH", "items", "library"),
        "batch size",
    }
    assert rows["weights"]["differs"] is False
    assert rows["precision"]["differs"] is False
    assert rows["items"]["ours"] == "45 of 12,282"
    assert (rows["examples shown, BBH"]["ours"], rows["examples shown, BBH"]["theirs"]) == (
        "0",
        "3",
    )
    made = {"words": "rys, made here", "revision": "0123456789ab"}
    assert conditions(claim, ours, made)[0]["differs"] is None
