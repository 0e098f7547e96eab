"""The tokens at which a model stops writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedTokenizerBase


def stop_ids(
    tokenizer: PreTrainedTokenizerBase | None, generation: GenerationConfig | None
) -> list[int]:
    """Ids that end an answer: the tokenizer's EOS, then those of the generation settings."""
    own = None if tokenizer is None else tokenizer.eos_token_id
    return distinct(own, None if generation is None else generation.eos_token_id)


def distinct(*given: int | list[int] | None) -> list[int]:
    """``eos_token_id`` values, each an id, a list of ids or none, as one list without repeats."""
    listed = [one if isinstance(one, list) else [one] for one in given]
    return list(dict.fromkeys(int(i) for ids in listed for i in ids if i is not None))
