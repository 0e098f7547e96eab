"""Many paths at once, as arrays: each path by its maximal runs of consecutive layers.

A run goes from layer ``starts[a, r]`` up to ``ends[a, r]``; between two runs lies a seam, from the
end of one (its source) to the start of the next (its target). A path of a few seams is a handful
of numbers, whatever its length, so that a million paths fit in memory and in one numpy call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.relayer.path import Path, seams

Ints = npt.NDArray[np.int16]

#: Where a path has fewer runs than the array has columns.
PAD = -1


@dataclass(frozen=True)
class Runs:
    """``starts`` and ``ends``, ``[paths, runs]``; a path's runs first, then :data:`PAD`."""

    starts: Ints
    ends: Ints

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice) -> Runs:
        return Runs(self.starts[rows], self.ends[rows])

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many runs each path has."""
        return (self.starts != PAD).sum(axis=1)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """How many visits each path has."""
        spans = self.ends.astype(np.int64) - self.starts + 1
        return np.where(self.starts != PAD, spans, 0).sum(axis=1)

    @property
    def keys(self) -> npt.NDArray[np.void]:
        """A value a path, equal where the paths are (among arrays of one width)."""
        both = np.ascontiguousarray(np.concatenate([self.starts, self.ends], axis=1))
        return both.view(np.dtype((np.void, both.dtype.itemsize * both.shape[1]))).ravel()

    def widened(self, columns: int) -> Runs:
        """The same paths with ``columns`` columns, pads cut off or added."""
        if columns <= self.starts.shape[1]:
            return Runs(self.starts[:, :columns], self.ends[:, :columns])
        pads = np.full((len(self), columns - self.starts.shape[1]), PAD, dtype=np.int16)
        return Runs(
            np.concatenate([self.starts, pads], axis=1), np.concatenate([self.ends, pads], axis=1)
        )

    def paths(self) -> list[Path]:
        """The paths, layer by layer."""
        return [
            tuple(
                layer
                for first, last in zip(starts, ends, strict=True)
                if first != PAD
                for layer in range(first, last + 1)
            )
            for starts, ends in zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        ]


def runs_of(paths: Sequence[Path]) -> Runs:
    """The runs of paths; :meth:`Runs.paths` gives them back."""
    cuts = [(0, *seams(path), len(path)) for path in paths]
    width = max((len(cut) for cut in cuts), default=2) - 1
    starts = np.full((len(paths), width), PAD, dtype=np.int16)
    ends = np.full((len(paths), width), PAD, dtype=np.int16)
    for row, (path, cut) in enumerate(zip(paths, cuts, strict=True)):
        starts[row, : len(cut) - 1] = [path[at] for at in cut[:-1]]
        ends[row, : len(cut) - 1] = [path[at - 1] for at in cut[1:]]
    return Runs(starts, ends)


def joined(parts: Sequence[Runs]) -> Runs:
    """All paths of several arrays."""
    width = max(part.starts.shape[1] for part in parts)
    wide = [part.widened(width) for part in parts]
    return Runs(
        np.concatenate([part.starts for part in wide]), np.concatenate([part.ends for part in wide])
    )
