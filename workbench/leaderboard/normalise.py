"""The Open LLM Leaderboard v2's normalisation: raw accuracies to points between chance and perfect.

A score becomes ``100 * max(0, (score - floor) / (1 - floor))``, where the floor is what guessing
gives: 1 / choices for multiple choice, 0 for generation. Subtasks are normalised one by one where
they differ in their choices (BBH, MuSR), and averaged without weights; GPQA's three sets are
pooled by size first. Source: the leaderboard's documentation of its scores
(https://huggingface.co/docs/leaderboards/open_llm_leaderboard/normalization).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from statistics import fmean

#: Choices of BBH's 24 subtasks as the leaderboard counts them.
BBH_CHOICES: Mapping[str, int] = {
    "boolean_expressions": 2,
    "causal_judgement": 2,
    "date_understanding": 6,
    "disambiguation_qa": 3,
    "formal_fallacies": 2,
    "geometric_shapes": 11,
    "hyperbaton": 2,
    "logical_deduction_five_objects": 5,
    "logical_deduction_seven_objects": 7,
    "logical_deduction_three_objects": 3,
    "movie_recommendation": 6,
    "navigate": 2,
    "object_counting": 19,
    "penguins_in_a_table": 5,
    "reasoning_about_colored_objects": 18,
    "ruin_names": 6,
    "salient_translation_error_detection": 6,
    "snarks": 2,
    "sports_understanding": 2,
    "temporal_sequences": 4,
    "tracking_shuffled_objects_five_objects": 5,
    "tracking_shuffled_objects_seven_objects": 7,
    "tracking_shuffled_objects_three_objects": 3,
    "web_of_lies": 2,
}

#: Choices of MuSR's subtasks: 1/choices is the floor. Object placements have five rooms.
MUSR_CHOICES: Mapping[str, int] = {
    "murder_mysteries": 2,
    "object_placements": 5,
    "team_allocation": 3,
}

#: Items of GPQA's sets, by which their accuracies are pooled.
GPQA_SIZES: Mapping[str, int] = {"diamond": 198, "extended": 546, "main": 448}

GPQA_CHOICES = 4
MMLU_PRO_CHOICES = 10


@dataclass(frozen=True)
class Points:
    """A model's six normalised scores, each from 0 to 100."""

    ifeval: float
    bbh: float
    math: float
    gpqa: float
    musr: float
    mmlu_pro: float

    @property
    def average(self) -> float:
        """The plain mean of the six: what the leaderboard ranks by."""
        return fmean(astuple(self))


def normalise(score: float, floor: float) -> float:
    """``score`` (0 to 1) as points above ``floor``; below the floor it is 0."""
    if not 0 <= floor < 1:
        raise ValueError(f"a floor lies in [0, 1), not {floor}")
    return 100 * max(0.0, (score - floor) / (1 - floor))


def ifeval(prompt_strict: float, instruction_strict: float) -> float:
    """The mean of the two strict accuracies, which cannot be guessed."""
    return normalise((prompt_strict + instruction_strict) / 2, 0)


def bbh(accuracies: Mapping[str, float]) -> float:
    """From the accuracy of each of BBH's 24 subtasks (``KeyError`` for one that is missing)."""
    return fmean(normalise(accuracies[task], 1 / n) for task, n in BBH_CHOICES.items())


def math_level_5(exact_match: float) -> float:
    """From the exact match over all 1,324 problems."""
    return normalise(exact_match, 0)


def gpqa(accuracies: Mapping[str, float]) -> float:
    """From the accuracies of ``diamond``, ``extended`` and ``main``, pooled by their sizes."""
    total = sum(GPQA_SIZES.values())
    pooled = sum(accuracies[name] * size for name, size in GPQA_SIZES.items()) / total
    return normalise(pooled, 1 / GPQA_CHOICES)


def musr(accuracies: Mapping[str, float]) -> float:
    """From the accuracies of MuSR's three subtasks, each above its own floor."""
    return fmean(normalise(accuracies[task], 1 / n) for task, n in MUSR_CHOICES.items())


def mmlu_pro(accuracy: float) -> float:
    """From the accuracy over its 12,032 questions of ten choices."""
    return normalise(accuracy, 1 / MMLU_PRO_CHOICES)
