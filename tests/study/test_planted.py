"""The matrix of probes against planted causes, counted by hand, and the record of it."""

from __future__ import annotations

from typing import Any

import pytest
from statsmodels.stats.proportion import proportion_confint

from workbench.study import controls
from workbench.study.hypothesis import Finding, hypotheses
from workbench.study.planted import decisions, passed, planted

TOKENIZER = hypotheses()["tokenizer"]
#: The probe fires above a share of 5%.
FIRES = Finding(0.30, (0.25, 0.35), 200, "merged")
SILENT = Finding(0.0, (0.0, 0.02), 200, "digit by digit")
OPEN = Finding(0.06, (0.03, 0.10), 200, "between")


def bases(**found: list[Finding]) -> tuple[dict[str, Finding], dict[str, str]]:
    """Findings by base, and the cause of each base: the keyword."""
    named = {
        f"{cause}-{place}": (one, cause)
        for cause, several in found.items()
        for place, one in enumerate(several)
    }
    return {b: one for b, (one, _) in named.items()}, {b: cause for b, (_, cause) in named.items()}


def matrix(**found: list[Finding]) -> dict[str, Any]:
    findings, causes = bases(**found)
    return planted({"tokenizer": findings}, causes)


def test_every_cell_counts_the_bases_of_its_cause() -> None:
    found = matrix(
        digit_merging=[FIRES, FIRES, SILENT], latent=[SILENT, FIRES], clean=[SILENT, OPEN, SILENT]
    )
    (row,) = found["rows"]
    assert found["causes"] == ["digit_merging", "latent", "clean"]
    assert {cause: (c["fired"], c["of"], c["undecided"]) for cause, c in row["cells"].items()} == {
        "digit_merging": (2, 3, 0),
        "latent": (1, 2, 0),
        "clean": (0, 3, 1),
    }
    assert (row["own_rate"]["fired"], row["own_rate"]["of"]) == (2, 3)
    assert (row["elsewhere"]["fired"], row["elsewhere"]["of"]) == (1, 5)
    assert row["own"] == ["digit_merging"] and row["passed"] is False
    low, high = proportion_confint(1, 5, method="wilson")
    assert row["elsewhere"]["ci95"] == pytest.approx([low, high])
    # What misses is said, with where it fired wrongly.
    assert any("2 of 3" in words and "1 of 2 latent" in words for words in found["words"])


@pytest.mark.parametrize(
    ("own", "elsewhere", "well"),
    [((9, 10), (2, 40), True), ((8, 10), (0, 40), False), ((10, 10), (3, 40), False)],
)
def test_the_goals_are_nine_in_ten_and_one_in_twenty(
    own: tuple[int, int], elsewhere: tuple[int, int], well: bool
) -> None:
    counts = [{"fired": fired, "of": of} for fired, of in (own, elsewhere)]
    assert passed(*counts) is well


def test_a_probe_whose_cause_was_not_planted_is_not_judged() -> None:
    (row,) = matrix(latent=[SILENT], clean=[SILENT])["rows"]
    assert row["passed"] is None and row["own_rate"]["of"] == 0


def test_bases_are_judged_against_all_others_and_not_against_themselves() -> None:
    """A rule that compares with peers: only the odd one out is above three of the others."""
    probe = hypotheses()["overtraining"]
    values = {"a": 0.0, "b": 0.05, "c": -0.05, "d": 2.0}
    findings = {b: Finding(v, (v - 0.01, v + 0.01), 10, "") for b, v in values.items()}
    assert decisions(probe, findings) == {"a": False, "b": False, "c": False, "d": True}


def test_the_record_of_a_run_answers_for_the_version_that_it_was_made_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = matrix(digit_merging=[FIRES] * 3, clean=[SILENT] * 27)
    run = {"key": "abc", "created": "2026-11-26", "versions": {}, "study": {"planted": found}}
    kept = controls.record(run)
    monkeypatch.setattr(controls, "_record", lambda: kept)
    said = controls.control_of(TOKENIZER)
    assert said is not None and said["passed"] is True
    assert (said["detected"], said["of"], said["false_alarms"], said["false_of"]) == (3, 3, 0, 27)
    kept["probes"]["tokenizer"]["version"] += 1
    assert controls.control_of(TOKENIZER) is None


def test_a_run_without_planted_causes_makes_no_record() -> None:
    with pytest.raises(ValueError, match="no planted matrix"):
        controls.record({"study": {"planted": None}})


def test_the_shipped_record_is_of_every_probe_as_it_is() -> None:
    """Raised versions need a new run of recipes/study/planted.yaml, and its record."""
    said = {name: controls.control_of(probe) for name, probe in hypotheses().items()}
    assert [name for name, control in said.items() if control is None] == []
    for control in said.values():
        assert control is not None and (control["of"], control["false_of"]) == (3, 27)
