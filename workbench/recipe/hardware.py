"""GPUs by their makers' data sheets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import Field
from ruamel.yaml import YAML

from workbench.errors import user_error
from workbench.likely import did_you_mean
from workbench.schema import Strict

_FILE = Path(__file__).with_name("hardware.yaml")

_MAKER = ("nvidia", "geforce")


@dataclass(frozen=True)
class Card:
    """A GPU by its maker's data sheet: bytes, operations a second and bytes a second.

    ``flops`` are dense 16-bit tensor-core operations with sums in float32.
    """

    name: str
    memory: int
    flops: float
    bandwidth: float
    source: str


class _Row(Strict):
    name: str
    memory_gb: float
    tflops: float
    bandwidth_gbs: float
    source: str
    like: list[str] = Field(default_factory=list)


def cards() -> dict[str, Card]:
    """Every card there is data for, by name."""
    return {row.name: _card(row) for row in _rows()}


def known_card(name: str) -> Card | None:
    """The card that ``nvidia-smi`` or a person calls ``name``; ``None`` where none is meant."""
    wanted = _plain(name)
    for row in _rows():
        if wanted in {_plain(word) for word in (row.name, *row.like)}:
            return _card(row)
    return None


def card_named(name: str) -> Card:
    """The card that is meant by ``name``; case, blanks and dashes do not matter.

    Raises:
        UserError: no such card; the message lists those there are.
    """
    card = known_card(name)
    if card is not None:
        return card
    shown = name.strip()[:60]
    near = [row.name for row in _rows() if _plain(name) and _plain(name) in _plain(row.name)]
    remedy = f"did you mean {' or '.join(near)}?" if near else did_you_mean(shown, _words())
    raise user_error(
        f"no figures for a card called {shown!r}",
        f"there are: {', '.join(cards())}",
        remedy or "name one of these, with a number before it for several: 2xRTX-4090",
    )


@lru_cache(maxsize=1)
def _rows() -> tuple[_Row, ...]:
    with _FILE.open(encoding="utf-8") as stream:
        return tuple(_Row.model_validate(row) for row in YAML(typ="safe", pure=True).load(stream))


def _card(row: _Row) -> Card:
    # Makers count a card's memory in GiB and write GB.
    return Card(
        row.name,
        int(row.memory_gb * 2**30),
        row.tflops * 1e12,
        row.bandwidth_gbs * 1e9,
        row.source,
    )


def _words() -> list[str]:
    return [word for row in _rows() for word in (row.name, *row.like)]


def _plain(name: str) -> str:
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word not in _MAKER]
    return "".join(words)
