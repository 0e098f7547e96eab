"""The normal forms of an example: what every data set type becomes before it is tokenised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]


class RowError(ValueError):
    """A row that cannot be trained on; the text says what is wrong with it."""


@dataclass(frozen=True)
class Text:
    """Plain text; every token is trained on."""

    text: str


@dataclass(frozen=True)
class Pair:
    """A prompt and its completion as plain text, without chat template."""

    prompt: str
    completion: str


@dataclass(frozen=True)
class Chat:
    """A conversation. Assistant messages from index ``first`` on are trained on."""

    messages: tuple[Message, ...]
    first: int = 0
    tools: list[Any] | None = None


@dataclass(frozen=True)
class Preference:
    """One prompt with a better and a worse answer: all three text, or all three messages."""

    prompt: str | tuple[Message, ...]
    chosen: str | tuple[Message, ...]
    rejected: str | tuple[Message, ...]


Sample = Text | Pair | Chat | Preference
