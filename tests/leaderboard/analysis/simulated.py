"""Leaderboards with known effects, as frames that the analysis takes for read and placed.

Families are nested in country, bases in families, submitters cross them. Bases of Chinese families
may be larger, later and more often fine-tuned (the confounders), and submitters try several
variants and submit their best (the hidden selection). ``Truth`` says what was planted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

SIZES = np.array([0.5, 1.5, 3.0, 7.0, 14.0, 34.0, 72.0])
#: Points a tenfold of parameters, and a year of release.
SIZE_SLOPE = 9.0
YEAR_SLOPE = 2.0
#: Points that a base a year younger gains less: its maker has left less to gain.
GAIN_YEAR_SLOPE = -3.0
TEMPLATE = 3.0
CHAT = -1.0
#: Of the bases' own level, of how well they take a fine-tune, and of their makers' instruct models.
SD_FAMILY = 1.5
SD_BASE = 2.3
SD_GAIN_FAMILY = 1.5
SD_GAIN_BASE = 1.5
SD_INSTRUCT = 1.5
SD_SUBMITTER = 3.0
SD_RUN = 3.6
#: Points that a measured average is off.
SD_MEASURED = 0.5


@dataclass(frozen=True)
class Truth:
    """The planted differences of Chinese bases, in points, by outcome.

    ``pool`` is what an entry may stand above its base's own mean, in many draws: from it follows
    what the best of any number of entries is expected to be.
    """

    final: float
    gain_base: float
    gain_instruct: float
    pool: np.ndarray


class People:
    """Who fine-tunes: skill, how many variants each tries before submitting the best, and zeal."""

    def __init__(self, rng: np.random.Generator, count: int) -> None:
        chances = [0.35, 0.2, 0.15, 0.15, 0.1, 0.05]
        self.tries = rng.choice([1, 2, 3, 5, 10, 20], size=count, p=chances)
        self.skill = rng.normal(0, SD_SUBMITTER, count)
        zeal = rng.pareto(1.3, count) + 0.2
        self.share = zeal / zeal.sum()

    def entry(self, rng: np.random.Generator) -> dict[str, Any]:
        """One submission: who, how, and the points that it adds."""
        who = int(rng.choice(len(self.skill), p=self.share))
        chat = bool(rng.random() < 0.4)
        template = bool(rng.random() < (0.75 if chat else 0.5))
        luck = rng.normal(0, SD_RUN, self.tries[who]).max()
        points = self.skill[who] + luck + TEMPLATE * template + CHAT * chat
        return {"who": who, "chat": chat, "template": template, "points": float(points)}


def leaderboard(
    seed: int,
    *,
    start: float = 0.0,
    gain: float = 0.0,
    instruct: float = 0.0,
    confounded: bool = True,
    more_entries: float = 3.0,
    families: tuple[int, int] = (6, 11),
    submitters: int = 90,
) -> tuple[pd.DataFrame, Truth]:
    """A leaderboard on which Chinese bases start ``start`` higher, gain ``gain`` more, and have
    instruct models ``instruct`` better; with ``more_entries`` times the fine-tunes of others."""
    rng = np.random.default_rng(seed)
    people = People(rng, submitters)
    rows: list[dict[str, Any]] = []
    for chinese, count in ((True, families[0]), (False, families[1])):
        lean = confounded and chinese
        for f in range(count):
            year = np.clip(rng.beta(4, 2) if lean else rng.beta(2, 3), 0.02, 0.98) * 1.2
            released = pd.Timestamp("2023-07-01") + pd.Timedelta(days=int(365 * year))
            of_family = rng.normal(0, SD_FAMILY)
            takes = rng.normal(0, SD_GAIN_FAMILY) + GAIN_YEAR_SLOPE * year
            # Confounded: Chinese families reach further up in size.
            chance = np.linspace(*((0.5, 3.0) if lean else (2.0, 0.7)), len(SIZES))
            sizes = rng.choice(
                SIZES, size=rng.integers(1, 6), replace=False, p=chance / chance.sum()
            )
            for size in sorted(sizes):
                rows += _base(
                    rng, f"{'cn' if chinese else 'xx'}{f}", float(size), chinese, released,
                    level=16 + SIZE_SLOPE * np.log10(size / 7) + YEAR_SLOPE * year
                    + of_family + rng.normal(0, SD_BASE) + start * chinese,
                    gain=7 + takes + rng.normal(0, SD_GAIN_BASE) + gain * chinese,
                    instruct=9 + rng.normal(0, SD_INSTRUCT) + instruct * chinese,
                    entries=_entries(rng, more_entries if chinese else 1.0),
                    people=people,
                )  # fmt: skip
    frame = pd.DataFrame(rows)
    frame["chinese"] = frame["chinese"].astype("boolean")
    for column in ("chat_template", "flagged", "available", "merged"):
        frame[column] = frame[column].astype("boolean")
    frame["gain_base"] = frame["average"] - frame["base_score"]
    frame["gain_instruct"] = frame["average"] - frame["instruct_score"]
    frame["headroom_gain"] = frame["gain_base"] / (100 - frame["base_score"])
    pool = np.array([people.entry(rng)["points"] for _ in range(4000)])
    return frame, Truth(start + gain, gain, gain - instruct, pool)


def _entries(rng: np.random.Generator, times: float) -> int:
    """Very unbalanced: most bases have a few fine-tunes, some dozens."""
    return int(np.ceil(times * rng.lognormal(0.9, 0.9)))


def _base(
    rng: np.random.Generator,
    family: str,
    size: float,
    chinese: bool,
    released: pd.Timestamp,
    *,
    level: float,
    gain: float,
    instruct: float,
    entries: int,
    people: People,
) -> list[dict[str, Any]]:
    root = f"{family}/{family}-{size:g}b"
    base_score = level + rng.normal(0, SD_MEASURED)
    instruct_score = level + instruct + rng.normal(0, SD_MEASURED)
    rows = []
    for k in range(entries):
        entry = people.entry(rng)
        who = f"s{entry['who']}"
        rows.append(
            {
                "model": f"{who}/{family}-{size:g}b-{k}",
                "submitter": who,
                "average": level + gain + entry["points"],
                "type": "chat" if entry["chat"] else "finetune",
                "merged": False,
                "flagged": False,
                "available": True,
                "chat_template": entry["template"],
                "role": "derived",
                "root": root,
                "family": family,
                "lab": family,
                "country": "CN" if chinese else "US",
                "chinese": chinese,
                "root_parameters_b": size,
                "root_released": released,
                "maker_own": False,
                "represents": True,
                "placed_by": "declaration",
                "direct": True,
                "parent_instruct": None,
                "base_score": base_score,
                "instruct": f"{root}-instruct",
                "instruct_score": instruct_score,
            }
        )
    return rows
