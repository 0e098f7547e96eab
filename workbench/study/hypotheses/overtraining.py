"""Over-training: is the base so finely tuned to its pretraining that any change breaks it?

Springer et al. 2025, "Overtrained Language Models Are Harder to Fine-Tune" (arXiv 2503.19206): the
longer a model was pretrained, the more Gaussian noise on its weights raises its loss, and the more
fine-tuning makes it forget.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from workbench.study.hypotheses._noise import shaken, unfit
from workbench.study.hypotheses._predictions import Predictions
from workbench.study.hypotheses._samples import own_texts
from workbench.study.hypothesis import Finding, Hypothesis, Need
from workbench.study.subject import Subject

#: The rise of the loss, in nats a token, whose noise is told beside the slope.
RISE = 0.1
#: A base is called over-trained where its slope is so many times the median of the others …
RATIO = 5.0
#: … and, in log10, so many robust standard deviations above it.
DEVIATIONS = 3.0
#: The fewest other bases that say what is usual.
PEERS = 3


class Overtraining(Hypothesis):
    """The slope of the loss in the size of Gaussian noise on the weights."""

    name: ClassVar[str] = "overtraining"
    title: ClassVar[str] = "Over-training"
    question: ClassVar[str] = (
        "Is the base so finely tuned to its pretraining that small changes of its weights break it?"
    )
    statistic: ClassVar[str] = "log10 of the rise of the loss per squared relative weight noise"
    unit: ClassVar[str] = "log10 nats"
    procedure: ClassVar[str] = (
        "Every weight matrix W becomes W + size · RMS(W) · N(0, 1), at each of several sizes, over "
        "several draws. Nobody has the base's pretraining corpus, and texts that are strange to it "
        "bend the measure; so the base writes the texts itself, each from the first token of an "
        "item. The loss on them is averaged over what the base might have written at each place, "
        "which makes its rise a divergence: KL(base || shaken base). The rise over size squared, "
        "by least squares through the origin, is a slope, one for each text and draw; the mean of "
        "their log10 is the statistic, so that a few fragile texts do not decide. The rise of the "
        "plain loss stands beside it. The weights are put back bit for bit."
    )
    rule: ClassVar[str] = (
        f"Fires where the slope is at least {RATIO:g} times the median of the other bases and, in "
        f"log10, {DEVIATIONS:g} robust standard deviations (1.4826 MAD) above it, with the lower "
        f"end of its own interval above the median too. Undecided with fewer than {PEERS} others: "
        "a slope means nothing alone."
    )
    cost: ClassVar[str] = (
        "`tokens` passes to write the texts, sizes x draws + 1 over them, and as many fillings of "
        "the weights; a copy of the weights in main memory, and the base's predictions (texts x "
        "tokens x vocabulary x 4 bytes)"
    )
    paper: ClassVar[str] = "arXiv 2503.19206"
    control: ClassVar[tuple[str, ...]] = ("overtrained",)
    sign: ClassVar[int] = -1
    margin: ClassVar[float] = 0.1
    needs: ClassVar[tuple[Need, ...]] = ()
    options: ClassVar[Mapping[str, Any]] = {
        "sizes": (0.01, 0.02, 0.04),
        "draws": 8,
        "texts": 32,
        "tokens": 64,
        "batch_size": 16,
    }

    def measure(self, subject: Subject) -> Finding:
        """The slope over draws and texts; no value for quantised weights."""
        options = {**self.options, **subject.options}
        model = subject.model()
        why = unfit(model)
        if why is not None:
            return Finding(None, None, 0, f"Not measured: noise cannot be put on it, {why}.")
        sizes, draws = [float(size) for size in options["sizes"]], int(options["draws"])
        count, rows = int(options["texts"]), int(options["batch_size"])
        texts = own_texts(subject, model, count, int(options["tokens"]), rows)
        clean = Predictions(model, texts.ids, rows)
        moved = np.empty((len(sizes), draws, len(texts.ids)))
        loss = np.empty_like(moved)
        with (
            subject.progress.bar("Weight noise", len(sizes) * draws) as tick,
            shaken(model, subject.seed) as shake,
        ):
            for at, size in enumerate(sizes):
                for draw in range(draws):
                    shake(size, draw)
                    shift = clean.against(model)
                    moved[at, draw], loss[at, draw] = shift.moved, shift.loss - clean.loss
                    tick()
        each = slopes(sizes, moved)
        parts: dict[str, Any] = {
            "sizes": sizes,
            "rise": _finite(moved.mean(axis=(1, 2))),
            "rise_on_texts": _finite(loss.mean(axis=(1, 2))),
            "loss": _finite([clean.loss.mean()])[0],
            "draws": draws,
            "texts": texts.source,
        }
        n = len(texts.ids)
        if not np.isfinite(each).all():
            words = "Not measured: its predictions are not finite numbers."
            return Finding(None, None, n, words, parts)
        if not (each > 0).all():
            words = "Not measured: noise on its weights does not change what it predicts."
            return Finding(None, None, n, words, parts)
        value, error, freedom = two_way(np.log10(each))
        slope = 10**value
        noise = math.sqrt(RISE / slope)
        parts |= {"slope": slope, "noise_at_rise": noise}
        words = (
            f"Noise of {100 * noise:.2g}% of each matrix' RMS costs {RISE:g} nats a token "
            f"(slope {slope:.3g})."
        )
        if not freedom:
            return Finding(value, None, n, words, parts)
        from workbench.evaluate.intervals import t_quantile

        reach = t_quantile(freedom) * error
        return Finding(value, (value - reach, value + reach), n, words, parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        """Far above the other bases, by ratio and by a robust measure of their spread."""
        others = np.array([peer.value for peer in peers if peer.value is not None])
        if finding.value is None or len(others) < PEERS:
            return None
        centre = float(np.median(others))
        spread = 1.4826 * float(np.median(np.abs(others - centre)))
        above = finding.value - centre
        low = finding.ci95[0] if finding.ci95 is not None else finding.value
        return bool(above >= math.log10(RATIO) and above >= DEVIATIONS * spread and low > centre)


def slopes(sizes: Sequence[float], rises: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rises [sizes, draws, texts] over squared sizes, by least squares through the origin."""
    squared = np.square(np.asarray(sizes, dtype=float))
    found: npt.NDArray[np.float64] = np.tensordot(squared, rises, axes=1) / np.sum(squared**2)
    return found


def two_way(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """The mean of values [draws, texts], its standard error, and the degrees of freedom.

    Both draws and texts are samples. The sum of the two one-way variances of the mean, which counts
    what neither explains twice and so errs on the safe side (Owen 2007, "The pigeonhole bootstrap",
    doi:10.1214/07-AOAS122); degrees of freedom after Satterthwaite. No freedom with a single draw
    or text.
    """
    parts, freedoms = [], []
    for axis in (0, 1):
        means = values.mean(axis=axis)
        if len(means) < 2:
            return float(values.mean()), math.nan, 0.0
        parts.append(float(means.var(ddof=1)) / len(means))
        freedoms.append(len(means) - 1)
    variance = sum(parts)
    below = sum(part**2 / freedom for part, freedom in zip(parts, freedoms, strict=True))
    freedom = variance**2 / below if below > 0 else float(min(freedoms))
    return float(values.mean()), math.sqrt(variance), freedom


def _finite(values: Iterable[float]) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]
