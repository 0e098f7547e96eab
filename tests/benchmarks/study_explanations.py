"""How often an explanation is supported that is one, and that is none, in made-up studies.

    python tests/benchmarks/study_explanations.py [--studies 400]

For 3 to 12 families of two bases a group, in four worlds: the groups differ in a statistic and the
gain follows it (planted); they differ in it and the gain does not follow (no link); the gain
follows it and the groups do not differ (no difference); neither. How often the 95% interval of the
part explained has the true one in it, and how often the explanation is supported. About three
minutes of one core.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workbench.study.verdicts.explain import effect_of, explained, verdict_of

FAMILIES = (3, 4, 6, 12)
#: The groups' difference in the statistic, the gain's slope on it, and what the groups differ in
#: gain beside it.
WORLDS = {
    "planted": (1.0, 0.1, 0.0),
    "no link": (1.0, 0.0, 0.1),
    "no difference": (0.0, 0.1, 0.1),
    "neither": (0.0, 0.0, 0.0),
}
#: Standard deviations: of the statistic between families and bases, of what else is in a gain.
FAMILY, BASE, GAIN = 0.3, 0.1, 0.03


def study(
    rng: np.random.Generator, families: int, world: tuple[float, float, float]
) -> pd.DataFrame:
    """``base family asked value gain``, two bases a family."""
    apart, slope, direct = world
    asked = np.repeat(np.arange(2 * families) < families, 2)
    value = apart * asked + np.repeat(rng.normal(0, FAMILY, 2 * families), 2)
    value = value + rng.normal(0, BASE, len(asked))
    gain = 0.2 + slope * value + direct * asked + rng.normal(0, GAIN, len(asked))
    family = [f"f{k // 2}" for k in range(len(asked))]
    base = [f"b{k}" for k in range(len(asked))]
    return pd.DataFrame(
        {"base": base, "family": family, "asked": asked, "value": value, "gain": gain}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"{'families':>10}  {'world':<14}{'interval holds':>16}{'supported':>12}")
    for families in FAMILIES:
        for name, world in WORLDS.items():
            rng = np.random.default_rng([chosen.seed, families])
            held = supported = 0
            for _ in range(chosen.studies):
                rows = study(rng, families, world)
                effect, part = effect_of(rows, seed=0), explained(rows, seed=0)
                assert effect is not None
                assert part is not None
                low, high = part.ci95
                held += low <= world[0] * world[1] <= high
                said = verdict_of(
                    effect, part, p_adjusted=effect.p, sign=1, margin=0.01, alpha=0.05,
                    alike=False, control=True,
                )  # fmt: skip
                supported += said == "supported"
            shares = [f"{100 * count / chosen.studies:.1f}%" for count in (held, supported)]
            design = f"{families} + {families}"
            print(f"{design:>10}  {name:<14}{shares[0]:>16}{shares[1]:>12}", flush=True)


if __name__ == "__main__":
    main()
