"""A meter whose truth is known: the score of a path is a function of the path, plus item noise."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from workbench.relayer.path import Path

Truth = Callable[[Path], float]


class Landscape:
    """``truths[probe](path)`` plus noise that belongs to the pair of path and item.

    ``bought`` counts how often each pair had to be measured; a pair measured before is free, as
    with the ledger.
    """

    def __init__(
        self,
        n_layers: int,
        truths: Mapping[str, Truth],
        *,
        items: int | Mapping[str, int] = 16,
        noise: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.n_layers = n_layers
        self.truths = truths
        self.items = items if isinstance(items, Mapping) else dict.fromkeys(truths, items)
        self.noise = noise
        self.seed = seed
        self.rows: dict[tuple[str, Path], np.ndarray] = {}
        self.have: dict[tuple[str, Path], int] = {}
        self.bought: Counter[Path] = Counter()

    def measure(
        self, paths: Sequence[Path], items: int | None = None, label: str = ""
    ) -> dict[str, np.ndarray]:
        result = {}
        for probe in self.truths:
            width = self.items[probe] if items is None else min(items, self.items[probe])
            for path in paths:
                had = self.have.get((probe, path), 0)
                self.bought[path] += max(0, width - had)
                self.have[probe, path] = max(had, width)
            rows = [self._row(probe, path)[:width] for path in paths]
            result[probe] = np.array(rows).reshape(len(paths), width)
        return result

    def _row(self, probe: str, path: Path) -> np.ndarray:
        if (probe, path) not in self.rows:
            word = zlib.crc32(repr((probe, path, self.seed)).encode())
            noise = np.random.default_rng(word).normal(size=self.items[probe])
            # Some items are easier than others, for every path: pairing takes that out.
            ease = np.random.default_rng(self.seed).normal(size=self.items[probe])
            self.rows[probe, path] = self.truths[probe](path) + ease + self.noise * noise
        return self.rows[probe, path]


def times(path: Path, layer: int) -> int:
    """How often a path runs a layer."""
    return path.count(layer)
