"""How far IFEval's score can stray: two accuracies over the same answers are not independent.

The score is the mean of the share of prompts whose instructions were all followed and of the share
of instructions followed. Where single answers are not published, they are taken to follow a
beta-binomial law: each instruction is followed with the same mean, and instructions of one prompt
go together as far as the two accuracies say.
"""

from __future__ import annotations

import math

#: Prompts by the number of their instructions: 541 prompts, 834 instructions (Zhou et al. 2023,
#: arXiv 2311.07911, the published ``input_data.jsonl``).
PROMPTS: dict[int, int] = {1: 305, 2: 179, 3: 57}
PROMPT_COUNT = sum(PROMPTS.values())
INSTRUCTION_COUNT = sum(k * count for k, count in PROMPTS.items())


def variance(prompt: float, instruction: float) -> float:
    """The variance of the mean of the two strict accuracies (0 to 1), prompts being the sample."""
    together = _together(prompt, instruction)
    total = 0.0
    for size, count in PROMPTS.items():
        law = _law(size, instruction, together)
        values = [
            0.5 * (followed == size) / PROMPT_COUNT + 0.5 * followed / INSTRUCTION_COUNT
            for followed in range(size + 1)
        ]
        mean = sum(p * v for p, v in zip(law, values, strict=True))
        total += count * sum(p * (v - mean) ** 2 for p, v in zip(law, values, strict=True))
    return total


def split(score: float) -> tuple[float, float]:
    """Prompt and instruction accuracy whose mean is ``score``, instructions being independent."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if (prompt_accuracy(middle, 0.0) + middle) / 2 < score:
            low = middle
        else:
            high = middle
    return prompt_accuracy(low, 0.0), low


def prompt_accuracy(instruction: float, together: float) -> float:
    """The share of prompts followed throughout, from the share of instructions followed.

    ``together`` is the correlation within a prompt, from 0 to 1.
    """
    whole = sum(count * _law(size, instruction, together)[-1] for size, count in PROMPTS.items())
    return whole / PROMPT_COUNT


def _together(prompt: float, instruction: float) -> float:
    """The correlation that explains both accuracies, or the nearest that can be."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if prompt_accuracy(instruction, middle) < prompt:
            low = middle
        else:
            high = middle
    return low


def _law(size: int, mean: float, together: float) -> list[float]:
    """Probabilities of 0 to ``size`` instructions followed: beta-binomial."""
    if together <= 0 or mean in (0.0, 1.0):
        return [math.comb(size, k) * mean**k * (1 - mean) ** (size - k) for k in range(size + 1)]
    if together >= 1 - 1e-12:
        return [1 - mean, *([0.0] * (size - 1)), mean]
    scale = 1 / together - 1
    a, b = mean * scale, (1 - mean) * scale

    # Rising factorials rather than beta functions: sizes are 1 to 3.
    def rising(x: float, steps: int) -> float:
        return math.prod(x + step for step in range(steps))

    whole = rising(a + b, size)
    return [
        math.comb(size, k) * rising(a, k) * rising(b, size - k) / whole for k in range(size + 1)
    ]
