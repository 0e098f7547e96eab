"""How likely a causal LM finds given texts, and given answers to prompts.

Rows of a batch are padded on the right: under a causal mask no token sees what comes after it, so
each row's numbers are those it has alone, whatever an architecture makes of positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: Rows of a batch, where nothing else is said.
BATCH_SIZE = 16

#: Entries of the logits that are held at once, but for a single long row: 1 GiB in 32 bits. Texts
#: of a thousand tokens over 150,000 words would not fit beside each other otherwise.
_LOGITS = 1 << 28
#: Entries of a row whose logarithms are taken at once.
_ENTRIES = 1 << 26

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class TokenScores:
    """A text token by token, all arrays of one length: one entry a token that has tokens before it.

    ``logprob`` is the natural logarithm of the token's probability given those before it; ``mean``
    and ``sd`` are those of the log-probability of a token drawn from the model at that place, so
    that ``(logprob - mean) / sd`` is the token's score in Min-K%++ (arXiv 2404.02936).
    """

    ids: NDArray[np.int64]
    logprob: Numbers
    mean: Numbers
    sd: Numbers

    def __len__(self) -> int:
        return len(self.ids)

    def since(self, start: int) -> TokenScores:
        """The same without the first ``start`` entries."""
        return TokenScores(
            self.ids[start:], self.logprob[start:], self.mean[start:], self.sd[start:]
        )


def token_scores(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    *,
    batch_size: int = BATCH_SIZE,
    max_tokens: int | None = None,
) -> list[TokenScores]:
    """Every text's tokens under the model, with the special tokens that the tokenizer puts before.

    Without such a token the first of a text has nothing before it and is not scored; a text of one
    token then has no scores. Texts longer than ``max_tokens`` are cut at the end.
    """
    rows = [encode(tokenizer, text)[:max_tokens] for text in texts]
    return score_ids(model, rows, batch_size=batch_size)


def answer_scores(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    answers: Sequence[str],
    *,
    batch_size: int = BATCH_SIZE,
) -> list[TokenScores]:
    """The tokens of each answer, given its prompt.

    A space is put between where the prompt does not end in white space. The two are encoded as one
    text, as the model would meet them; the answer begins at the first token that the prompt alone
    does not have. Raises ``ValueError`` for an empty answer or an empty prompt.
    """
    rows, starts = [], []
    for prompt, answer in zip(prompts, answers, strict=True):
        if not prompt or not answer.strip():
            raise ValueError("a prompt and an answer need at least one character each")
        ids = encode(tokenizer, prompt + after(prompt, answer))
        start = _common(ids, encode(tokenizer, prompt.rstrip(" ")))
        rows.append(ids)
        # The first token of a text has no probability, even where the answer begins with it.
        starts.append(max(start, 1))
    scores = score_ids(model, rows, batch_size=batch_size)
    return [each.since(start - 1) for each, start in zip(scores, starts, strict=True)]


def answer_logprob(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    answers: Sequence[str],
    *,
    batch_size: int = BATCH_SIZE,
) -> Numbers:
    """Log-probability of each answer given its prompt: the sum over :func:`answer_scores`."""
    scores = answer_scores(model, tokenizer, prompts, answers, batch_size=batch_size)
    return np.array([each.logprob.sum() for each in scores])


def after(prompt: str, answer: str) -> str:
    """``answer`` as it stands behind ``prompt``: with a space, unless white space is there."""
    gap = "" if prompt[-1:].isspace() or answer[:1].isspace() else " "
    return gap + answer


def encode(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Ids of a text that goes on: the tokenizer's own tokens before it, and none after it.

    A text that begins with those tokens already, as some chat templates write it, gets no second
    set of them.
    """
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    lead = _lead(tokenizer)
    return ids if ids[: len(lead)] == lead else lead + ids


def _lead(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The special tokens that the tokenizer puts before a text: BOS, for most that have any."""
    bare: list[int] = tokenizer("a", add_special_tokens=False)["input_ids"]
    full: list[int] = tokenizer("a")["input_ids"]
    for start in range(len(full) - len(bare) + 1):
        if full[start : start + len(bare)] == bare:
            return full[:start]
    return []


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the longest common beginning."""
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))


@contextmanager
def at_rest(model: PreTrainedModel) -> Iterator[None]:
    """The model in eval mode and no gradients while the block lasts."""
    import torch

    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def batches(
    lengths: Sequence[int], batch_size: int, most_tokens: int | None = None
) -> Iterator[list[int]]:
    """Indices in batches of like length, so that little is padded; each index comes once.

    A batch has at most ``batch_size`` rows and, padded, ``most_tokens`` tokens, or one row.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: (lengths[index], index)):
        # In this order, the newest row is the longest.
        wide = most_tokens is not None and (len(batch) + 1) * lengths[index] > most_tokens
        if batch and (len(batch) == batch_size or wide):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def score_ids(
    model: PreTrainedModel, rows: Sequence[Sequence[int]], *, batch_size: int = BATCH_SIZE
) -> list[TokenScores]:
    """:func:`token_scores` of texts that are encoded already."""
    import torch

    empty: Numbers = np.zeros(0)
    scores = [TokenScores(np.zeros(0, np.int64), empty, empty, empty) for _ in rows]
    vocabulary = model.get_input_embeddings().weight.shape[0]
    with at_rest(model):
        for batch in batches([len(row) for row in rows], batch_size, _LOGITS // vocabulary):
            width = max(len(rows[index]) for index in batch)
            if width < 2:
                continue
            # What is padded with is seen by no token that counts; 0 is an id in any vocabulary.
            ids = torch.zeros((len(batch), width), dtype=torch.long)
            mask = torch.zeros_like(ids)
            for place, index in enumerate(batch):
                ids[place, : len(rows[index])] = torch.tensor(rows[index])
                mask[place, : len(rows[index])] = 1
            here = {"input_ids": ids.to(model.device), "attention_mask": mask.to(model.device)}
            logits = model(**here, use_cache=False).logits
            for place, index in enumerate(batch):
                if len(rows[index]) > 1:
                    # Row by row: the logarithms of a batch need more memory than its logits.
                    row = logits[place, : len(rows[index]) - 1]
                    scores[index] = _row(row, here["input_ids"][place, 1 : len(rows[index])])
    return scores


def _row(logits: torch.Tensor, ids: torch.Tensor) -> TokenScores:
    """``logits`` are [tokens, vocabulary], ``ids`` the tokens that followed."""
    import torch

    parts = []
    for start in range(0, len(ids), max(1, _ENTRIES // logits.shape[-1])):
        stop = start + max(1, _ENTRIES // logits.shape[-1])
        logs = torch.log_softmax(logits[start:stop].float(), dim=-1)
        chances = logs.exp()
        # 0 · log 0 is 0 in an expectation; some models bar tokens with a logit of minus infinity.
        finite = logs.clamp(min=-1e4)
        mean = (chances * finite).sum(-1)
        variance = (chances * (finite - mean[:, None]) ** 2).sum(-1)
        logprob = logs.gather(-1, ids[start:stop].to(logs.device)[:, None])[:, 0]
        parts.append(torch.stack([logprob, mean, variance.sqrt()]).double().cpu().numpy())
    logprobs, means, spreads = np.concatenate(parts, axis=1)
    return TokenScores(ids.cpu().numpy(), logprobs, means, spreads)
