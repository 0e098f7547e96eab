"""Points of an evaluation: the formula by hand, the intervals against what they are made of."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.leaderboard.items import evaluation, prompts
from workbench.compare.differences import tango
from workbench.errors import StepFailed
from workbench.evaluate.intervals import wilson
from workbench.leaderboard.carried import clipped, mean
from workbench.leaderboard.normalise import normalise
from workbench.leaderboard.points import points_of, points_versus
from workbench.leaderboard.schemes.v2 import BBH, GPQA, IFEVAL, MATH, MUSR, V2

SUITE = "leaderboard-v2"


def _drawn(seed: int, share: float = 1.0, chance: float = 0.6) -> dict[str, object]:
    """All tasks of version 2, a share of their items, MMLU-PRO's cut short to be quick."""
    generator = np.random.default_rng(seed)
    scores: dict[str, object] = {IFEVAL: prompts(round(541 * share), chance, generator)}
    for benchmark in V2.benchmarks[1:]:
        for task in benchmark.tasks():
            n = max(2, round(min(task.items, 600) * share))
            scores[task.key] = (generator.random(n) < chance).astype(float)
    return scores


def _naive(scores: dict[str, object]) -> dict[str, float]:
    """The leaderboard's rules in plain words, weights of the whole sets."""
    m = {k: fmean(v) for k, v in scores.items() if k != IFEVAL}  # type: ignore[arg-type]
    answers: list[np.ndarray] = scores[IFEVAL]  # type: ignore[assignment]
    prompt = fmean(float(a.all()) for a in answers)
    instruction = fmean(float(x) for a in answers for x in a)
    return {
        "ifeval": 100 * (prompt + instruction) / 2,
        "bbh": fmean(normalise(m[f"leaderboard_bbh_{t}"], 1 / c) for t, (c, _) in BBH.items()),
        "math": 100 * sum(n * m[f"leaderboard_math_{t}_hard"] for t, n in MATH.items()) / 1324,
        "gpqa": normalise(
            sum(n * m[f"leaderboard_gpqa_{t}"] for t, n in GPQA.items()) / 1192, 1 / 4
        ),
        "musr": fmean(normalise(m[f"leaderboard_musr_{t}"], 1 / c) for t, (c, _) in MUSR.items()),
        "mmlu_pro": normalise(m["leaderboard_mmlu_pro"], 1 / 10),
    }


@pytest.mark.parametrize("share, chance", [(1.0, 0.6), (0.1, 0.6), (0.1, 0.3), (0.05, 0.15)])
def test_values_are_the_formula_and_samples_keep_the_weights_of_the_whole(
    share: float, chance: float
) -> None:
    scores = _drawn(3, share, chance)
    points = points_of(evaluation(scores), SUITE)
    expected = _naive(scores)
    expected["average"] = fmean(expected.values())
    assert {name: score.value for name, score in points.items()} == pytest.approx(expected)
    for name, score in points.items():
        low, high = score.ci95
        assert 0 <= low <= score.value <= high <= 100, name
    assert points["bbh"].of == 5761
    assert points["average"].of == 21_606
    assert points["ifeval"].n == round(541 * share)


def test_a_benchmark_without_all_its_tasks_has_no_points_and_then_no_average() -> None:
    scores = _drawn(1, 0.05)
    del scores["leaderboard_bbh_hyperbaton"]
    assert set(points_of(evaluation(scores), SUITE)) == set(V2.names) - {"bbh"}


def test_a_single_part_is_wilson_put_through_the_formula() -> None:
    right = np.array([1.0] * 30 + [0.0] * 170)
    for chance_right in (right, 1 - right):
        points = points_of(evaluation({"leaderboard_mmlu_pro": chance_right}), SUITE)
        low, high = wilson(float(chance_right.sum()), 200)
        assert points["mmlu_pro"].ci95 == pytest.approx((normalise(low, 0.1), normalise(high, 0.1)))


def test_pooled_subjects_of_like_size_are_as_one_set() -> None:
    generator = np.random.default_rng(0)
    scores = {
        f"leaderboard_math_{name}_hard": (generator.random(n) < 0.3).astype(float)
        for name, n in MATH.items()
    }
    right = sum(s.sum() for s in scores.values())
    points = points_of(evaluation(scores), SUITE)["math"]
    assert points.ci95 == pytest.approx([100 * x for x in wilson(float(right), 1324)])


def test_answers_to_copies_of_a_question_count_together_where_the_rows_say_so() -> None:
    """With clusters by question, identical copies tell no more than the questions do."""
    generator = np.random.default_rng(2)
    answers = (generator.random(546) < 0.45).astype(float)
    # Extended holds all questions, main the first 448, diamond the first 198.
    scores = {f"leaderboard_gpqa_{name}": answers[:n] for name, n in GPQA.items()}
    questions = {task: [f"q{i}" for i in range(len(s))] for task, s in scores.items()}
    alike = points_of(evaluation(scores, questions), SUITE)["gpqa"]
    unknown = points_of(evaluation(scores), SUITE)["gpqa"]
    assert alike.value == unknown.value
    widths = [high - low for low, high in (alike.ci95, unknown.ci95)]
    copies = np.repeat([3, 2, 1], [198, 250, 98])
    error = np.sqrt(np.sum((copies * (answers - (copies @ answers) / 1192)) ** 2)) / 1192
    assert widths[0] == pytest.approx(2 * 1.96 * 100 * error / 0.75, rel=0.02)
    # Where they are not told, copies are taken to be half alike.
    assert 0.7 < widths[1] / widths[0] < 1


@given(st.lists(st.tuples(st.floats(-30, 100), st.floats(0, 20), st.floats(0, 20)), min_size=1))
def test_a_sum_of_parts_holds_its_figure_and_is_no_wider_than_its_parts_together(
    parts: list[tuple[float, float, float]],
) -> None:
    each = [clipped(x, x - down, x + up) for x, down, up in parts]
    whole = mean(each)
    low, high = whole.interval
    assert low <= whole.value + 1e-9 and whole.value <= high + 1e-9
    assert high <= sum(part.interval[1] for part in each) / len(each) + 1e-9
    assert low >= sum(part.interval[0] for part in each) / len(each) - 1e-9


def test_a_part_surely_below_its_floor_is_the_nothing_that_it_counts() -> None:
    assert clipped(-20, -25, -15).interval == (0, 0)
    # A part that may lie on either side keeps its lower limit from before the clip.
    assert clipped(-2, -6, 2).interval == (-6, 2)


def test_against_itself_nothing_differs() -> None:
    one = evaluation(_drawn(5, 0.1))
    for row in points_versus(one, one, SUITE).values():
        assert row["delta"] == 0
        assert row["p"] == 1
        assert row["ci95"][0] < 0 < row["ci95"][1]


def test_swapping_the_two_mirrors_the_difference() -> None:
    one, other = evaluation(_drawn(6, 0.1)), evaluation(_altered(_drawn(6, 0.1), 7))
    forward, backward = points_versus(one, other, SUITE), points_versus(other, one, SUITE)
    for name, row in forward.items():
        assert row["delta"] == pytest.approx(-backward[name]["delta"])
        assert row["ci95"] == pytest.approx([-x for x in reversed(backward[name]["ci95"])])
        assert row["p"] == pytest.approx(backward[name]["p"])


def _altered(scores: dict[str, object], seed: int) -> dict[str, object]:
    """A third of the answers given anew."""
    generator = np.random.default_rng(seed)
    found: dict[str, object] = {}
    for task, values in scores.items():
        if task == IFEVAL:
            found[task] = [
                v if generator.random() > 0.3 else (generator.random(len(v)) < 0.6).astype(float)
                for v in values  # type: ignore[attr-defined]
            ]
        else:
            array = np.asarray(values)
            anew = generator.random(len(array)) < 0.3
            found[task] = np.where(anew, generator.random(len(array)) < 0.6, array).astype(float)
    return found


def test_differences_are_those_of_the_points() -> None:
    child, parent = evaluation(_altered(_drawn(8, 0.2), 9)), evaluation(_drawn(8, 0.2))
    ours, theirs = points_of(child, SUITE), points_of(parent, SUITE)
    found = points_versus(child, parent, SUITE)
    assert set(found) == set(ours)
    for name, row in found.items():
        assert row["delta"] == pytest.approx(ours[name].value - theirs[name].value)
        low, high = row["ci95"]
        assert (row["p"] < 0.05) == (low > 0 or high < 0), name
        assert row["of"] == ours[name].of and row["n"] == ours[name].n


def test_a_single_part_is_tango_put_through_the_formula() -> None:
    parent = np.array([1.0] * 60 + [0.0] * 40)
    child = parent.copy()
    child[:5], child[60:72] = 0.0, 1.0
    found = points_versus(
        evaluation({"leaderboard_mmlu_pro": child}),
        evaluation({"leaderboard_mmlu_pro": parent}),
        SUITE,
    )["mmlu_pro"]
    assert found["ci95"] == pytest.approx([x * 100 / 0.9 for x in tango(12, 5, 100)])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.floats(0.0, 0.5))
def test_a_clipped_difference_is_never_outside_its_interval(seed: int, chance: float) -> None:
    generator = np.random.default_rng(seed)
    tasks = [f"leaderboard_musr_{name}" for name in MUSR]
    scores = [
        {task: (generator.random(20) < chance).astype(float) for task in tasks} for _ in range(2)
    ]
    row = points_versus(evaluation(scores[0]), evaluation(scores[1]), SUITE)["musr"]
    assert row["ci95"][0] <= row["delta"] <= row["ci95"][1]


def test_ifeval_is_paired_by_prompt() -> None:
    """The interval is that of the prompts' own differences, both accuracies at once."""
    generator = np.random.default_rng(4)
    parent = prompts(541, 0.6, generator)
    child = [p if generator.random() < 0.8 else 1 - p for p in parent]
    row = points_versus(evaluation({IFEVAL: child}), evaluation({IFEVAL: parent}), SUITE)["ifeval"]
    total = sum(len(p) for p in parent)
    whole = np.array([float(c.all()) - float(p.all()) for c, p in zip(child, parent, strict=True)])
    parts = np.array([float(c.sum() - p.sum()) for c, p in zip(child, parent, strict=True)])
    sizes = np.array([len(p) for p in parent])
    each = 50 * (
        (whole - whole.mean()) + (parts - sizes * parts.sum() / total) * len(parent) / total
    )
    error = each.std(ddof=1) / np.sqrt(len(parent))
    assert row["delta"] == pytest.approx(50 * (whole.mean() + parts.sum() / total))
    assert row["ci95"][1] - row["ci95"][0] == pytest.approx(2 * 1.964 * error, rel=0.002)


def test_other_items_or_prompts_are_not_compared() -> None:
    one = evaluation({"leaderboard_mmlu_pro": np.ones(10)})
    other = evaluation({"leaderboard_mmlu_pro": np.ones(11)})
    with pytest.raises(StepFailed, match="the items differ"):
        points_versus(one, other, SUITE)
    asked = evaluation({"leaderboard_mmlu_pro": np.ones(10)})
    asked.samples["prompt_hash"] = "another"
    with pytest.raises(StepFailed, match="the prompts differ"):
        points_versus(one, asked, SUITE)


def test_scores_between_right_and_wrong_have_a_t_interval() -> None:
    generator = np.random.default_rng(1)
    values = generator.random(100)
    score = points_of(evaluation({"truthfulqa_mc2": values}), "leaderboard-v1")["truthfulqa"]
    half = 1.9842 * values.std(ddof=1) / 10
    assert score.ci95 == pytest.approx(
        (100 * (values.mean() - half), 100 * (values.mean() + half)), rel=1e-4
    )
