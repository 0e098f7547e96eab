"""The formula and the schemes: by hand, by its properties, and against lm-eval's own task files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UserError
from workbench.leaderboard.normalise import accuracy_of, normalise, unclipped
from workbench.leaderboard.scheme import Scheme
from workbench.leaderboard.schemes import SCHEMES, scheme_at, scheme_of
from workbench.leaderboard.schemes.v1 import MMLU
from workbench.leaderboard.schemes.v2 import BBH, GPQA_OVERLAP, V2

FLOORS = st.sampled_from([0.0, 1 / 2, 1 / 3, 1 / 5, 1 / 18, 1 / 19])
ACCURACIES = st.floats(0, 1)


def test_chance_is_nothing_and_perfect_a_hundred() -> None:
    assert normalise(0.25, 0.25) == 0
    assert normalise(0.1, 0.25) == 0
    assert normalise(1.0, 0.25) == 100
    assert normalise(0.625, 0.25) == 50
    with pytest.raises(ValueError, match="floor"):
        normalise(0.5, 1.0)


@given(ACCURACIES, ACCURACIES, FLOORS)
def test_a_better_score_never_gives_fewer_points(a: float, b: float, floor: float) -> None:
    low, high = sorted((a, b))
    assert 0 <= normalise(low, floor) <= normalise(high, floor) <= 100
    assert unclipped(low, floor) <= normalise(low, floor)


@given(st.floats(0, 100), FLOORS)
def test_points_lead_back_to_the_accuracy(points: float, floor: float) -> None:
    assert normalise(accuracy_of(points, floor), floor) == pytest.approx(points, abs=1e-9)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=str)
def test_weights_of_a_part_sum_to_one_and_no_task_stands_twice(scheme: Scheme) -> None:
    keys = [task.key for benchmark in scheme.benchmarks for task in benchmark.tasks()]
    assert len(keys) == len(set(keys))
    for benchmark in scheme.benchmarks:
        for part in benchmark.parts:
            assert sum(task.weight for task in part.tasks) == pytest.approx(1)


def test_items_are_those_that_the_leaderboards_name() -> None:
    items = {benchmark.name: benchmark.items for benchmark in V2.benchmarks}
    assert items == {
        "ifeval": 541,
        "bbh": 5761,
        "math": 1324,
        "gpqa": 1192,
        "musr": 756,
        "mmlu_pro": 12_032,
    }
    assert len(MMLU) == 57
    assert sum(MMLU.values()) == 14_042


def test_bbh_choices_are_those_that_lm_eval_offers() -> None:
    yaml = pytest.importorskip("yaml")
    import lm_eval

    class Loader(yaml.SafeLoader):  # type: ignore[misc, name-defined]
        """Reads lm-eval's files without their functions."""

    Loader.add_constructor("!function", lambda *_: None)
    folder = Path(lm_eval.__file__).parent / "tasks" / "leaderboard" / "bbh_mc"
    for name, (choices, _) in BBH.items():
        text = (folder / f"{name}.yaml").read_text(encoding="utf-8")
        assert len(yaml.load(text, Loader)["doc_to_choice"]) == choices, name


def test_gpqa_overlap_is_what_sharing_questions_gives() -> None:
    """The variance of a mean of 1,192 answers whose copies correlate by a half, summed by hand."""
    copies = [3] * 198 + [2] * 250 + [1] * 98
    variance = sum(m + 0.5 * m * (m - 1) for m in copies)
    assert sum(copies) == 1192
    assert pytest.approx(variance / 1192) == GPQA_OVERLAP


def test_a_scheme_by_name_and_by_snapshot() -> None:
    assert scheme_at("leaderboard-v2", "final") == "leaderboard-v2"
    math = scheme_of(scheme_at("leaderboard-v2", "2024-10")).benchmark("math")
    assert all(task.key.endswith("_hard/exact_match_original") for task in math.tasks())
    with pytest.raises(UserError, match="did you mean leaderboard-v2"):
        scheme_of("leaderbord-v2")
