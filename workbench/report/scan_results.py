"""``scan.json`` as the report sees it: every missing number a ``None``. ``scan_read`` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Interval = tuple[float | None, float | None]
NOTHING: Interval = (None, None)


@dataclass(frozen=True)
class ProbeFacts:
    """A probe: what it is called, its main metric, how many items judged the paths."""

    name: str
    metric: str
    items: int | None
    held_out: int | None
    needs_generation: bool
    floors: dict[str, float]


@dataclass(frozen=True)
class Measure:
    """A path on one probe's search items. ``gain`` is paired against the base."""

    score: float | None
    ci95: Interval
    n: int | None
    overflow: int
    gain: float | None
    gain_ci95: Interval
    q: float | None


@dataclass(frozen=True)
class Row:
    """A measured path. ``combined`` is its gain over all probes, in SDs over the paths."""

    path: str
    extra: int | None
    block: tuple[int, int] | None
    repeat: tuple[int, int] | None
    search: str
    raced: bool
    scores: dict[str, Measure]
    combined: float | None
    combined_ci95: Interval
    q: float | None

    def gain(self, probe: str | None) -> float | None:
        """The gain on a probe, or combined."""
        if probe is None:
            return self.combined
        return self.scores[probe].gain if probe in self.scores else None

    def gain_ci95(self, probe: str | None) -> Interval:
        """The 95% interval of :meth:`gain`."""
        if probe is None:
            return self.combined_ci95
        return self.scores[probe].gain_ci95 if probe in self.scores else NOTHING

    def overflowed(self, probe: str | None) -> bool:
        """Whether numbers became NaN on some item, of that probe or of any."""
        chosen = self.scores.values() if probe is None else [self.scores.get(probe)]
        return any(measure is not None and measure.overflow > 0 for measure in chosen)


@dataclass(frozen=True)
class HeldOut:
    """A winner on one probe's held-out items."""

    gain: float | None
    ci95: Interval
    p: float | None
    n: int | None
    score: float | None
    base: float | None


@dataclass(frozen=True)
class Winner:
    """A path chosen on the search items and measured again on others. Gains are combined ones."""

    path: str
    extra: int | None
    search_gain: float | None
    search_ci95: Interval
    held_out: dict[str, HeldOut]
    gain: float | None
    ci95: Interval
    p: float | None
    p_adjusted: float | None
    confirmed: bool


@dataclass(frozen=True)
class FrontPoint:
    """A point of the Pareto front of gain against extra layers."""

    path: str
    extra: int | None
    gain: float | None
    ci95: Interval
    held_out: bool


@dataclass(frozen=True)
class Screen:
    """How well a cheap figure ranks the blocks as measurement did."""

    figure: str
    spearman: float | None
    ci95: Interval
    n: int | None
    top_block: tuple[int, int] | None
    rank_of_measured_best: float | None


@dataclass(frozen=True)
class Scan:
    """A whole scan."""

    n_layers: int
    probes: tuple[ProbeFacts, ...]
    base: str
    rows: tuple[Row, ...]
    winners: tuple[Winner, ...]
    front: tuple[FrontPoint, ...]
    screens: tuple[Screen, ...]
    layers: dict[str, list[float | None]]
    similarity: list[list[float | None]]
    parts: Mapping[str, Any]

    def part(self, name: str) -> dict[str, Any]:
        """A part that is an object, empty where it is missing."""
        found = self.parts.get(name)
        return found if isinstance(found, dict) else {}
