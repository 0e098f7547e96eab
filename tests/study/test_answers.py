"""The answer in two sentences, and what would change it."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.study.design.settings import Settings
from workbench.study.verdicts.answers import answer, verdicts, would_change

SETTINGS = Settings(question="Do they?", asked="Chinese", others="others")


def estimand(name: str, value: float | None, half: float, verdict: str, **more: Any) -> Any:
    known = value is not None
    ends = lambda reach: [value - reach, value + reach] if value is not None else None  # noqa: E731
    return {
        "name": name, "title": name.replace("_", " ").capitalize(), "unit": "score",
        "main": name in ("final", "gain", "gain_at_start"), "value": value, "ci95": ends(half),
        "ci90": ends(0.8 * half), "p": 0.01 if known else None,
        "p_permutation": 0.01 if known else None, "margin": 0.03, "verdict": verdict,
        "missing": None if known else "one of the groups has one family", "left_out": [],
    } | more  # fmt: skip


FINAL = estimand("final", 0.098, 0.05, "higher")
GAIN = estimand("gain", -0.081, 0.04, "lower")
START = estimand("gain_at_start", 0.002, 0.02, "equivalent")


def hypothesis(title: str, verdict: str, *, registered: bool = True) -> dict[str, Any]:
    return {"title": title, "verdict": verdict, "registered": registered}


def test_the_first_sentence_has_both_answers_with_their_figures() -> None:
    first, _ = answer([FINAL, GAIN, START], [], None, SETTINGS)
    assert first == (
        "Chinese bases end higher than others (+9.8 points, 95% interval +4.8 to +14.8), gain less "
        "(−8.1 points, 95% interval −12.1 to −4.1) and gain as much from an equal start "
        "(+0.2 points, 95% interval −1.8 to +2.2)."
    )
    assert verdicts([FINAL, GAIN]) == {"final": "higher", "gain": "lower"}


def test_what_cannot_be_told_is_said_with_its_reason() -> None:
    first, _ = answer([estimand("final", None, 0, "cannot tell")], [], None, SETTINGS)
    assert first == (
        "Whether Chinese bases take this treatment better than others cannot be told: one of the "
        "groups has one family."
    )


@pytest.mark.parametrize(
    ("verdicts_of", "expected"),
    [
        (["supported", "not supported", "cannot tell"],
         "Of 3 registered explanations, the data supports a and speaks against b; nothing can be "
         "told of c."),
        (["cannot tell"] * 5,
         "Of 5 registered explanations, the data supports none; nothing can be told of any."),
        (["supported"] + ["cannot tell"] * 4,
         "Of 5 registered explanations, the data supports a; nothing can be told of b, c, d and "
         "e."),
        (["supported"], "Of 1 registered explanation, the data supports a."),
    ],
)  # fmt: skip
def test_the_second_sentence_counts_the_registered_explanations(
    verdicts_of: list[str], expected: str
) -> None:
    asked = [hypothesis("ABCDE"[k], said) for k, said in enumerate(verdicts_of)]
    explored = hypothesis("Z", "supported", registered=False)
    _, second = answer([FINAL], [*asked, explored], None, SETTINGS)
    assert second == expected


def test_a_table_and_a_study_without_hypotheses_say_that_nothing_was_explained() -> None:
    table = Settings(question="?", asked="a", others="b", table=True)
    assert "without the bases" in answer([FINAL], [], None, table)[1]
    assert "names no hypothesis" in answer([FINAL], [], None, SETTINGS)[1]
    explored = [hypothesis("Z", "supported", registered=False)]
    assert answer([FINAL], explored, None, SETTINGS)[1] == (
        "Of 1 explanation explored, the data supports z."
    )


def left(family: str, low: float, high: float) -> dict[str, Any]:
    return {"family": family, "value": (low + high) / 2, "ci95": [low, high]}


def test_families_that_turn_the_answer_are_named() -> None:
    turned = [left("qwen", -0.01, 0.1), left("yi", 0.01, 0.1), left("glm", -0.02, 0.1)]
    (said,) = would_change([{**FINAL, "left_out": turned}], [], None, SETTINGS)
    assert said == (
        "Final: the interval lies above zero with all families, around zero without any one of "
        "qwen and glm."
    )
    (said,) = would_change([{**FINAL, "left_out": turned[:2]}], [], None, SETTINGS)
    assert said.endswith("above zero with all families, around zero without qwen.")
    (said,) = would_change([{**FINAL, "left_out": turned[1:2]}], [], None, SETTINGS)
    assert said == "No single family moves the interval of final across zero."


def test_the_margin_and_the_permutation_are_told_where_they_decide() -> None:
    open_one = estimand("gain", 0.01, 0.05, "cannot tell")
    (said,) = would_change([open_one], [], None, SETTINGS)
    assert said == "Gain: only a margin over 5.0 points would make it no difference (it is 3.0)."
    (said,) = would_change([START], [], None, SETTINGS)
    assert "with a margin under 1.8 it could not be told" in said
    dealt = estimand("gain", 0.06, 0.05, "cannot tell", p_permutation=0.2)
    said = " ".join(would_change([dealt], [], None, SETTINGS))
    assert "dealt into groups by chance differ as much too often (p = 0.200)" in said


def test_more_families_are_told_where_something_is_open() -> None:
    power = {
        "smallest": 0.062, "families": {"Chinese": 5, "others": 1}, "more": ["two more families"],
    }  # fmt: skip
    said = would_change([estimand("gain", 0.01, 0.05, "cannot tell")], [], power, SETTINGS)
    assert "With 5 (Chinese) and 1 (others) families, a difference in gain under 6.2" in (said[-2])
    assert said[-1] == "Two more families."
    assert "Two more families." not in would_change([GAIN], [], power, SETTINGS)
    assert would_change([GAIN], [], {**power, "smallest": None}, SETTINGS) == []


def test_too_few_families_for_so_many_explanations_is_said() -> None:
    asked = [{"registered": True, "effect": {"least_p": 0.029}} for _ in range(10)]
    (said,) = would_change([], asked, None, SETTINGS)
    assert "of 10 explanations on so few families the smallest adjusted p there can be is 0.29" in (
        said
    )
    assert would_change([], asked[:1], None, SETTINGS) == []


def test_a_planted_study_answers_for_its_probes() -> None:
    matrix = {"words": ["11 of 12 probes find their cause.", "Rank misses."]}
    assert answer([FINAL], [], matrix, SETTINGS) == matrix["words"]
    assert answer([FINAL], [], {"words": ["All find."]}, SETTINGS)[1] == "None of them misses."
