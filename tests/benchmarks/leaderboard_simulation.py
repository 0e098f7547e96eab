"""How often the analysis of a leaderboard is right, on leaderboards with known effects.

    python tests/benchmarks/leaderboard_simulation.py [SIMULATIONS]

Two worlds, 100 leaderboards each unless told otherwise: one in which Chinese bases start 3 points
higher, gain 4 more and have instruct models 2 better, and one in which they do none of it; in both
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

from tests.leaderboard.analysis.simulated import SIZE_SLOPE, Truth, leaderboard

PLANTED = {"start": 3.0, "gain": 4.0, "instruct": 2.0}
NONE = {"start": 0.0, "gain": 0.0, "instruct": 0.0}


def judge(seed: int, **planted: float) -> dict[str, Any]:
    """One leaderboard: what was covered, what was found, and how plain means would have done."""
    from workbench.leaderboard.analysis import mixed, selection
    from workbench.leaderboard.analysis.answers import verdict
    from workbench.leaderboard.analysis.outcomes import QUESTION, community, of_outcome

    frame, truth = leaderboard(seed, **planted)
    rows = community(frame)
    found: dict[str, Any] = {"entries": len(rows)}
    for outcome in QUESTION:
        usable = mixed.complete(of_outcome(rows, outcome))
        true = getattr(truth, outcome)
        fitted = mixed.country(usable, mixed.CONTROLS, seed=seed)
        said = fitted.json()
        plain = mixed.difference_of_means(usable)
        found[outcome] = {
            "value": said["value"],
            "se": said["se"],
            "covered": _within(true, said["ci95"]),
            "verdict": verdict(said),
            "interval_excludes_zero": not _within(0, said["ci95"]),
            "plain_covered": _within(true, plain["ci95"]),
            "plain_excludes_zero": not _within(0, plain["ci95"]),
        }
        if outcome == "final":
            slope = said["coefficients"]["log10 parameters"]
            found["size_covered"] = _within(SIZE_SLOPE, slope["ci95"])
        best = selection.compare_sides(rows, outcome)
        if best is not None and "best_of_equal" in best:
            found[outcome]["best"] = {
                "equal_covered": _within(true, best["best_of_equal"]["ci95"]),
                "all_covered": _within(true, best["best_of_all"]["ci95"]),
                "equal_off": best["best_of_equal"]["value"] - true,
                "all_off": best["best_of_all"]["value"] - true,
                "equal_excludes_zero": not _within(0, best["best_of_equal"]["ci95"]),
                "all_excludes_zero": not _within(0, best["best_of_all"]["ci95"]),
            }
    return found


def _within(value: float, ci95: Any) -> bool:
    return bool(ci95[0] <= value <= ci95[1])


def report(name: str, found: list[dict[str, Any]], truth: Truth) -> None:
    """The counts of one world."""
    print(
        f"\n{name}: {len(found)} leaderboards, entries {np.mean([f['entries'] for f in found]):.0f}"
    )
    print(f"  size slope covered {np.sum([f['size_covered'] for f in found])}")
    for outcome in ("final", "gain_base", "gain_instruct"):
        ones = [f[outcome] for f in found]
        count = {
            key: int(np.sum([o[key] for o in ones]))
            for key in ones[0]
            if isinstance(ones[0][key], bool)
        }
        values = [o["value"] for o in ones]
        print(
            f"  {outcome}: true {getattr(truth, outcome):+.1f}, mean estimate {np.mean(values):+.2f} "
            f"(sd {np.std(values):.2f}, mean se {np.mean([o['se'] for o in ones]):.2f}), "
            f"{count}, {dict(Counter(o['verdict'] for o in ones))}"
        )
        best = [o["best"] for o in ones if "best" in o]
        if best:
            counts = {
                k: int(np.sum([b[k] for b in best]))
                for k in best[0]
                if isinstance(best[0][k], bool)
            }
            off = {
                k: round(float(np.mean([b[k] for b in best])), 2) for k in ("equal_off", "all_off")
            }
            print(f"    best of 5 against best of all, {len(best)} leaderboards: {counts} {off}")


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    warnings.simplefilter("ignore")
    for name, first, planted in (("planted", 0, PLANTED), ("nothing planted", 1000, NONE)):
        began = time.perf_counter()
        found = [judge(seed, **planted) for seed in range(first, first + times)]
        report(name, found, leaderboard(0, **planted)[1])
        print(f"  {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
