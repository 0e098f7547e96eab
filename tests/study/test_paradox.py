"""Lord's paradox: told with the study's figures, and only where its answers contradict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import study_rows

from workbench.study.verdicts.paradox import contradictions, paradox, sides


def sense(name: str, verdict: str, value: float | None) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "value": value}


def told(*estimands: dict[str, Any]) -> dict[str, Any]:
    frame = study_rows.frame(start=(0.6, 0.3), gain=(0.1, 0.3))
    return paradox(frame, estimands, asked="Chinese", others="others")


def test_a_group_that_ends_higher_and_gains_less_is_the_paradox() -> None:
    found = told(sense("final", "higher", 0.1), sense("gain", "lower", -0.2))
    assert found["shown"]
    said = " ".join(found["words"])
    assert (
        "This is Lord's paradox: by final score the answer is higher, by gain it is lower" in said
    )
    assert "So Chinese start 29.6 points higher, gain 17.4 points less and end 12.2 points" in said


def test_the_story_has_the_means_of_families() -> None:
    frame = study_rows.frame(start=(0.6, 0.3), gain=(0.1, 0.3))
    means = sides(frame)
    family = frame.assign(gain=frame.after - frame.before).groupby(["group", "family"])
    expected = family[["before", "after", "gain"]].mean().groupby("group").mean()
    for group in ("Chinese", "others"):
        for column in ("before", "after", "gain"):
            assert means[group][column] == pytest.approx(expected.loc[group, column])
    said = told(sense("final", "higher", 0.1))["words"][0]
    assert f"Chinese start at {100 * means['Chinese']['before']:.1f} points" in said
    assert f"others start at {100 * means['others']['before']:.1f}" in said


def test_a_family_of_ten_bases_counts_once() -> None:
    one = study_rows.frame(families=(2, 2), bases=1, spread=0.1)
    more = one[one["family"] == "Chinese-0"]
    import pandas as pd

    copies = [one, *(more.assign(base=f"copy-{k}") for k in range(9))]
    found, expected = sides(pd.concat(copies)), sides(one)
    assert all(found[group] == pytest.approx(expected[group]) for group in expected)


@pytest.mark.parametrize(
    ("final", "gain", "shown"),
    [
        (("higher", 0.1), ("higher", 0.1), False),
        (("cannot tell", 0.1), ("cannot tell", -0.1), False),
        (("cannot tell", 0.1), ("lower", -0.1), True),
        (("cannot tell", -0.1), ("lower", -0.1), False),
        (("equivalent", 0.001), ("lower", -0.1), True),
        (("equivalent", 0.001), ("equivalent", -0.001), False),
        (("cannot tell", None), ("lower", -0.1), False),
    ],
)
def test_it_is_said_only_where_two_answers_contradict(
    final: tuple[str, float | None], gain: tuple[str, float | None], shown: bool
) -> None:
    found = told(sense("final", *final), sense("gain", *gain))
    assert found["shown"] == shown
    said = " ".join(found["words"])
    assert ("Lord's paradox" in said) == shown
    assert ("No two of these answers contradict each other." in said) != shown


def test_the_plainest_contradiction_is_told_first() -> None:
    found = {
        one["name"]: one
        for one in (
            sense("final", "higher", 0.1), sense("gain", "equivalent", 0.01),
            sense("gain_at_start", "lower", -0.1),
        )
    }  # fmt: skip
    assert contradictions(found)[0] == ("final", "gain_at_start")


def test_the_start_foretells_the_gain_within_groups_and_tasks() -> None:
    frame = study_rows.frame(start=(0.6, 0.3), spread=0.05, noise=1e-6)
    frame["after"] = 0.5 + 0.3 * frame["before"] + 0.2 * frame["asked"]
    words = paradox(frame, [], asked="Chinese", others="others")["words"]
    assert any("starts 10 points higher gains 7.0 points less" in one for one in words)


def test_one_group_alone_has_no_story() -> None:
    frame = study_rows.frame()
    alone = paradox(frame[frame["asked"]], [], asked="Chinese", others="others")
    assert not alone["shown"] and set(alone["sides"]) == {"Chinese"}
    assert "Nothing can be told" in alone["words"][-1]
