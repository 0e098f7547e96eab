"""The planted bases' shape, and the truth about them, measured the plain way.

One whole forward for one path, with no scheduler and no shared work, is what a scan is held
against. ``recipe.json`` beside the weights keeps what it found when the base was made.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.bases.tiny import hops_data
from workbench.bases.tiny.hops_data import Walk
from workbench.bases.tiny.tokenizer import build_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Visits = tuple[int, ...]

ARCH = "qwen2"
SIZE: dict[str, Any] = {
    "num_hidden_layers": 8,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
N_LAYERS: int = SIZE["num_hidden_layers"]

#: The planted block (i, j): layers 3 and 4.
BLOCK = (3, 5)


def block_path(block: tuple[int, int], times: int = 2) -> Visits:
    """The layer path that runs ``block`` so many times and all else once."""
    i, j = block
    return (*range(i), *(tuple(range(i, j)) * times), *range(j, N_LAYERS))


def other_blocks() -> list[tuple[int, int]]:
    """Every block but the planted one."""
    blocks = [(i, j) for i in range(N_LAYERS) for j in range(i + 1, N_LAYERS + 1)]
    return [block for block in blocks if block != BLOCK]


class Runner:
    """A model along any path: each path's own modules, over the one model's parameters."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._along: dict[Visits, PreTrainedModel] = {}

    def along(self, path: Visits) -> PreTrainedModel:
        from workbench.bases.share import share
        from workbench.relayer.reference import apply_path

        if path not in self._along:
            view = share(self._model)
            apply_path(view, path)
            self._along[path] = view
        return self._along[path]


def accuracy(model: PreTrainedModel, path: Visits, walks: Sequence[Walk]) -> list[bool]:
    """For each held-out walk, all of one length: is its end the likeliest of the places?

    The plain way, to hold a scan against: one whole forward of one path, and no scheduler.
    """
    import torch

    tokenizer = build_tokenizer()
    places = tokenizer.convert_tokens_to_ids(list(hops_data.PLACES))
    ids = torch.tensor([tokenizer.encode(hops_data.prompt(walk)) for walk in walks])
    with torch.no_grad():
        logits = Runner(model).along(path)(input_ids=ids, use_cache=False).logits[:, -1, places]
    said = [hops_data.PLACES[at] for at in logits.argmax(-1).tolist()]
    return [place == hops_data.end(walk) for place, walk in zip(said, walks, strict=True)]


def truth(
    model: PreTrainedModel, hops: Sequence[int] = hops_data.ASKED, most: int = 1000
) -> dict[str, Any]:
    """Shares of held-out walks gone rightly: every length as it is, and every block run twice."""
    walks = {
        n: random.Random(f"truth {n}").sample(all_, min(most, len(all_)))
        for n in hops
        for all_ in [hops_data.held_out_walks(n, "probe")]
    }

    def shares(path: Visits) -> dict[int, float]:
        right = {n: accuracy(model, path, asked) for n, asked in walks.items()}
        return {n: sum(found) / len(found) for n, found in right.items()}

    def mean(path: Visits) -> float:
        found = shares(path)
        return round(sum(found.values()) / len(found), 4)

    blocks = [BLOCK, *other_blocks()]
    return {
        "walks": {str(n): len(asked) for n, asked in walks.items()},
        "base": mean(block_path(BLOCK, 1)),
        "blocks": {f"{i},{j}": mean(block_path((i, j))) for i, j in sorted(blocks)},
        "by_hops": {
            f"planted block x{times}": {
                str(n): round(x, 4) for n, x in shares(block_path(BLOCK, times)).items()
            }
            for times in (1, 2, 3)
        },
    }
