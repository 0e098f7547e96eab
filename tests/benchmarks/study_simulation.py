"""How often a study is right, on studies with known differences.

    python tests/benchmarks/study_simulation.py [--studies 4000] [--starts 600] [--csv FILE]

For 4 to 12 families, of 1 to 3 bases each, and a gain that varies between bases by 2 to 15 points:

- coverage: how often the 95% interval has the true difference in it, for each estimand;
- false: how often "higher" or "lower" is concluded where there is no difference, and how often
  "equivalent" where the difference is as large as the margin;
- power: how often the smallest difference that ``check`` promises to find is found.

``--starts`` is the number of studies for "gain from an equal start", each of which is fitted by
itself, and where families make half of the variance only. About six minutes of one core.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workbench.study.statistics.power import design_power
from workbench.study.statistics.senses import SENSES
from workbench.study.statistics.simulate import World, draw, outcome, sense_of

#: Bases of each family: of the group asked about, of the others.
DESIGNS = {
    "2+2 even": ((2, 2), (2, 2)),
    "2+2 mixed": ((1, 3), (2, 1)),
    "2+3 mixed": ((1, 3), (1, 2, 3)),
    "3+3 even": ((2, 2, 2), (2, 2, 2)),
    "2+4 big asked": ((3, 3), (1, 1, 1, 1)),
    "3+4 mixed": ((1, 2, 3), (1, 2, 3, 1)),
    "4+4 single": ((1,) * 4, (1,) * 4),
    "2+6 big others": ((1, 1), (3,) * 6),
    "2+6 big asked": ((3, 3), (1,) * 6),
    "3+6 mixed": ((1, 3, 2), (2, 1, 3, 1, 2, 1)),
    "5+5 even": ((2,) * 5, (2,) * 5),
    "6+6 mixed": ((1, 2, 3, 1, 2, 3), (3, 1, 1, 1, 2, 2)),
    "3+9 mixed": ((1, 1, 3), (2, 3, 1, 2, 1, 1, 3, 3, 1)),
}
SDS = (0.02, 0.05, 0.10, 0.15)
#: The families' part of the variance of the gain between bases.
PARTS = (0.1, 0.5, 0.9)
#: For equivalence: it has to be wide enough to be reached at all.
MARGIN = 0.05


@dataclass(frozen=True)
class Cell:
    """One estimand in one world: shares of studies."""

    design: str
    sd: float
    part: float
    tail: str
    sense: str
    studies: int
    covered: float
    false: float


def cells(studies: int, starts: int, seed: int) -> Iterator[Cell]:
    """Worlds without a difference, design by design."""
    kinds: list[tuple[float, Literal["normal", "skewed"]]] = [
        *((part, "normal") for part in PARTS), (0.5, "skewed"),
    ]  # fmt: skip
    rng = np.random.default_rng(seed)
    for design, (inside, outside) in DESIGNS.items():
        for sd in SDS:
            for part, tail in kinds:
                world = World(
                    inside, outside, sd * part**0.5, sd * (1 - part) ** 0.5, tail=tail,
                )  # fmt: skip
                sloped = replace(world, compute_slope=0.03)
                drawn = {
                    "": (world, draw(world, studies, rng)),
                    "compute": (sloped, draw(sloped, studies, rng)),
                }
                if (part, tail) == (0.5, "normal"):
                    drawn["start"] = (world, draw(world, starts, rng))
                for sense in SENSES:
                    if sense.held in drawn:
                        found = outcome(*drawn[sense.held], sense)
                        yield Cell(
                            design, sd, part, tail, sense.name, len(found.value),
                            found.covers(0.0), float(found.told.mean()),
                        )  # fmt: skip


def print_coverage(found: list[Cell]) -> None:
    """Coverage and false verdicts: of the gain by design and spread, then of all estimands."""
    normal = [cell for cell in found if cell.tail == "normal"]
    print("\nGain: coverage of the 95% interval, % (families' part of the variance 0.1 / 0.5 / "
          "0.9);\nin brackets the most false verdicts, %")  # fmt: skip
    print(f"{'families':16}" + "".join(f"{f'SD {100 * sd:.0f} points':>26}" for sd in SDS))
    for design in DESIGNS:
        line = f"{design:16}"
        for sd in SDS:
            ones = [c for c in normal if (c.design, c.sd, c.sense) == (design, sd, "gain")]
            covered = " / ".join(f"{100 * one.covered:.1f}" for one in ones)
            line += f"{f'{covered} [{100 * max(one.false for one in ones):.1f}]':>26}"
        print(line)
    print("\nAll estimands, over all designs, spreads and parts: coverage %, false verdicts %")
    print(f"{'':18}{'mean':>7}{'least':>7}{'most':>7}{'false, mean':>13}{'most':>7}"
          f"{'  skewed: mean':>16}{'least':>7}{'most':>7}{'false, most':>13}")  # fmt: skip
    for sense in SENSES:
        line = f"{sense.name:18}"
        for tail in ("normal", "skewed"):
            ones = [c for c in found if (c.sense, c.tail) == (sense.name, tail)]
            if not ones:
                continue
            shares = [100 * one.covered for one in ones]
            false = [100 * one.false for one in ones]
            line += f"{np.mean(shares):{7 if tail == 'normal' else 16}.1f}"
            line += f"{min(shares):7.1f}{max(shares):7.1f}"
            line += f"{np.mean(false):13.1f}{max(false):7.1f}" if tail == "normal" else ""
            line += f"{max(false):13.1f}" if tail == "skewed" else ""
        print(line)
    outside = [c for c in normal if not 0.93 <= c.covered <= 0.97]
    above = [c for c in normal if c.false > 0.05]
    print(f"cells beyond 93 to 97% of coverage: {len(outside)} of {len(normal)}; "
          f"with more than 5% of false verdicts: {len(above)}")  # fmt: skip
    worst = sorted({*outside, *above}, key=lambda c: (-c.false, c.covered))
    for cell in worst[:12]:
        print(f"  {cell.design}, SD {100 * cell.sd:.0f}, part {cell.part}, {cell.sense}: covered "
              f"{100 * cell.covered:.1f}, false {100 * cell.false:.1f}")  # fmt: skip


def print_equivalence(studies: int, seed: int) -> None:
    """False equivalence: the true difference is the margin."""
    rng = np.random.default_rng(seed)
    gain = sense_of("gain")
    print(f"\nEquivalence within ±{100 * MARGIN:.0f} points concluded, %: where the difference is "
          "as large as that / where there is none")  # fmt: skip
    print(f"{'families':16}" + "".join(f"{f'SD {100 * sd:.0f} points':>18}" for sd in SDS))
    for design, (inside, outside) in DESIGNS.items():
        line = f"{design:16}"
        for sd in SDS:
            world = World(inside, outside, sd * 0.5**0.5, sd * 0.5**0.5, difference=MARGIN)
            none = replace(world, difference=0.0)
            shares = [
                100 * outcome(of, draw(of, studies, rng), gain).equivalent(MARGIN)
                for of in (world, none)
            ]
            line += f"{f'{shares[0]:.1f} / {shares[1]:.1f}':>18}"
        print(line)


def print_power(studies: int, seed: int) -> None:
    """The power that is promised against what is found."""
    rng = np.random.default_rng(seed)
    gain = sense_of("gain")
    print("\nPower: the smallest difference promised at 80%, and how often half of it, it, and "
          "half as much again are found, %: promised / found")  # fmt: skip
    worst = 0.0
    for design, (inside, outside) in DESIGNS.items():
        groups = {
            "asked": {f"a{k}": n for k, n in enumerate(inside)},
            "others": {f"o{k}": n for k, n in enumerate(outside)},
        }
        for sd, seeds, items in ((0.02, 1, 200), (0.05, 2, 400), (0.10, 3, 1000)):
            each = sd * 0.5**0.5
            promised = design_power(
                groups, seeds=seeds, items=items, spread=each, asked="asked", score=0.39
            )
            if promised.smallest is None:
                print(f"{design:16} SD {100 * sd:4.0f}: cannot answer ({promised.reason})")
                break
            line = f"{design:16} SD {100 * sd:4.0f}, {seeds} seeds, {items:4} items: "
            line += f"{100 * promised.smallest:5.1f} points"
            curve = {round(d / promised.smallest, 2): power for d, power in promised.curve}
            for times in (0.5, 1.0, 1.5):
                world = World(
                    inside, outside, each, each, seeds=seeds, items=items,
                    difference=times * promised.smallest,
                    # Scores stay within 0 and 1.
                    gain=0.2 - times * promised.smallest / 2,
                )  # fmt: skip
                found = float(outcome(world, draw(world, studies, rng), gain).told.mean())
                line += f"{f'{100 * curve[times]:.1f} / {100 * found:.1f}':>16}"
                worst = max(worst, abs(curve[times] - found))
            print(line, flush=True)
    print(f"largest gap between promised and found: {100 * worst:.1f} points")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=4000)
    parser.add_argument("--starts", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", type=Path, help="a file for every cell")
    chosen = parser.parse_args()
    began = time.perf_counter()
    print(f"{chosen.studies} studies a cell ({chosen.starts} from an equal start), seed "
          f"{chosen.seed}: a share of 95% is known to ±"
          f"{196 * (0.95 * 0.05 / chosen.studies) ** 0.5:.2f} points")  # fmt: skip
    found = list(cells(chosen.studies, chosen.starts, chosen.seed))
    if chosen.csv:
        with chosen.csv.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(Cell.__dataclass_fields__)
            writer.writerows(vars(cell).values() for cell in found)
    print_coverage(found)
    print_equivalence(chosen.studies, chosen.seed + 1)
    print_power(chosen.studies, chosen.seed + 2)
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
