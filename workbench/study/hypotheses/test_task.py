"""Training on the test task: could the base do the task before anybody showed it?

Bases that met the task in pretraining look better than they are until all have met it: given the
same task data, most of what sets newer bases apart goes (Dominguez-Olmedo et al., "Training on the
Test Task Confounds Evaluation and Emergence", arXiv 2407.07890). A treatment that trains on the
task gives everybody that data; how much of the score after it was there before tells who had it.
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
from workbench.study.hypothesis import Finding, Hypothesis, Need
from workbench.study.subject import Subject

#: The share of the score that must surely have been there before.
SHARE = 0.7


class TestTask(Hypothesis):
    """The share of the score after the task data that the base had without them."""

    #: pytest takes any class called Test… for tests.
    __test__ = False

    name: ClassVar[str] = "test_task"
    title: ClassVar[str] = "Training on the test task"
    question: ClassVar[str] = (
        "Does the base do the task, in the task's own form, before it gets any task data?"
    )
    statistic: ClassVar[str] = "score before the task data, as a share of the score after them"
    unit: ClassVar[str] = "share"
    procedure: ClassVar[str] = (
        "The base is scored in the task's own form, then after the treatment, on the same items, "
        "which the treatment's data do not hold. Before over after, both less the score of a "
        "guess, is the statistic; its interval is a bootstrap over items, drawn within tasks and "
        "by cluster. Between groups, the difference before the treatment beside that after it "
        "says what equal task data leave of it."
    )
    rule: ClassVar[str] = (
        f"Fires where the lower end of the interval is above {SHARE:g}; undecided where the "
        "interval lies on both sides of it, or where the score after the task data is itself "
        "close to a guess."
    )
    cost: ClassVar[str] = "none beside the treatment and its scoring"
    paper: ClassVar[str] = "arXiv 2407.07890"
    control: ClassVar[tuple[str, ...]] = ("task_format",)
    sign: ClassVar[int] = -1
    margin: ClassVar[float] = 0.1
    needs: ClassVar[tuple[Need, ...]] = ("scores", "treatment")
    #: ``floor`` is the score of a guess, ``least`` what the treated base must score above it.
    options: ClassVar[Mapping[str, Any]] = {"floor": 0.0, "least": 0.1}

    def measure(self, subject: Subject) -> Finding:
        """The share over all items; no value where the task was not learnt."""
        options = {**self.options, **subject.options}
        floor, least = float(options["floor"]), float(options["least"])
        items = paired(subject, [TREATMENT])
        if isinstance(items, str):
            return Finding(None, None, 0, f"Not measured: {items}.")
        order = [items.arms.index(name) for name in (BEFORE, TREATMENT)]
        before, after = items.means()[order]
        drawn = items.resampled(subject.seed, "test_task")[:, order]
        parts: dict[str, Any] = {
            "before": float(before),
            "before_ci95": list(interval(drawn[:, 0])),
            "after": float(after),
            "after_ci95": list(interval(drawn[:, 1])),
            "gain": float(after - before),
            "gain_ci95": list(interval(drawn[:, 1] - drawn[:, 0])),
            "floor": floor,
        }
        if parts["after_ci95"][0] - floor <= least:
            words = (
                f"Not measured: after the task data it scores {after:.2f}, too little to say what "
                "share of it was there before."
            )
            return Finding(None, None, len(items), words, parts)
        share = share_of(drawn[:, 0] - floor, drawn[:, 1] - floor)
        value = float((before - floor) / (after - floor))
        words = (
            f"It scored {before:.2f} before the task data and {after:.2f} after them: "
            f"{value:.0%} was there before."
        )
        return Finding(value, interval(share), len(items), words, parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        """Each base by itself."""
        return surely_above(finding, SHARE)
