"""Rank: how little must an adapter hold to give the gain?

Where one direction is enough, the treatment turned on what was there; where more are needed, it
put something in. (Low intrinsic dimension of fine-tuning: Aghajanyan et al., arXiv 2012.13255;
LoRA at rank one: Hu et al., arXiv 2106.09685, section 7.2.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.study.hypotheses._arms import BEFORE, TREATMENT, Numbers, interval, paired
from workbench.study.hypothesis import Arm, Finding, Hypothesis, Need
from workbench.study.subject import Subject

if TYPE_CHECKING:
    from torch import nn

RANKS = (1, 2, 4, 8)
#: The share of the largest rank's gain that counts as the gain.
ENOUGH = 0.95


def _arm(rank: int) -> str:
    return f"rank{rank}"


class Rank(Hypothesis):
    """The smallest LoRA rank that gives 95% of the largest one's gain."""

    name: ClassVar[str] = "rank"
    title: ClassVar[str] = "Rank"
    question: ClassVar[str] = "Is an adapter of the lowest rank enough for the whole gain?"
    statistic: ClassVar[str] = (
        f"log2 of the smallest LoRA rank with {ENOUGH:.0%} of the largest one's gain"
    )
    unit: ClassVar[str] = "log2 rank"
    procedure: ClassVar[str] = (
        f"The treatment is made at ranks {', '.join(map(str, RANKS))} beside its own, alpha being "
        "twice the rank. The smallest rank whose gain over the base is at least "
        f"{ENOUGH:.0%} of the largest rank's is found, and again in every resample of the items "
        "(drawn within tasks and by cluster, base and ranks together), which gives its interval. "
        "The scatter between seeds is not in it."
    )
    rule: ClassVar[str] = (
        "Fires where rank 1 is enough in at least 97.5% of the resamples; undecided where it is "
        "in more than 2.5% of them, or where the largest rank's gain is too small to take a "
        "share of."
    )
    cost: ClassVar[str] = f"{len(RANKS)} more fine-tunes of the treatment and their scoring"
    paper: ClassVar[str] = "arXiv 2106.09685; 2012.13255"
    #: Rank 1 is enough where the answer is known and its form alone is missing. It is no sign of
    #: that alone: two clean development bases that differ by their seed needed ranks 8 and 1. The
    #: planted matrix shows what the probe is worth, and no verdict rests on one that misses.
    control: ClassVar[tuple[str, ...]] = ("latent",)
    sign: ClassVar[int] = -1
    margin: ClassVar[float] = 1.0
    needs: ClassVar[tuple[Need, ...]] = ("scores", "treatment")
    arms: ClassVar[tuple[Arm, ...]] = tuple(
        Arm(_arm(rank), {"lora_r": rank, "lora_alpha": None}) for rank in RANKS
    )
    #: ``least`` is the gain of the largest rank below which no share of it is taken.
    options: ClassVar[Mapping[str, Any]] = {"least": 0.05}

    def measure(self, subject: Subject) -> Finding:
        """The smallest sufficient rank; no value with fewer than two ranks."""
        options = {**self.options, **subject.options}
        by_rank = {rank: _arm(rank) for rank in RANKS if _arm(rank) in subject.after}
        if TREATMENT in subject.after and (own := _own_rank(subject)):
            by_rank.setdefault(own, TREATMENT)
        ranks = sorted(by_rank)
        if len(ranks) < 2:
            return Finding(None, None, 0, "Not measured: fewer than two ranks were made.")
        items = paired(subject, [by_rank[rank] for rank in ranks])
        if isinstance(items, str):
            return Finding(None, None, 0, f"Not measured: {items}.")
        order = [items.arms.index(by_rank[rank]) for rank in ranks]
        base = items.arms.index(BEFORE)
        means, drawn = items.means(), items.resampled(subject.seed, "rank")
        gains, gain_draws = means[order] - means[base], drawn[:, order] - drawn[:, [base]]
        parts: dict[str, Any] = {
            "before": float(means[base]),
            "gains": {
                str(rank): [float(gains[at]), *interval(gain_draws[:, at])]
                for at, rank in enumerate(ranks)
            },
        }
        if parts["gains"][str(ranks[-1])][1] <= float(options["least"]):
            words = (
                f"Not measured: rank {ranks[-1]} gains {gains[-1]:+.2f}, too little to say what "
                "share of it a lower rank gives."
            )
            return Finding(None, None, len(items), words, parts)
        found = int(_smallest(gains[None])[0])
        places = _smallest(gain_draws)
        logs = np.log2(np.array(ranks, float))[places]
        parts |= {
            "smallest": ranks[found],
            "chances": {str(rank): float((places == at).mean()) for at, rank in enumerate(ranks)},
        }
        words = (
            f"Rank {ranks[found]} gives {ENOUGH:.0%} of what rank {ranks[-1]} gains "
            f"({gains[-1]:+.2f}); rank {ranks[0]} gains {gains[0]:+.2f}."
        )
        return Finding(math.log2(ranks[found]), interval(logs), len(items), words, parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        """Each base by itself: whether rank 1 is enough."""
        if finding.value is None or finding.ci95 is None:
            return None
        low, high = finding.ci95
        return True if high <= 0 else None if low <= 0 else False


def _smallest(gains: Numbers) -> np.ndarray:
    """Of [resamples, ranks] in ascending rank: the place of the first that is enough.

    Where the largest rank gains nothing there is no share to reach, and its own place stands.
    """
    last = gains[:, -1:]
    enough = (gains >= ENOUGH * last) & (last > 0)
    enough[:, -1] = True
    return enough.argmax(axis=1)


def _own_rank(subject: Subject) -> int | None:
    """The rank of the treatment itself, where its adapter still stands beside the weights."""
    if subject.treated is None:
        return None
    return _rank(subject.treated(TREATMENT))


def _rank(model: nn.Module) -> int | None:
    ranks = {
        int(weight.shape[0]) for name, weight in model.named_parameters() if ".lora_A." in name
    }
    return ranks.pop() if len(ranks) == 1 else None
