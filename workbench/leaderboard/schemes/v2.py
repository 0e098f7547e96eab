"""The Open LLM Leaderboard v2 (June 2024 to March 2025): six benchmarks through lm-eval.

Choices and sizes are those of lm-eval's ``leaderboard`` tasks; which subtasks are normalised one
by one is the leaderboard's own rule
(https://huggingface.co/docs/leaderboards/open_llm_leaderboard/normalization): BBH and MuSR subtask
by subtask and then averaged without weights; GPQA's three sets and MATH's seven subjects pooled.
lm-eval's own group values weight by size everywhere.
"""

from __future__ import annotations

from workbench.leaderboard.scheme import Benchmark, Part, Scheme, Task, alone, pooled

#: Choices and items of BBH's 24 subtasks; the choices are those lm-eval offers, which is what the
#: leaderboard counted (ruin_names' questions have four options, the task offers six).
BBH: dict[str, tuple[int, int]] = {
    "boolean_expressions": (2, 250),
    "causal_judgement": (2, 187),
    "date_understanding": (6, 250),
    "disambiguation_qa": (3, 250),
    "formal_fallacies": (2, 250),
    "geometric_shapes": (11, 250),
    "hyperbaton": (2, 250),
    "logical_deduction_five_objects": (5, 250),
    "logical_deduction_seven_objects": (7, 250),
    "logical_deduction_three_objects": (3, 250),
    "movie_recommendation": (6, 250),
    "navigate": (2, 250),
    "object_counting": (19, 250),
    "penguins_in_a_table": (5, 146),
    "reasoning_about_colored_objects": (18, 250),
    "ruin_names": (6, 250),
    "salient_translation_error_detection": (6, 250),
    "snarks": (2, 178),
    "sports_understanding": (2, 250),
    "temporal_sequences": (4, 250),
    "tracking_shuffled_objects_five_objects": (5, 250),
    "tracking_shuffled_objects_seven_objects": (7, 250),
    "tracking_shuffled_objects_three_objects": (3, 250),
    "web_of_lies": (2, 250),
}

#: Choices and items of MuSR's three subtasks. Object placements have five rooms at most.
MUSR: dict[str, tuple[int, int]] = {
    "murder_mysteries": (2, 250),
    "object_placements": (5, 256),
    "team_allocation": (3, 250),
}

#: Problems of level 5 by subject.
MATH: dict[str, int] = {
    "algebra": 307,
    "counting_and_prob": 123,
    "geometry": 132,
    "intermediate_algebra": 280,
    "num_theory": 154,
    "prealgebra": 193,
    "precalculus": 135,
}

GPQA: dict[str, int] = {"diamond": 198, "extended": 546, "main": 448}
#: Diamond is a part of main and main of extended (Rein et al. 2023, arXiv 2311.12022): the 1,192
#: items are 546 questions, 198 of them asked three times and 250 twice, each time with the choices
#: in another order. How alike the copies are answered: among models of like ability on MMLU-PRO,
#: the sets' accuracies correlate as if copies did by 0 to 0.6 (the 2,409 models of
#: hlzhang109/prescriptive-scaling, six bands of ability, median 0.4).
GPQA_COPIES_ALIKE = 0.5
GPQA_OVERLAP = 1 + GPQA_COPIES_ALIKE * (198 * 3 * 2 + 250 * 2) / 1192

IFEVAL = "leaderboard_ifeval"
IFEVAL_INSTRUCTIONS = "leaderboard_ifeval/inst_level_strict_acc"


def _scheme(name: str, title: str, math_metric: str) -> Scheme:
    """The scheme with MATH scored by lm-eval's ``math_metric``."""
    return Scheme(
        name,
        title,
        (
            Benchmark(
                "ifeval",
                "IFEval",
                (Part((Task(IFEVAL, 541, 0.5), Task(IFEVAL_INSTRUCTIONS, 834, 0.5)), 0.0, True),),
            ),
            Benchmark("bbh", "BBH", _alone("leaderboard_bbh_", BBH)),
            Benchmark(
                "math",
                "MATH Lvl 5",
                (
                    pooled(
                        f"leaderboard_math_hard{math_metric}",
                        {f"leaderboard_math_{k}_hard{math_metric}": n for k, n in MATH.items()},
                        0.0,
                    ),
                ),
            ),
            Benchmark(
                "gpqa",
                "GPQA",
                (
                    pooled(
                        "leaderboard_gpqa",
                        {f"leaderboard_gpqa_{k}": n for k, n in GPQA.items()},
                        1 / 4,
                        GPQA_OVERLAP,
                    ),
                ),
            ),
            Benchmark("musr", "MuSR", _alone("leaderboard_musr_", MUSR)),
            Benchmark("mmlu_pro", "MMLU-PRO", (alone("leaderboard_mmlu_pro", 12_032, 1 / 10),)),
        ),
    )


def _alone(prefix: str, tasks: dict[str, tuple[int, int]]) -> tuple[Part, ...]:
    """Tasks of their own, each above what guessing among its choices gives."""
    return tuple(
        alone(f"{prefix}{name}", items, 1 / choices) for name, (choices, items) in tasks.items()
    )


#: As scored since February 2025: MATH by Math-Verify, lm-eval's ``exact_match``.
V2 = _scheme("leaderboard-v2", "Open LLM Leaderboard v2", "")
#: As scored before: MATH by the first parser, lm-eval's ``exact_match_original``.
V2_2024 = _scheme(
    "leaderboard-v2-2024", "Open LLM Leaderboard v2, MATH as in 2024", "/exact_match_original"
)
