"""Spurious signal: does the treatment work although its labels say nothing?

Qwen2.5-Math gains nearly as much from random rewards as from right ones, and other families gain
nothing: what is there already comes out whatever is rewarded (Shao et al., "Spurious Rewards:
Rethinking Training Signals in RLVR", arXiv 2506.10947). Here the same is asked of a supervised
treatment: true labels, labels dealt out at random, and labels of which the form alone is left
(:mod:`workbench.finetune.labels`).

A reward without information leaves a skill alone; a label without information, learnt long enough,
erases it. So random labels are given twice: in the whole treatment, and in a brief one of the
lowest rank, which can bring out what is there and hardly erase it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from workbench.study.hypotheses._arms import (
    BEFORE,
    TREATMENT,
    Items,
    interval,
    paired,
    share_of,
    surely_above,
)
from workbench.study.hypothesis import Arm, Finding, Hypothesis, Need
from workbench.study.subject import Subject

WHOLE, BRIEF, FORMAT = "random-labels", "random-labels-brief", "format-labels-brief"
#: What is brief of a brief arm.
STEPS = 20
_BRIEF = {"lora_r": 1, "lora_alpha": None, "max_steps": STEPS}
#: The share of the gain that random labels must surely give.
SHARE = 0.5


class Spurious(Hypothesis):
    """The share of the true labels' gain that random labels give as well."""

    name: ClassVar[str] = "spurious"
    title: ClassVar[str] = "Spurious signal"
    question: ClassVar[str] = "Does the base gain as much when the labels are random?"
    statistic: ClassVar[str] = "share of the gain from true labels that random labels give"
    unit: ClassVar[str] = "share"
    procedure: ClassVar[str] = (
        "The treatment is made again with its answers dealt out at random among the rows: once as "
        f"a whole, once briefly ({STEPS} steps at rank 1), since random labels first bring out the "
        "form of an answer and then erase the answer. On half of the items the better of the two "
        "is chosen; on the other half its gain over the base is set against the treatment's. The "
        "interval is a bootstrap over items, drawn within tasks and by cluster, base and arms "
        "together, in which the arm is chosen anew each time; it does not hold the scatter "
        "between seeds. What a brief fine-tune on the form alone of each answer gains stands "
        "beside it."
    )
    rule: ClassVar[str] = (
        f"Fires where the lower end of the interval is above {SHARE:g}; undecided where the "
        "interval lies on both sides of it, or where the gain from true labels is too small to "
        "take a share of."
    )
    cost: ClassVar[str] = (
        f"one more fine-tune of the treatment and two of {STEPS} steps, and their scoring"
    )
    paper: ClassVar[str] = "arXiv 2506.10947"
    control: ClassVar[tuple[str, ...]] = ("latent",)
    sign: ClassVar[int] = 1
    margin: ClassVar[float] = 0.1
    needs: ClassVar[tuple[Need, ...]] = ("scores", "treatment")
    arms: ClassVar[tuple[Arm, ...]] = (
        Arm(WHOLE, labels="random"),
        Arm(BRIEF, _BRIEF, labels="random"),
        Arm(FORMAT, _BRIEF, labels="format"),
    )
    #: ``least`` is the gain from true labels below which no share of it is taken.
    options: ClassVar[Mapping[str, Any]] = {"least": 0.05}

    def measure(self, subject: Subject) -> Finding:
        """The share on half B; no value where the true labels gave next to nothing."""
        options = {**self.options, **subject.options}
        made = [name for name in (WHOLE, BRIEF, FORMAT) if name in subject.after]
        if not {WHOLE, BRIEF}.intersection(made):
            return Finding(None, None, 0, "Not measured: no arm with random labels was made.")
        items = paired(subject, [TREATMENT, *made])
        if isinstance(items, str):
            return Finding(None, None, 0, f"Not measured: {items}.")
        return _judge(items, made, subject.seed, float(options["least"]))

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        """Each base by itself."""
        return surely_above(finding, SHARE)


def _judge(items: Items, made: Sequence[str], seed: int, least: float) -> Finding:
    """``made`` are the arms beside the treatment."""
    first, second = items.half(True), items.half(False)
    if not len(first) or not len(second):
        return Finding(None, None, len(items), "Not measured: too few items for two halves.")
    random = [items.arms.index(name) for name in made if name != FORMAT]
    before, true = items.arms.index(BEFORE), items.arms.index(TREATMENT)
    best = random[int(first.means()[random].argmax())]
    again = np.array(random)[first.resampled(seed, "spurious A")[:, random].argmax(axis=1)]
    means, drawn = second.means(), second.resampled(seed, "spurious B")
    gains, gain_draws = means - means[before], drawn - drawn[:, [before]]
    parts: dict[str, Any] = {
        "before": float(means[before]),
        "gains": {
            name: [float(gains[at]), *interval(gain_draws[:, at])]
            for at, name in enumerate(items.arms)
            if at != before
        },
        "arm": items.arms[best],
    }
    if parts["gains"][TREATMENT][1] <= least:
        words = (
            f"Not measured: true labels gain {gains[true]:+.2f}, too little to say what share of "
            "it random ones give."
        )
        return Finding(None, None, len(second), words, parts)
    value = float(gains[best] / gains[true])
    ends = interval(share_of(gain_draws[np.arange(len(again)), again], gain_draws[:, true]))
    words = (
        f"True labels gain {gains[true]:+.2f}, random ones {gains[best]:+.2f}"
        f"{' in a brief fine-tune' if items.arms[best] == BRIEF else ''} ({value:.0%} of it)"
    )
    if FORMAT in made:
        form = items.arms.index(FORMAT)
        parts["share_of_format"] = float(gains[form] / gains[true])
        words += f", their form alone {gains[form]:+.2f}"
    return Finding(value, ends, len(second), f"{words}.", parts)
