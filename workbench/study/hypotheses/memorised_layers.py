"""Memorised layers: does doubling the layers where memorised answers surface act on memory?

Nobody has published this. David Noel Ng runs a block of middle layers twice and scores rise; if
what rose were memory rather than skill, doubling the layers in which memorised answers come up
would do something else to items that the base has seen than to fresh ones like them.

What it cannot tell: a block whose repeat breaks more breaks memory more, since likely answers have
further to fall. That memory suffers less at its own layers than at others need not mean that they
strengthen it; so what each block does to either kind, and the direct difference without the other
blocks, stand beside the statistic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from workbench.study.hypotheses._contrast import Contrast, contrast
from workbench.study.hypotheses._doubling import (
    Block,
    Mask,
    Values,
    apart,
    chances,
    clusters_of,
    doubled,
    halves,
    lift,
    pools,
    surfacing,
)
from workbench.study.hypotheses._lens import Asked, Said, lens
from workbench.study.hypotheses._texts import asked, written
from workbench.study.hypothesis import Finding, Hypothesis, Need
from workbench.study.subject import Subject

#: How sure it must be that answers are memorised at all, before their lift is looked at.
MEMORISED = 0.99
#: The fewest items of each kind.
LEAST = 8


class MemorisedLayers(Hypothesis):
    """How much more doubling the memory's layers does to suspect items than to fresh ones."""

    name: ClassVar[str] = "memorised_layers"
    title: ClassVar[str] = "Memory in doubled layers"
    question: ClassVar[str] = (
        "Does doubling the layers where memorised answers surface act on memorised items otherwise "
        "than on fresh ones?"
    )
    statistic: ClassVar[str] = (
        "lift of suspect answers less that of fresh ones, by the surfacing layers less by others"
    )
    unit: ClassVar[str] = "nats"
    procedure: ClassVar[str] = (
        "The model's final norm and head read the answer's probability after every layer (logit "
        "lens). The block over which suspect answers rise most above fresh ones is where memorised "
        "answers surface. It is run twice, by reference, and so are other blocks of its length "
        "that share no layer with it. An item's lift is the change of its answer's log-probability "
        "less the median change that the other blocks make; the statistic is the mean lift of "
        "suspect items less that of fresh ones, clustered by item. Items come in two halves, and "
        "each half's block is chosen on the other half. The same of exact answers stands beside it."
    )
    rule: ClassVar[str] = (
        f"Fires where suspect answers are likelier than fresh ones (at {MEMORISED:.0%}) and the "
        "95% interval of the statistic leaves out 0: memorised answers respond to these layers "
        "otherwise than fresh ones do. Either sign counts; the words tell the direction, and what "
        "doubling does by itself."
    )
    cost: ClassVar[str] = (
        "one pass over the items with the head after every layer, and one for each of some "
        "`others` + 2 doubled blocks"
    )
    paper: ClassVar[str] = "unpublished; made for this project"
    control: ClassVar[tuple[str, ...]] = ("contaminated",)
    margin: ClassVar[float] = 0.1
    needs: ClassVar[tuple[Need, ...]] = ("suspect", "fresh")
    options: ClassVar[Mapping[str, Any]] = {
        "items": 200,
        "length": 0,
        "others": 6,
        "call_tokens": 1024,
        "head_rows": 256,
    }

    def measure(self, subject: Subject) -> Finding:
        """The difference in differences; ``length`` 0 is one layer in eight, at least one."""
        options = {**self.options, **subject.options}
        suspects, fresh = pools(subject, int(options["items"]))
        if subject.path is None:
            return _not("its layers cannot be run in another order")
        if min(len(suspects), len(fresh)) < LEAST or not written(subject):
            return _not(f"it takes {LEAST} suspect and {LEAST} fresh items, asked in plain text")
        items = [*suspects, *fresh]
        suspect = np.arange(len(items)) < len(suspects)
        clusters = clusters_of(suspects, fresh)
        template = written(subject)[0]
        ask = [Asked(*asked(subject, item, template)) for item in items]
        limits = int(options["call_tokens"]), int(options["head_rows"])
        depths = lens(subject.model(), ask, *limits)
        base, n = depths[-1], len(depths) - 1
        length = int(options["length"]) or max(1, round(n / 8))
        if n < 3 * length:
            return _not(f"{n} layers have no blocks to compare one of {length} with")

        half = halves(clusters, suspect, subject.seed)
        by_depth = chances(depths, ask)
        blocks = [
            surfacing(by_depth[:, half != part], suspect[half != part], length) for part in (0, 1)
        ]
        others = [apart(block, n, int(options["others"]), subject.seed) for block in blocks]
        said = doubled(subject, ask, [*blocks, *others[0], *others[1]], n, limits)
        own = np.where(half == 0, *(said[block].logprob - base.logprob for block in blocks))
        logprob = _lifts(said, base, blocks, others, half, "logprob")
        right = _lifts(said, base, blocks, others, half, "right")
        found, gap = contrast(logprob, suspect, clusters), contrast(base.logprob, suspect, clusters)
        parts = {
            "blocks": [list(block) for block in blocks],
            "layers": n,
            "gap": gap.value,
            "gap_interval": list(gap.interval(MEMORISED)),
            "direct": _told(contrast(own, suspect, clusters)),
            "right": _told(contrast(right, suspect, clusters)),
            "suspect": {"own": float(own[suspect].mean()), "lift": float(logprob[suspect].mean())},
            "fresh": {"own": float(own[~suspect].mean()), "lift": float(logprob[~suspect].mean())},
            "lens": {
                "suspect": by_depth[:, suspect].mean(axis=1).tolist(),
                "fresh": by_depth[:, ~suspect].mean(axis=1).tolist(),
            },
            "doubled": [_row(block, each, base, suspect) for block, each in said.items()],
            "n": [len(suspects), len(fresh)],
        }
        if not np.isfinite([found.value, found.error, gap.value, gap.error]).all():
            return _not("some of its probabilities are not finite numbers")
        words = _words(parts, found, gap)
        return Finding(found.value, found.interval(0.95), len(items), words, parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        """Something is memorised, and doubling its layers acts on it in its own way."""
        if finding.value is None:
            return None
        low, high = finding.ci95 or (0.0, 0.0)
        return bool(finding.parts["gap_interval"][0] > 0 and (low > 0 or high < 0))


def _lifts(
    said: Mapping[Block, Said],
    base: Said,
    blocks: Sequence[Block],
    others: Sequence[Sequence[Block]],
    half: Any,
    name: str,
) -> Values:
    """Each item's lift by its own half's block."""
    by_half = [
        lift(
            getattr(said[block], name),
            [getattr(said[other], name) for other in some],
            getattr(base, name),
        )
        for block, some in zip(blocks, others, strict=True)
    ]
    found: Values = np.where(half == 0, by_half[0], by_half[1])
    return found


def _row(block: Block, said: Said, base: Said, suspect: Mask) -> dict[str, Any]:
    moved, right = said.logprob - base.logprob, said.right - base.right
    return {
        "block": list(block),
        "suspect": float(moved[suspect].mean()),
        "fresh": float(moved[~suspect].mean()),
        "suspect_right": float(right[suspect].mean()),
        "fresh_right": float(right[~suspect].mean()),
    }


def _told(found: Contrast) -> dict[str, Any]:
    return {"value": found.value, "ci95": list(found.interval(0.95))}


def _words(parts: Mapping[str, Any], found: Contrast, gap: Contrast) -> str:
    if gap.interval(MEMORISED)[0] <= 0:
        return f"Nothing is memorised: suspect answers are no likelier ({gap.value:+.2f} nats)."
    layers = " and ".join(dict.fromkeys(f"{i}…{j - 1}" for i, j in parts["blocks"]))
    suspect, fresh = parts["suspect"], parts["fresh"]
    low, high = found.interval(0.95)
    verdict = "no different from fresh ones" if low <= 0 <= high else "their own way"
    return (
        f"Memorised answers surface in layers {layers}. Doubling these moves suspect answers by "
        f"{suspect['own']:+.2f} nats and fresh ones by {fresh['own']:+.2f}; against other blocks, "
        f"by {suspect['lift']:+.2f} and {fresh['lift']:+.2f}: {verdict}."
    )


def _not(why: str) -> Finding:
    return Finding(None, None, 0, f"Not measured: {why}.")
