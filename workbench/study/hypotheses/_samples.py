"""Texts that a base writes by itself, which stand for the corpus that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workbench.bases.stops import stop_ids
from workbench.study.hypotheses._texts import Ids, Texts, draw
from workbench.study.questions.likelihood import at_rest, encode
from workbench.study.subject import Subject

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def own_texts(
    subject: Subject, model: PreTrainedModel, count: int, tokens: int, rows: int
) -> Texts:
    """``count`` texts of at most ``tokens`` tokens, drawn from ``model`` at temperature 1.

    Each goes on from the first token of an item's question (of a short text of this project, where
    there are no items), behind what the tokenizer puts before a text. All that comes after is the
    base's own, whatever it has read and in whatever form items are asked. The draws depend on the
    subject's seed; ``rows`` texts are written at once.
    """
    stops = set(stop_ids(subject.tokenizer, model.generation_config))
    items = [*subject.fresh] or [*subject.suspect]
    if items:
        openings = [item.question for item in draw(items, count, subject.seed)]
    else:
        from workbench.scan.anatomy.corpus import load

        openings = list(load("texts"))
    starts = [start for text in openings if (start := _start(subject, text))]
    chances = np.random.default_rng([subject.seed, 12]).random((count, tokens))
    texts: list[Ids] = []
    for at in range(0, count, rows):
        some = [starts[place % len(starts)] for place in range(at, min(count, at + rows))]
        texts.extend(write_on(model, some, chances[at : at + rows], tokens, stops))
    return Texts(tuple(texts), f"{len(texts)} texts that the base wrote itself")


def write_on(
    model: PreTrainedModel,
    starts: Sequence[Ids],
    chances: npt.NDArray[np.float64],
    tokens: int,
    stops: Set[int],
) -> list[Ids]:
    """Each of ``starts`` (of one length) written on up to ``tokens`` tokens, its stop included.

    ``chances`` [starts, tokens] are numbers in [0, 1): the next token is the first at which the
    running sum of probabilities passes the row's number.
    """
    import torch

    device = model.get_input_embeddings().weight.device
    ids = torch.tensor(starts, device=device)
    with at_rest(model):
        for step in range(ids.shape[1], tokens):
            logits = model(input_ids=ids, use_cache=False).logits[:, -1].float()
            sums = logits.softmax(-1).cumsum(-1)
            drawn = torch.tensor(chances[:, step, None], dtype=sums.dtype, device=sums.device)
            # Rounding may leave the last sum short of 1.
            place = torch.searchsorted(sums, drawn * sums[:, -1:], right=True)
            place = place.clamp(max=logits.shape[-1] - 1)
            ids = torch.cat([ids, place.to(device)], dim=1)
            if all(stops & set(row) for row in ids[:, len(starts[0]) :].tolist()):
                break
    return [_ended(row, len(starts[0]), stops) for row in ids.tolist()]


def _start(subject: Subject, text: str) -> Ids:
    """The first token of ``text``, with those that the tokenizer puts before any."""
    bare = subject.tokenizer(text, add_special_tokens=False)["input_ids"]
    ids = encode(subject.tokenizer, text)
    return tuple(ids[: len(ids) - len(bare) + 1])


def _ended(row: Sequence[int], start: int, stops: Set[int]) -> Ids:
    """``row`` up to its first stop from ``start`` on, which it keeps."""
    end = next((at for at in range(start, len(row)) if row[at] in stops), len(row) - 1)
    return tuple(row[: end + 1])
