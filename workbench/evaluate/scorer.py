"""lm-eval's model class over a model in memory, reporting to our progress."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lm_eval.models.huggingface import HFLM

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class _AnsweredHook:
    """Stands where lm-eval keeps its response cache: called once for every answered request."""

    def __init__(self, answered: Callable[[], None]) -> None:
        self._answered = answered

    def add_partial(self, attr: str, req: object, res: object) -> None:
        self._answered()


class Scorer(HFLM):
    """``HFLM`` on a loaded model, without bars of its own."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch_size: int
    ) -> None:
        if tokenizer.pad_token_id is None:
            # HFLM chooses a padding token and would write it into the caller's tokenizer.
            tokenizer = copy.deepcopy(tokenizer)
        super().__init__(
            pretrained=model, tokenizer=tokenizer, batch_size=batch_size, backend="causal"
        )

    def on_answer(self, answered: Callable[[], None]) -> None:
        """Call ``answered`` after each request."""
        self.set_cache_hook(_AnsweredHook(answered))

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = True) -> Any:
        return super().loglikelihood(requests, disable_tqdm=True)

    def generate_until(self, requests: list[Any], disable_tqdm: bool = True) -> Any:
        return super().generate_until(requests, disable_tqdm=True)
