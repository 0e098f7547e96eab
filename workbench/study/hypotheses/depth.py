"""Depth: are there layers that do nothing, so that fine-tuning has fewer to work with?

Sun et al. 2025, "The Curse of Depth in Large Language Models" (arXiv 2502.05795): with norms before
each layer, the deeper ones turn into the identity. What is left out without loss shows it (also
Men et al. 2024, arXiv 2403.03853); so does the angle between the states before and after a layer.
David Noel Ng's map of repeats has the same reading: a plateau, where any block of layers can run
twice without harm, is one where layers hand on what they got.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from workbench.study.hypotheses._layers import angular_distances
from workbench.study.hypotheses._predictions import Predictions
from workbench.study.hypotheses._texts import texts_of
from workbench.study.hypothesis import Finding, Hypothesis, Need
from workbench.study.subject import Subject

#: A share of dead layers from which on a base is said to have the cause, and one it stays below
#: where it is said not to.
SHARE = 0.1


class Depth(Hypothesis):
    """The share of layers that can be left out without anybody noticing."""

    name: ClassVar[str] = "depth"
    title: ClassVar[str] = "Layers that do nothing"
    question: ClassVar[str] = "Does the base have layers that do nothing?"
    statistic: ClassVar[str] = "share of layers whose removal moves no prediction"
    unit: ClassVar[str] = "share of layers"
    procedure: ClassVar[str] = (
        "Each layer is left out once, by reference. Over the texts, the divergence KL(whole || "
        "without the layer) of the next-token predictions is measured, and the change of the loss. "
        "A layer is dead where the divergence is below `dead_below` nats a token; the share of "
        "such layers is the statistic, its interval from a bootstrap over texts. Beside it: the "
        "angle between the states before and after each layer, and the share of blocks (i, j) "
        "that can run twice within `tolerated` nats (the plateau of the repeat map)."
    )
    rule: ClassVar[str] = (
        "Fires where the layers whose divergence has its whole 95% interval below `dead_below` "
        f"are at least {SHARE:.0%} of all; does not where those whose interval reaches below it "
        "are fewer; undecided between."
    )
    cost: ClassVar[str] = (
        "one pass over the texts for each layer and each of `blocks` repeats; predictions of the "
        "whole model kept in memory (texts x tokens x vocabulary x 4 bytes)"
    )
    paper: ClassVar[str] = "arXiv 2502.05795"
    control: ClassVar[tuple[str, ...]] = ("dead_layers",)
    sign: ClassVar[int] = -1
    margin: ClassVar[float] = 0.05
    needs: ClassVar[tuple[Need, ...]] = ()
    options: ClassVar[Mapping[str, Any]] = {
        "dead_below": 0.01,
        "tolerated": 0.1,
        "layers": 128,
        "blocks": 32,
        "texts": 32,
        "tokens": 64,
        "batch_size": 16,
    }

    def measure(self, subject: Subject) -> Finding:
        """Ablates every layer, or ``layers`` of them drawn with the seed in a deeper model."""
        options = {**self.options, **subject.options}
        if subject.path is None:
            return Finding(
                None, None, 0, "Not measured: its layers cannot be run in another order."
            )
        from workbench.bases.stack import find_stack
        from workbench.relayer.path import insert_blocks, without

        model = subject.model()
        n = len(find_stack(model).layers)
        if n < 2:
            return Finding(None, None, n, "Not measured: a single layer cannot be left out.")
        texts = texts_of(subject, int(options["texts"]), int(options["tokens"]))
        batch_size, limit = int(options["batch_size"]), float(options["dead_below"])
        whole = Predictions(model, texts.ids, batch_size)
        draw = np.random.default_rng([subject.seed, 21])
        layers = _some(range(n), int(options["layers"]), draw)
        pairs = [(i, j) for i in range(n) for j in range(i + 1, n + 1)]
        blocks = _some(pairs, int(options["blocks"]), draw)
        moved, rise = np.empty((len(layers), len(texts.ids))), np.empty(len(layers))
        repeated = np.empty(len(blocks))
        with subject.progress.bar("Layers left out", len(layers) + len(blocks)) as tick:
            for at, layer in enumerate(layers):
                path = without(range(n), [(layer, layer + 1)])
                shift = whole.against(subject.path(path))
                moved[at], rise[at] = shift.moved, float((shift.loss - whole.loss).mean())
                tick()
            for at, block in enumerate(blocks):
                shift = whole.against(subject.path(insert_blocks([block], n)))
                repeated[at] = float(shift.moved.mean())
                tick()
        angles = angular_distances(model, texts.ids, batch_size * int(options["tokens"])).mean(1)
        low, high = _ends(moved)
        dead = moved.mean(axis=1) < limit
        tolerance = float((repeated < float(options["tolerated"])).mean()) if len(blocks) else None
        parts = {
            "layers": [int(layer) for layer in layers],
            "of": n,
            "moved": _rounded(moved.mean(axis=1)),
            "moved_ci95": [_rounded(ends) for ends in zip(low, high, strict=True)],
            "rise": _rounded(rise),
            "angle": _rounded(angles),
            "dead": [int(layer) for layer, each in zip(layers, dead, strict=True) if each],
            "surely_dead": int((high < limit).sum()),
            "maybe_dead": int((low < limit).sum()),
            "dead_below": limit,
            "repeats_tolerated": tolerance,
            "repeats": [
                [*map(int, b), *_rounded([m])] for b, m in zip(blocks, repeated, strict=True)
            ],
            "texts": texts.source,
        }
        if not np.isfinite(moved).all():
            words = "Not measured: without some of its layers its predictions are not numbers."
            return Finding(None, None, len(layers), words, parts)
        words = _words(parts, tolerance)
        interval = _bootstrap(moved, limit, subject.seed)
        return Finding(float(dead.mean()), interval, len(layers), words, parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        """By the layers that are dead for sure, and those that may be."""
        if finding.value is None:
            return None
        sure = finding.parts["surely_dead"] / finding.n
        maybe = finding.parts["maybe_dead"] / finding.n
        if sure >= SHARE:
            return True
        return None if maybe >= SHARE else False


def _some(values: Sequence[Any], count: int, draw: np.random.Generator) -> list[Any]:
    """All of ``values``, or so many drawn without replacement, in their own order."""
    if len(values) <= count:
        return list(values)
    return [values[at] for at in sorted(draw.choice(len(values), size=count, replace=False))]


def _ends(
    moved: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The 95% t interval of each row's mean over texts."""
    from workbench.evaluate.intervals import t_quantile

    n = moved.shape[1]
    if n < 2:
        return np.zeros(len(moved)), np.full(len(moved), np.inf)
    mean = moved.mean(axis=1)
    reach = t_quantile(n - 1) * moved.std(axis=1, ddof=1) / np.sqrt(n)
    return mean - reach, mean + reach


def _bootstrap(
    moved: npt.NDArray[np.float64], limit: float, seed: int, resamples: int = 2000
) -> tuple[float, float]:
    """The 95% percentile interval of the share of dead layers, texts resampled."""
    texts = moved.shape[1]
    draw = np.random.default_rng([seed, 22])
    counts = draw.multinomial(texts, np.full(texts, 1 / texts), size=resamples)
    shares = (counts @ moved.T / texts < limit).mean(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def _words(parts: Mapping[str, Any], tolerance: float | None) -> str:
    dead, asked = parts["dead"], len(parts["layers"])
    named = f" ({', '.join(map(str, dead[:12]))}{', …' if len(dead) > 12 else ''})" if dead else ""
    words = f"{len(dead)} of {asked} layers can go unnoticed{named}"
    if asked < parts["of"]:
        words += f", of {parts['of']} in all"
    if tolerance is not None:
        words += f"; {tolerance:.0%} of repeated blocks are tolerated"
    return words + "."


def _rounded(values: Any) -> list[float | None]:
    """Six significant digits; None for what is not finite."""
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]
