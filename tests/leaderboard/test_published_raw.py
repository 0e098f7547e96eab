"""Points recomputed from published counts of right answers, against the published points."""

from __future__ import annotations

import csv
from pathlib import Path
from statistics import fmean

import pytest

from workbench.leaderboard.normalise import normalise
from workbench.leaderboard.points import points_of_raw
from workbench.leaderboard.published import FOLDER, find
from workbench.leaderboard.schemes.v2 import BBH, GPQA, IFEVAL, IFEVAL_INSTRUCTIONS, MATH, MUSR, V2

SUITE = "leaderboard-v2"
RAW = Path(__file__).resolve().parents[2] / FOLDER / "leaderboard-v2-raw.csv"
#: Items by lm-eval's name, of tasks and of groups.
SIZES = {task.key: task.items for benchmark in V2.benchmarks for task in benchmark.tasks()} | {
    "leaderboard_bbh": sum(items for _, items in BBH.values()),
    "leaderboard_gpqa": sum(GPQA.values()),
    "leaderboard_math_hard": sum(MATH.values()),
    "leaderboard_musr": sum(items for _, items in MUSR.values()),
}


def _rows() -> list[tuple[str, str, dict[str, int]]]:
    with RAW.open(encoding="utf-8") as stream:
        return [
            (
                row["entry"],
                row["snapshot"],
                {key: int(row[key]) for key in SIZES if row[key]},
            )
            for row in csv.DictReader(stream)
        ]


ROWS = _rows()


@pytest.mark.parametrize("entry, snapshot, right", ROWS, ids=[f"{e} {s}" for e, s, _ in ROWS])
def test_points_follow_from_the_right_answers(
    entry: str, snapshot: str, right: dict[str, int]
) -> None:
    raw = {key: count / SIZES[key] for key, count in right.items()}
    ours = points_of_raw(raw, SUITE)
    published = find(SUITE, entry, snapshot)
    assert ours
    for name, score in ours.items():
        theirs = published.average if name == "average" else published.scores[name]
        width = published.rounding[name]
        if name == "average" and snapshot == "2024-10":
            # The table's average is of rounded figures, then rounded.
            width += 0.005
        assert score.value == pytest.approx(theirs, abs=width + 1e-9), name
        assert score.ci95[0] <= score.value <= score.ci95[1]
        assert score.n == score.of


def test_at_least_twenty_entries_have_all_six_recomputed() -> None:
    whole = [
        entry
        for entry, snapshot, right in ROWS
        if snapshot == "2024-10" and all(key in right for key in SIZES)
    ]
    assert len(set(whole)) >= 20


def test_lm_evals_group_values_are_the_sums_of_their_tasks() -> None:
    """They weight by size, and were published beside the tasks: a check of every count."""
    groups = {
        "leaderboard_bbh": [f"leaderboard_bbh_{name}" for name in BBH],
        "leaderboard_gpqa": [f"leaderboard_gpqa_{name}" for name in GPQA],
        "leaderboard_math_hard": [f"leaderboard_math_{name}_hard" for name in MATH],
        "leaderboard_musr": [f"leaderboard_musr_{name}" for name in MUSR],
    }
    checked = 0
    for _, _, right in ROWS:
        for group, tasks in groups.items():
            if group in right and all(task in right for task in tasks):
                assert right[group] == sum(right[task] for task in tasks)
                checked += 1
    assert checked > 90


def test_lm_evals_group_values_are_not_the_leaderboards() -> None:
    """Weighting by size, and one floor for all, would give another figure for BBH and MuSR."""
    right = next(r for entry, _, r in ROWS if entry == "MaziyarPanahi/calme-2.1-qwen2-72b")
    raw = {key: count / SIZES[key] for key, count in right.items()}
    ours = points_of_raw(raw, SUITE)
    assert abs(100 * raw["leaderboard_bbh"] - ours["bbh"].value) > 10
    assert abs(normalise(raw["leaderboard_musr"], 1 / 3) - ours["musr"].value) > 0.5


def test_rys_xlarge_in_the_final_table() -> None:
    """45.345, by hand from its counts and its published 58.774 on BBH."""
    musr = fmean(
        normalise(k / n, floor)
        for k, n, floor in ((160, 250, 1 / 2), (97, 256, 1 / 5), (118, 250, 1 / 3))
    )
    six = [
        50 * (413 / 541 + 697 / 834),
        58.774,
        100 * 563 / 1324,
        normalise(458 / 1192, 1 / 4),
        musr,
        normalise(6531 / 12032, 1 / 10),
    ]
    assert round(fmean(six), 3) == 45.345
    published = find(SUITE, "dnhkng/RYS-XLarge", "final")
    assert [round(x, 3) for x in six] == list(published.scores.values())


def test_a_group_serves_where_its_tasks_are_pooled_and_not_where_they_have_their_own_floors() -> (
    None
):
    groups = {"leaderboard_math_hard": 563 / 1324, "leaderboard_musr": 375 / 756}
    assert set(points_of_raw(groups, SUITE)) == {"math"}


def test_version_1_takes_plain_means_and_subjects_unweighted() -> None:
    raw = {
        "arc_challenge": 0.6,
        "hellaswag": 0.8,
        "truthfulqa_mc2": 0.5,
        "winogrande": 0.7,
        "gsm8k": 0.4,
    }
    from workbench.leaderboard.schemes.v1 import MMLU

    subjects = {f"mmlu_{name}": index / 100 for index, name in enumerate(MMLU)}
    points = points_of_raw(raw | subjects, "leaderboard-v1")
    assert points["mmlu"].value == pytest.approx(100 * fmean(subjects.values()))
    assert points["average"].value == pytest.approx(
        fmean([60, 80, 100 * fmean(subjects.values()), 50, 70, 40])
    )
    assert set(points_of_raw({IFEVAL: 1.0, IFEVAL_INSTRUCTIONS: 1.0}, SUITE)) == {"ifeval"}
