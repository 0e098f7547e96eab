"""What the search items say of every path, worked out once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.relayer.path import Path
from workbench.scan.judge.combine import Flags, Floats
from workbench.scan.judge.curse import winners_curse
from workbench.scan.judge.discoveries import FALSE_DISCOVERIES, family_wise, q_values
from workbench.scan.judge.gains import Gains, combined_gains, map_units, probe_gains
from workbench.scan.judge.measured import ProbeScores, raced_out
from workbench.scan.judge.pooled import influence
from workbench.scan.judge.winners import candidates, extra_layers


class Searched:
    """Gains, q values and the winner's curse over all paths; arrays are ``[paths]``.

    ``units`` are the SDs of the map by probe, ``clean`` the paths that can win, ``total`` the
    combined gains, ``family_wise`` their max-T p values.
    """

    def __init__(self, probes: Sequence[ProbeScores], base: Path, seed: int) -> None:
        self.probes, self.paths = probes, list(probes[0].paths)
        self._rows = {path: row for row, path in enumerate(self.paths)}
        self.base = self.row(base)
        self.gains = [probe_gains(probe, self.base) for probe in probes]
        self.units = map_units(probes, self.gains)
        self.total = combined_gains(probes, self.gains, self.units, self.base)
        self.q = [self._q(gains) for gains in self.gains]
        self.total_q = self._q(self.total)
        self.clean: Flags = candidates(probes, self.base)
        self.raced = raced_out(probes, self.base)
        self.extra = extra_layers(self.paths, self.base)
        self.curse = winners_curse(probes, self.units, self.base, self.clean, seed=seed)
        items = influence(probes, self.base, self.weights(range(len(probes))))
        self.family_wise = family_wise(items, self.clean, seed=seed)

    def row(self, path: Path) -> int:
        """The row of a path."""
        return self._rows[path]

    def weights(self, of: Sequence[int]) -> list[float]:
        """By probe, what a point of gain adds to the combined gain over the probes ``of``."""
        return [1 / self.units[k] / len(of) if self.units[k] > 0 else 0.0 for k in of]

    @property
    def best(self) -> int | None:
        """The row of the clean path with the highest combined gain."""
        if not self.clean.any():
            return None
        return int(np.argmax(np.where(self.clean, self.total.gain, -np.inf)))

    @property
    def tested(self) -> int:
        """How many paths have a p value, the base not counted."""
        return int(np.isfinite(self.total_q).sum()) - 1

    @property
    def discovered(self) -> int:
        """How many of them pass the false discovery rate."""
        passes = np.nan_to_num(self.total_q, nan=1.0) <= FALSE_DISCOVERIES
        return int(passes.sum())

    def _q(self, gains: Gains) -> Floats:
        q = q_values(np.where(np.arange(len(self.paths)) == self.base, np.nan, gains.above))
        q[self.base] = 1.0
        return q
