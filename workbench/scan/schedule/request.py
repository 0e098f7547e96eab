"""What a probe asks of a model, and what it gets back: token ids in, numbers or token ids out.

Everything between a probe and the scheduler is one of these four, so that neither knows the other.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """A question that one forward pass answers.

    ``tokens`` are run as they are. At each index ``positions[a]`` the distribution over the *next*
    token is read: the log-probability of every id in ``targets[a]``.
    """

    tokens: tuple[int, ...]
    positions: tuple[int, ...]
    targets: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if not self.tokens:
            raise ValueError("a reading has one token at least")
        if len(self.positions) != len(self.targets):
            raise ValueError("a reading has targets for each of its positions")
        if any(not 0 <= at < len(self.tokens) for at in self.positions):
            raise ValueError(f"a position lies outside the {len(self.tokens)} tokens")


@dataclass(frozen=True)
class Reply:
    """The answer to a :class:`Reading`.

    ``logprobs[a][b]`` is the natural log of the probability of ``targets[a][b]``; ``greedy[a]`` the
    most likely id. Where a model overflowed, its log-probabilities are NaN and greedy is -1.
    """

    logprobs: tuple[tuple[float, ...], ...]
    greedy: tuple[int, ...]


@dataclass(frozen=True)
class Generation:
    """A question that needs decoding: greedy, until one of ``stop_ids`` or the limit."""

    tokens: tuple[int, ...]
    max_new_tokens: int
    stop_ids: frozenset[int]

    def __post_init__(self) -> None:
        if not self.tokens:
            raise ValueError("a generation starts from one token at least")
        if self.max_new_tokens < 1:
            raise ValueError("a generation makes one token at least")


@dataclass(frozen=True)
class Text:
    """The answer to a :class:`Generation`: the new ids, without the stop id.

    ``overflow`` says that a NaN appeared in the logits; the ids are those before it.
    """

    tokens: tuple[int, ...]
    overflow: bool = False
