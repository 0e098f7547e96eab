"""What a search sees of the measuring: a meter, and one number a path from what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from workbench.relayer.path import Path
from workbench.scan.judge.combine import combined

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Meter(Protocol):
    """Measures paths on the search items of every probe, and pays for no pair twice."""

    n_layers: int

    def measure(
        self, paths: Sequence[Path], items: int | None = None, label: str = ""
    ) -> dict[str, Floats]:
        """The primary metric by probe, ``[paths, items]``; NaN where a path overflowed.

        On the first ``items`` search items of each probe (all of them if it has fewer, or if
        ``items`` is None). ``label`` says what is being measured.
        """
        ...


def base_of(n_layers: int) -> Path:
    """Every layer once, in order."""
    return tuple(range(n_layers))


def seen(scores: Floats) -> Flags:
    """Which pairs of ``[paths, items]`` a race measured, from the NaN it left.

    A race measures a path on its first items only, so that a tail of NaN was not measured. A NaN
    before a path's last number, or a path of nothing but NaN, overflowed. (One that overflowed on
    nothing but its last items is taken for a raced one: good enough for guesses, not for results.)
    """
    numbers = ~np.isnan(scores)
    before_the_last = np.flip(np.logical_or.accumulate(np.flip(numbers, axis=1), axis=1), axis=1)
    return before_the_last | ~numbers.any(axis=1, keepdims=True)


def standings(
    meter: Meter, paths: Sequence[Path], *, label: str = "", partial: bool = False
) -> Floats:
    """:func:`~workbench.scan.judge.combine.combined` of ``paths``, measuring what is missing.

    A path that overflowed is ``-inf``. So is one that a race dropped, unless ``partial``, which
    judges it by the items it was measured on.
    """
    if not paths:
        return np.empty(0)
    scores = meter.measure(paths, label=label)
    base = {name: row[0] for name, row in meter.measure([base_of(meter.n_layers)]).items()}
    flags = {name: seen(values) for name, values in scores.items()} if partial else None
    return combined(scores, base, flags)


def best_first(paths: Sequence[Path], standing: Floats) -> list[Path]:
    """``paths`` without those at ``-inf``, the best first; equal ones by length, then by layers."""
    ranked = sorted(
        (-float(value), len(path), path)
        for path, value in zip(paths, standing, strict=True)
        if np.isfinite(value)
    )
    return [path for _, _, path in ranked]
