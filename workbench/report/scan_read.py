"""``scan.json`` read leniently: what is missing or damaged is left out, and the rest is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from workbench.report.scan_results import (
    NOTHING,
    FrontPoint,
    HeldOut,
    Interval,
    Measure,
    ProbeFacts,
    Row,
    Scan,
    Screen,
    Winner,
)

#: No map is drawn larger, whatever a damaged file says.
MOST_LAYERS = 1000


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
