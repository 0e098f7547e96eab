"""Learning-rate artefact: does one fixed rate hide how well the base can take the treatment?

Methods of fine-tuning favour different learning rates, and at one fixed rate they rank otherwise
than each at its own best, where little is left between them ("Learning Rate Matters: Vanilla LoRA
May Suffice for LLM Fine-tuning", arXiv 2602.04998). The same is asked here of bases. Which of them
change places between the fixed rate and their best stands beside the verdicts of the study; this
is what the fixed rate costs one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from workbench.study.hypotheses._arms import BEFORE, TREATMENT, interval, paired, surely_above
from workbench.study.hypothesis import Finding, Hypothesis, Need
from workbench.study.subject import Subject

#: A loss that the fixed rate must surely cost before the base counts as badly served by it.
LOSS = 0.1
_RATE = "lr="


class LearningRate(Hypothesis):
    """What the study's fixed rate costs a base, against the best of the sweep."""

    name: ClassVar[str] = "learning_rate"
    title: ClassVar[str] = "Learning-rate artefact"
    question: ClassVar[str] = (
        "Would the base end higher at another learning rate than the one that all bases get?"
    )
    statistic: ClassVar[str] = "score at the base's best learning rate less that at the fixed rate"
    unit: ClassVar[str] = "score"
    procedure: ClassVar[str] = (
        "The treatment is made at every rate of the sweep. On half of the items the best rate is "
        "chosen (the fixed one where it ties), on the other half its score is set against that at "
        "the fixed rate, item by item. The interval is a bootstrap over items, drawn within tasks "
        "and by cluster, in which the best rate is chosen anew each time."
    )
    rule: ClassVar[str] = (
        f"Fires where the lower end of the interval is above {LOSS:g}; undecided where the "
        "interval lies on both sides of it."
    )
    cost: ClassVar[str] = "one fine-tune and one scoring for each further rate of the sweep"
    paper: ClassVar[str] = "arXiv 2602.04998"
    control: ClassVar[tuple[str, ...]] = ("badly_scaled",)
    sign: ClassVar[int] = -1
    margin: ClassVar[float] = 0.03
    needs: ClassVar[tuple[Need, ...]] = ("scores", "treatment", "rates")

    def measure(self, subject: Subject) -> Finding:
        """The loss on half B; no value without scores at two rates."""
        others = sorted((name for name in subject.after if name.startswith(_RATE)), key=_rate)
        if not others:
            return Finding(None, None, 0, "Not measured: the treatment was made at one rate only.")
        items = paired(subject, [TREATMENT, *others])
        if isinstance(items, str):
            return Finding(None, None, 0, f"Not measured: {items}.")
        first, second = items.half(True), items.half(False)
        if not len(first) or not len(second):
            return Finding(None, None, len(items), "Not measured: too few items for two halves.")
        # The fixed rate stands first, so that it is the best where others only equal it.
        arms = [items.arms.index(name) for name in (TREATMENT, *others)]
        chosen, judged = first.means()[arms], second.means()[arms]
        best = int(np.argmax(chosen))
        drawn = first.resampled(subject.seed, "learning_rate A")[:, arms]
        ends = second.resampled(subject.seed, "learning_rate B")[:, arms]
        losses = ends[np.arange(len(ends)), drawn.argmax(axis=1)] - ends[:, 0]
        value, low_high = float(judged[best] - judged[0]), interval(losses)
        names = ["the fixed rate", *others]
        parts: dict[str, Any] = {
            "best": None if best == 0 else _rate(names[best]),
            "scores": {name: float(score) for name, score in zip(names, judged, strict=True)},
            "scores_a": {name: float(score) for name, score in zip(names, chosen, strict=True)},
            "before": float(second.means()[items.arms.index(BEFORE)]),
            "chosen_again": float((drawn.argmax(axis=1) == best).mean()),
        }
        if best == 0:
            words = f"The fixed rate is the best of {len(names)} (score {judged[0]:.2f})."
        else:
            words = (
                f"At its best rate of {len(names)}, {_rate(names[best]):g}, it scores "
                f"{judged[best]:.2f}, at the fixed rate {judged[0]:.2f}."
            )
        return Finding(value, low_high, len(second), words, parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        """Each base by itself: the loss either is there or not."""
        return surely_above(finding, LOSS)


def _rate(arm: str) -> float:
    return float(arm.removeprefix(_RATE))
