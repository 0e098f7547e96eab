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
    apart,
    chances,
    clusters_of,
    doubled,
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
#: How sure either of two effects must be, so that together they are wrong once in twenty.
EACH = 0.975
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
        "suspect items less that of fresh ones, clustered by item. Beside it: the same without the "
        "other blocks, of exact answers, and what each block does to either kind."
    )
    rule: ClassVar[str] = (
        f"Fires where suspect answers are likelier than fresh ones (at {MEMORISED:.0%}) and "
        "doubling the surfacing layers moves them otherwise than fresh ones, by itself or more "
        f"than other blocks do (either, at {EACH:.1%}). Either sign counts; the words "
        "tell what happens."
    )
    cost: ClassVar[str] = (
        "one pass over the items with the head after every layer, and one for each of "
        "`others` + 1 doubled blocks"
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

        by_depth = chances(depths, ask)
        block = surfacing(by_depth, suspect, length)
        others = apart(block, n, int(options["others"]), subject.seed)
        said = doubled(subject, ask, [block, *others], n, limits)
        own = said[block].logprob - base.logprob
        logprob = lift(said[block].logprob, [said[each].logprob for each in others], base.logprob)
        right = lift(said[block].right, [said[each].right for each in others], base.right)
        found, direct, gap, score = (
            contrast(values, suspect, clusters) for values in (logprob, own, base.logprob, right)
        )
        parts = {
            "block": list(block),
            "layers": n,
            "gap": gap.value,
            "gap_interval": list(gap.interval(MEMORISED)),
            "interval": list(found.interval(EACH)),
            "direct": {"value": direct.value, "ci95": list(direct.interval(0.95))},
            "direct_interval": list(direct.interval(EACH)),
            "right": {"value": score.value, "ci95": list(score.interval(0.95))},
            "suspect": {"own": float(own[suspect].mean()), "lift": float(logprob[suspect].mean())},
            "fresh": {"own": float(own[~suspect].mean()), "lift": float(logprob[~suspect].mean())},
            "lens": {
                "suspect": by_depth[:, suspect].mean(axis=1).tolist(),
                "fresh": by_depth[:, ~suspect].mean(axis=1).tolist(),
            },
            "doubled": [_row(block, each, base, suspect) for block, each in said.items()],
            "n": [len(suspects), len(fresh)],
        }
        if not np.isfinite([found.value, found.error, direct.error, gap.value, gap.error]).all():
            return _not("some of its probabilities are not finite numbers")
        return Finding(found.value, found.interval(0.95), len(items), _words(parts, found), parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        """Something is memorised, and doubling its layers acts on it in its own way."""
        if finding.value is None:
            return None
        return _memorised(finding.parts) and _responds(finding.parts)


def _row(block: Block, said: Said, base: Said, suspect: Mask) -> dict[str, Any]:
    moved, right = said.logprob - base.logprob, said.right - base.right
    return {
        "block": list(block),
        "suspect": float(moved[suspect].mean()),
        "fresh": float(moved[~suspect].mean()),
        "suspect_right": float(right[suspect].mean()),
        "fresh_right": float(right[~suspect].mean()),
    }


def _memorised(parts: Mapping[str, Any]) -> bool:
    return bool(parts["gap_interval"][0] > 0)


def _responds(parts: Mapping[str, Any]) -> bool:
    return any(low > 0 or high < 0 for low, high in (parts["interval"], parts["direct_interval"]))


def _words(parts: Mapping[str, Any], found: Contrast) -> str:
    if not _memorised(parts):
        return f"Nothing is memorised: suspect answers are no likelier ({parts['gap']:+.2f} nats)."
    i, j = parts["block"]
    layers = f"layer {i}" if j == i + 1 else f"layers {i} to {j - 1}"
    verdict = "something" if _responds(parts) else "nothing"
    return (
        f"Memorised answers surface in {layers}. Doubling that does {verdict} to them that it does "
        f"not do to fresh ones: {parts['suspect']['own']:+.2f} against "
        f"{parts['fresh']['own']:+.2f} nats, and {found.value:+.2f} more than other blocks."
    )


def _not(why: str) -> Finding:
    return Finding(None, None, 0, f"Not measured: {why}.")
