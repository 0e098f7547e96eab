"""Spurious signal: does the treatment work although its labels say nothing?

Qwen2.5-Math gains nearly as much from random rewards as from right ones, and other families gain
nothing: what is there already comes out whatever is rewarded (Shao et al., "Spurious Rewards:
Rethinking Training Signals in RLVR", arXiv 2506.10947). Here the same is asked of a supervised
treatment: true labels, labels dealt out at random, and labels of which the form alone is left
(:mod:`workbench.finetune.labels`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from workbench.study.hypotheses._arms import (
    BEFORE,
    TREATMENT,
    interval,
    paired,
    share_of,
    surely_above,
)
from workbench.study.hypothesis import Arm, Finding, Hypothesis, Need
from workbench.study.subject import Subject

RANDOM, FORMAT = "random-labels", "format-labels"
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
        "The treatment is made twice more: with its answers dealt out at random among the rows, "
        "and with the form alone of each answer left. The gains over the base, on the same items, "
        "are set against the treatment's. The interval is a bootstrap over items, drawn within "
        "tasks and by cluster, base and arms together; it does not hold the scatter between "
        "seeds. The share of the gain that the form alone gives stands beside it."
    )
    rule: ClassVar[str] = (
        f"Fires where the lower end of the interval is above {SHARE:g}; undecided where the "
        "interval lies on both sides of it, or where the gain from true labels is too small to "
        "take a share of."
    )
    cost: ClassVar[str] = "two more fine-tunes of the treatment and their scoring"
    paper: ClassVar[str] = "arXiv 2506.10947"
    control: ClassVar[tuple[str, ...]] = ("latent",)
    sign: ClassVar[int] = 1
    margin: ClassVar[float] = 0.1
    needs: ClassVar[tuple[Need, ...]] = ("scores", "treatment")
    arms: ClassVar[tuple[Arm, ...]] = (
        Arm(RANDOM, labels="random"),
        Arm(FORMAT, labels="format"),
    )
    #: ``least`` is the gain from true labels below which no share of it is taken.
    options: ClassVar[Mapping[str, Any]] = {"least": 0.05}

    def measure(self, subject: Subject) -> Finding:
        """The share for random labels; no value where the true labels gave next to nothing."""
        options = {**self.options, **subject.options}
        made = [name for name in (RANDOM, FORMAT) if name in subject.after]
        if RANDOM not in made:
            return Finding(None, None, 0, "Not measured: no arm with random labels was made.")
        items = paired(subject, [TREATMENT, *made])
        if isinstance(items, str):
            return Finding(None, None, 0, f"Not measured: {items}.")
        order = [items.arms.index(name) for name in (BEFORE, TREATMENT, *made)]
        means = items.means()[order]
        drawn = items.resampled(subject.seed, "spurious")[:, order]
        gains, gain_draws = means[1:] - means[0], drawn[:, 1:] - drawn[:, :1]
        parts: dict[str, Any] = {"before": float(means[0]), "gains": {}, "shares": {}}
        for at, name in enumerate(("true", *made)):
            parts["gains"][name] = [float(gains[at]), *interval(gain_draws[:, at])]
        if parts["gains"]["true"][1] <= float(options["least"]):
            words = (
                f"Not measured: true labels gain {gains[0]:+.2f}, too little to say what share of "
                "it random ones give."
            )
            return Finding(None, None, len(items), words, parts)
        for at, name in enumerate(made, 1):
            share = share_of(gain_draws[:, at], gain_draws[:, 0])
            parts["shares"][name] = [float(gains[at] / gains[0]), *interval(share)]
        value, low, high = parts["shares"][RANDOM]
        words = f"True labels gain {gains[0]:+.2f}, random ones {gains[1]:+.2f} ({value:.0%} of it)"
        if FORMAT in made:
            words += f", their form alone {gains[2]:+.2f}"
        return Finding(value, (low, high), len(items), f"{words}.", parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        """Each base by itself."""
        return surely_above(finding, SHARE)
