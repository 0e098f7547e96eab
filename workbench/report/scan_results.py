"""``scan.json`` as the report reads it: typed, lenient, every missing number a ``None``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Interval = tuple[float | None, float | None]
NOTHING: Interval = (None, None)

#: No map is drawn larger, whatever a damaged file says.
MOST_LAYERS = 1000


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
        return _mapping(self.parts.get(name))


def read_scan(scan: Mapping[str, Any]) -> Scan:
    """``scan`` typed. What is missing or of another type is left out, never an error."""
    anatomy = _mapping(scan.get("anatomy"))
    rows = tuple(_row(row) for row in _dicts(scan.get("paths")))
    return Scan(
        n_layers=_layers(whole(scan.get("n_layers")), rows),
        probes=tuple(_probe(probe) for probe in _dicts(scan.get("probes"))),
        base=str(scan.get("base") or ""),
        rows=rows,
        winners=tuple(_winner(winner) for winner in _dicts(scan.get("winners"))),
        front=tuple(_front(point) for point in _dicts(scan.get("pareto"))),
        screens=tuple(_screen(screen) for screen in _dicts(anatomy.get("screens"))),
        layers={
            str(name): [number(value) for value in values]
            for name, values in _mapping(anatomy.get("layers")).items()
            if isinstance(values, list)
        },
        similarity=[
            [number(value) for value in values]
            for values in _list(anatomy.get("similarity"))
            if isinstance(values, list)
        ],
        parts=scan,
    )


def number(value: object) -> float | None:
    """A finite number, or ``None``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def whole(value: object) -> int | None:
    """A finite number as an integer, or ``None``."""
    found = number(value)
    return None if found is None else int(found)


def interval(value: object) -> Interval:
    """Two finite ends, or none at all."""
    ends = [number(end) for end in _list(value)]
    return (ends[0], ends[1]) if len(ends) == 2 and None not in ends else NOTHING


def _row(row: dict[str, Any]) -> Row:
    return Row(
        path=str(row.get("path") or ""),
        extra=whole(row.get("extra")),
        block=_pair(row.get("block")),
        repeat=_pair(row.get("repeat")),
        search=str(row.get("search") or ""),
        raced=row.get("raced") is True,
        scores={
            str(probe): _measure(scores)
            for probe, scores in _mapping(row.get("scores")).items()
            if isinstance(scores, dict)
        },
        combined=number(row.get("combined")),
        combined_ci95=interval(row.get("combined_ci95")),
        q=number(row.get("combined_q")),
    )


def _measure(scores: dict[str, Any]) -> Measure:
    return Measure(
        score=number(scores.get("score")),
        ci95=interval(scores.get("ci95")),
        n=whole(scores.get("n")),
        overflow=whole(scores.get("overflow")) or 0,
        gain=number(scores.get("gain")),
        gain_ci95=interval(scores.get("gain_ci95")),
        q=number(scores.get("q")),
    )


def _probe(probe: dict[str, Any]) -> ProbeFacts:
    floors = {str(k): number(v) for k, v in _mapping(probe.get("floors")).items()}
    return ProbeFacts(
        name=str(probe.get("name") or ""),
        metric=str(probe.get("metric") or "score"),
        items=whole(probe.get("items")),
        held_out=whole(probe.get("held_out")),
        needs_generation=probe.get("needs_generation") is True,
        floors={name: floor for name, floor in floors.items() if floor is not None},
    )


def _winner(winner: dict[str, Any]) -> Winner:
    combined = _mapping(winner.get("combined"))
    return Winner(
        path=str(winner.get("path") or ""),
        extra=whole(winner.get("extra")),
        search_gain=number(winner.get("search_gain")),
        search_ci95=interval(winner.get("search_ci95")),
        held_out={
            str(probe): HeldOut(
                number(found.get("gain")),
                interval(found.get("ci95")),
                number(found.get("p")),
                whole(found.get("n")),
                number(found.get("score")),
                number(found.get("base")),
            )
            for probe, found in _mapping(winner.get("held_out")).items()
            if isinstance(found, dict)
        },
        gain=number(combined.get("gain")),
        ci95=interval(combined.get("ci95")),
        p=number(combined.get("p")),
        p_adjusted=number(combined.get("p_adjusted")),
        confirmed=winner.get("confirmed") is True,
    )


def _front(point: dict[str, Any]) -> FrontPoint:
    return FrontPoint(
        str(point.get("path") or ""),
        whole(point.get("extra")),
        number(point.get("gain")),
        interval(point.get("ci95")),
        point.get("source") == "held_out",
    )


def _screen(screen: dict[str, Any]) -> Screen:
    return Screen(
        str(screen.get("figure") or ""),
        number(screen.get("spearman")),
        interval(screen.get("ci95")),
        whole(screen.get("n")),
        _pair(screen.get("top_block")),
        number(screen.get("rank_of_measured_best")),
    )


def _pair(value: object) -> tuple[int, int] | None:
    ends = [whole(end) for end in _list(value)]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        return None
    return ends[0], ends[1]


def _layers(told: int | None, rows: tuple[Row, ...]) -> int:
    if told is not None and 1 <= told <= MOST_LAYERS:
        return told
    ends = [row.block[1] for row in rows if row.block]
    return max((end for end in ends if 1 <= end <= MOST_LAYERS), default=1)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _dicts(value: object) -> list[dict[str, Any]]:
    return [part for part in _list(value) if isinstance(part, dict)]
