"""Questions for one forward pass, and what their replies amount to."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.errors import user_error
from workbench.scan.probes.encode import Encoder, Ids
from workbench.scan.schedule.request import Reading, Reply

DIGITS = tuple("0123456789")


def continuation_reading(context: Ids, continuation: Ids, window: int | None = None) -> Reading:
    """The log-probability of every token of ``continuation`` after ``context``.

    With a ``window`` the tokens are cut on the left until they fit, as lm-eval does.

    Raises:
        UserError: there is nothing to read, nothing to read it from, or no room in the window.
    """
    if not context or not continuation:
        raise user_error(
            f"a question has {len(context)} tokens of context and {len(continuation)} of answer",
            "each needs one at least; the tokenizer may have dropped all of its characters",
            "check this item's text",
        )
    if window is not None and len(continuation) > window:
        raise user_error(
            f"an answer has {len(continuation)} tokens and the model's window {window}",
            "",
            "shorten it, or cut it into several items",
        )
    tokens = (context + continuation)[:-1]
    if window is not None:
        tokens = tokens[-window:]
    first = len(tokens) - len(continuation)
    return Reading(
        tokens,
        tuple(range(first, len(tokens))),
        tuple((token,) for token in continuation),
    )


def total(reply: Reply) -> float:
    """The summed log-likelihood (nats) of a continuation; NaN where the model overflowed."""
    return math.fsum(row[0] for row in reply.logprobs)


def mean(reply: Reply) -> float:
    """The log-likelihood per token (nats) of a continuation."""
    return total(reply) / len(reply.logprobs)


def rating_reading(encoder: Encoder, framed: str) -> Reading:
    """The probabilities of the ten digits as the next thing after a framed prompt.

    The digits' ids are found by encoding them where they would stand: where a tokenizer writes the
    space before a digit as a token of its own, that token joins the prompt.

    Raises:
        UserError: the digits are not single tokens of this tokenizer.
    """
    for space in dict.fromkeys((encoder.space, "", " ")):
        whole = [encoder.encode(framed + space + digit) for digit in DIGITS]
        opening = whole[0][:-1]
        last = [ids[-1] for ids in whole]
        if opening and all(ids[:-1] == opening for ids in whole) and len(set(last)) == len(DIGITS):
            return Reading(opening, (len(opening) - 1,), (tuple(last),))
    raise user_error(
        "this tokenizer does not write the digits 0 to 9 as single tokens",
        "a rating is read from the probabilities of the ten digits",
        "leave probes that ask for a rating (logit-rating, emotion) out of this model's scan",
    )


def digit_probabilities(logprobs: Sequence[float]) -> list[float]:
    """p(0) … p(9), renormalised over the digits alone; all NaN where they cannot be."""
    top = max(logprobs)
    if math.isnan(sum(logprobs)) or math.isinf(top):
        return [math.nan] * len(logprobs)
    weights = [math.exp(value - top) for value in logprobs]
    whole = math.fsum(weights)
    return [weight / whole for weight in weights]


def expected_digit(logprobs: Sequence[float]) -> tuple[float, float]:
    """Mean Σ k·p(k) and variance Σ (k - mean)²·p(k) of the digit that a model would say."""
    chances = digit_probabilities(logprobs)
    middle = math.fsum(k * p for k, p in enumerate(chances))
    return middle, math.fsum((k - middle) ** 2 * p for k, p in enumerate(chances))
