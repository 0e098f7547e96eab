"""The anatomy of a model: all figures, in one sweep over its layers and one over its blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workbench.evaluate.intervals import Interval, t_quantile
from workbench.progress import Progress, Silent, Tick
from workbench.scan.anatomy.corpus import Corpus, Ids, make_corpus
from workbench.scan.anatomy.displacement import (
    BLOCK_TEXTS,
    BLOCK_TOKENS,
    block_displacement,
    displacement,
    most_runs,
)
from workbench.scan.anatomy.influence import block_influence, norm_growth
from workbench.scan.anatomy.languages import agreement, pooled
from workbench.scan.anatomy.lens import lens_entropies
from workbench.scan.anatomy.screens import METHOD
from workbench.scan.anatomy.similarity import cosines
from workbench.scan.anatomy.states import Texts, words
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.limits import Limits

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

#: Figures with a value a layer and text, in the order in which they are shown.
OF_TEXTS = ("block influence", "displacement", "lens entropy", "norm growth")
LANGUAGES = "language agreement"

#: Shares of the budget: states of texts at every depth, blocks on their way, sentences. What a
#: layer makes inside and the logits have shares of their own in ``Limits``.
_STACK, _BLOCKS, _SENTENCES = 0.25, 0.25, 0.1


def measure_anatomy(
    decoder: Decoder,
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int,
    budget_bytes: int,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """All figures of the model in ``decoder``, ready for JSON; each layer is opened at most twice.

    Returns:
        ``layers``: by figure a value for each layer (language agreement and lens entropy: of the
        state after it); ``intervals`` and ``n``: the 95% interval of each value over texts
        (language agreement: over sentences), and how many they were; ``similarity``: [N+1, N+1],
        cosines between depths; ``blocks``: by figure [N+1, N+1], the value of block (i, j) in row
        i, column j; ``notes``. None where a value is not defined or not a finite number.
    """
    config = decoder.stack.config
    window = getattr(config, "max_position_embeddings", None)
    corpus = make_corpus(tokenizer, vocabulary=config.vocab_size, window=window, seed=seed)
    sweep = _Sweep(decoder, corpus, budget_bytes)
    with (progress or Silent()).bar("Anatomy", 2 * decoder.n_layers) as tick:
        sweep.run(tick)
        blocks = sweep.blocks(tick)
    return sweep.summary(blocks)


class _Sweep:
    """One pass over the layers with all texts and sentences."""

    def __init__(self, decoder: Decoder, corpus: Corpus, budget_bytes: int) -> None:
        self.decoder, self.n = decoder, decoder.n_layers
        self.notes = list(corpus.notes)
        self.limits = Limits.of(decoder, budget_bytes)
        self.state_bytes = decoder.model.dtype.itemsize * decoder.stack.config.hidden_size
        self.budget = budget_bytes
        self.ids = self._affordable(corpus.texts)
        self.languages = list(corpus.sentences)
        self.sentences = [ids for lines in corpus.sentences.values() for ids in lines]
        if len(self.languages) < 2:
            self.notes.append(f"No {LANGUAGES}: it takes two languages that the tokenizer reads.")
            self.sentences = []
        elif sum(map(len, self.sentences)) * self.state_bytes > _SENTENCES * budget_bytes:
            self.notes.append(f"No {LANGUAGES}: its sentences do not fit into memory_gib.")
            self.sentences = []
        self.values = {name: np.full((self.n, len(self.ids)), np.nan) for name in OF_TEXTS}
        self.agreement: list[tuple[float, Interval]] = []
        self.stack: list[list[torch.Tensor]] = []

    def run(self, tick: Tick) -> None:
        """Every layer once (its displacement: twice) over all texts; the stack is kept."""
        import torch

        texts = Texts(self.decoder, self.ids, self.limits.call_tokens)
        sentences = Texts(self.decoder, self.sentences, self.limits.call_tokens)
        self.stack = [[text.cpu() for text in texts.states()]]
        for k in range(self.n):
            before = texts.states()
            with self.decoder.layer(k), torch.no_grad():
                texts.advance(k)
                sentences.advance(k)
                twice = texts.again(k)
            after = texts.states()
            for t, each in enumerate(zip(before, after, twice, strict=True)):
                h, once, again = map(words, each)
                self.values["block influence"][k, t] = block_influence(h, once)
                self.values["norm growth"][k, t] = norm_growth(h, once)
                self.values["displacement"][k, t] = displacement(h, once, again)
            if self.ids:
                rows = lens_entropies(self.decoder, after, self.limits.head_rows)
                self.values["lens entropy"][k] = rows
            if self.sentences:
                vectors = pooled(sentences.states(), len(self.languages))
                self.agreement.append(agreement(vectors))
            self.stack.append([text.cpu() for text in after])
            tick()

    def blocks(self, tick: Tick) -> npt.NDArray[np.float64] | None:
        """The displacement of every block, if one text under all of them fits into the budget."""
        width = max((len(ids) for ids in self.ids[:BLOCK_TEXTS]), default=0)
        width = min(BLOCK_TOKENS, width)
        each = most_runs(self.n) * width * self.state_bytes
        count = min(BLOCK_TEXTS, int(_BLOCKS * self.budget / each)) if each else 0
        kept = [t for t, ids in enumerate(self.ids) if len(ids) >= width][:count]
        if not kept:
            self.notes.append("No displacement of blocks: it does not fit into memory_gib.")
            tick(self.n)
            return None
        ids = [self.ids[t][:width] for t in kept]
        stack = [[at[t] for t in kept] for at in self.stack]
        self.notes.append(
            f"The displacement of blocks is the mean of {len(kept)} texts of {width} tokens."
        )
        return block_displacement(self.decoder, ids, stack, self.limits.call_tokens, tick)

    def summary(self, blocks: npt.NDArray[np.float64] | None) -> dict[str, Any]:
        """What :func:`measure_anatomy` returns."""
        layers: dict[str, list[float | None]] = {}
        intervals: dict[str, list[list[float] | None]] = {}
        for name, values in self.values.items():
            found = [_over_texts(row) for row in values]
            layers[name] = [_number(mean) for mean, _ in found]
            intervals[name] = [_pair(interval) for _, interval in found]
        nothing: list[tuple[float, Interval | None]] = [(math.nan, None)] * self.n
        found = list(self.agreement) or nothing
        layers[LANGUAGES] = [_number(value) for value, _ in found]
        intervals[LANGUAGES] = [_pair(interval) for _, interval in found]
        for name, row in layers.items():
            holes = [str(k) for k, value in enumerate(row) if value is None]
            if holes and (name != LANGUAGES or self.agreement):
                self.notes.append(
                    f"No {name} at layer {', '.join(holes)}: the hidden states there are not all "
                    "finite, or the layer changes nothing."
                )
        sentences = len(self.sentences) // max(1, len(self.languages))
        return {
            "layers": layers,
            "intervals": intervals,
            "n": {**{name: len(self.ids) for name in OF_TEXTS}, LANGUAGES: sentences},
            "similarity": _rows(cosines(self.stack)) if self.ids else [],
            "blocks": {"displacement": _rows(blocks)} if blocks is not None else {},
            "notes": [self._what(), *self.notes, METHOD],
        }

    def _affordable(self, texts: Sequence[Ids]) -> list[Ids]:
        """The first texts whose states fit, at every depth, into their share of the budget."""
        room = int(_STACK * self.budget / self.state_bytes / (self.n + 1))
        ends = np.cumsum([len(text) for text in texts])
        kept = list(texts[: int((ends <= room).sum())])
        if not kept:
            self.notes.append("No figures of layers: not one text fits into memory_gib.")
        elif len(kept) < len(texts):
            self.notes.append(f"Only {len(kept)} of {len(texts)} texts fit into memory_gib.")
        return kept

    def _what(self) -> str:
        tokens = sum(map(len, self.ids))
        return (
            f"Means over {len(self.ids)} short texts, {tokens} tokens in all; the first token of "
            f"each is left out. {LANGUAGES.capitalize()} and lens entropy are of the state after a "
            "layer."
        )


def _over_texts(values: npt.NDArray[np.float64]) -> tuple[float, Interval | None]:
    """The mean over texts and its 95% t interval; NaN where any text has no finite value."""
    if not values.size or not np.isfinite(values).all():
        return math.nan, None
    mean = float(values.mean())
    if values.size < 2:
        return mean, None
    reach = t_quantile(values.size - 1) * float(values.std(ddof=1)) / math.sqrt(values.size)
    return mean, (mean - reach, mean + reach)


def _number(value: float) -> float | None:
    """Six significant digits, which is what float32 carries; None for what is not finite."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _pair(interval: Interval | None) -> list[float] | None:
    if interval is None or not all(map(math.isfinite, interval)):
        return None
    return [float(f"{end:.6g}") for end in interval]


def _rows(matrix: npt.NDArray[np.float64]) -> list[list[float | None]]:
    return [[_number(value) for value in row] for row in matrix.tolist()]
