"""How often the analysis of a leaderboard is right, on leaderboards with known effects.

    python tests/benchmarks/leaderboard_simulation.py [SIMULATIONS]

Two worlds, 100 leaderboards each unless told otherwise: one in which Chinese bases start 3 points
higher, gain 4 more and have instruct models 2 better, and one in which they do none of it. In both
they are larger, later and have three times the fine-tunes, and submitters keep their best.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.leaderboard.analysis.judged import NONE, PLANTED, judge
from tests.leaderboard.analysis.simulated import leaderboard


def report(found: list[dict[str, Any]], truth: Any) -> None:
    """The counts of one world."""
    times = len(found)
    print(f"  {np.mean([one['entries'] for one in found]):.0f} entries on average")
    print(f"  size slope covered {sum(one['size_covered'] for one in found)} of {times}")
    for outcome in ("final", "gain_base", "gain_instruct"):
        ones = [one[outcome] for one in found]
        values = [one["value"] for one in ones]
        print(
            f"  {outcome}: true {getattr(truth, outcome):+.1f}, mean estimate "
            f"{np.mean(values):+.2f} (sd {np.std(values):.2f}, mean standard error "
            f"{np.mean([one['se'] for one in ones]):.2f})"
        )
        print(f"    {_counts(ones)}, verdicts {dict(Counter(one['verdict'] for one in ones))}")
        best = [one["best"] for one in ones if one["best"] is not None]
        off = {key: float(np.mean([one[key] for one in best])) for key in ("equal_off", "all_off")}
        brought = float(np.mean([one["brought"] for one in best]))
        print(
            f"    best of 5 against best of all: {_counts(best)} of {len(best)}; off by "
            f"{off['equal_off']:+.2f} at equal n, by {off['all_off']:+.2f} without (planted "
            f"{brought:+.2f})"
        )


def _counts(ones: list[dict[str, Any]]) -> dict[str, int]:
    return {
        key: sum(one[key] for one in ones)
        for key, value in ones[0].items()
        if isinstance(value, bool)
    }


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    warnings.simplefilter("ignore")
    for name, first, planted in (("planted", 0, PLANTED), ("nothing planted", 1000, NONE)):
        began = time.perf_counter()
        print(f"{name}: {times} leaderboards")
        found = [judge(seed, **planted) for seed in range(first, first + times)]
        report(found, leaderboard(0, **planted)[1])
        print(f"  {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
