"""An analysis of a leaderboard as results.json holds it: small, every part, numbers drawn."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

QUESTION = ("final", "gain_base", "gain_instruct")
OUTCOMES = (*QUESTION, "headroom")
BENCHMARKS = ("ifeval", "bbh", "math", "gpqa", "musr", "mmlu_pro")
BASES = {
    "Qwen/Qwen2-7B": ("Qwen2", "Alibaba", "CN"),
    "Qwen/Qwen2.5-7B": ("Qwen2.5", "Alibaba", "CN"),
    "meta-llama/Meta-Llama-3-8B": ("Llama-3", "Meta", "US"),
    "google/gemma-2-9b": ("Gemma-2", "Google", "US"),
    "mistralai/Mistral-7B-v0.1": ("Mistral", "Mistral AI", "FR"),
}

#: How many entries each base is said to have: the last has few.
ENTRIES = (6, 6, 6, 6, 2)


def make_leaderboard(seed: int = 0, entries: int = 6) -> dict[str, Any]:
    """``entries`` fine-tunes of each of five bases, and all that an analysis says of them."""
    rng = np.random.default_rng(seed)

    def value(spread: float = 3.0) -> float:
        return float(rng.normal(0, spread))

    def told(n: int = 30) -> dict[str, Any]:
        middle = value()
        return {"value": middle, "ci95": [middle - 2.5, middle + 2.5], "n": n}

    def step(controls: list[str], random: list[str]) -> dict[str, Any]:
        return {
            "controls": controls, "random": random, "p": float(rng.random()), **told(),
            "permutation": {"p": float(rng.random()), "deals": 10} if random else None,
            "bases": 5, "submitters": 12, "families": 5, "singular": ["family"], "left_out": [],
            "sd_base": 1.5, "sd_submitter": 2.5, "sd_family": 0.0, "sd_residual": 3.25,
            "coefficients": {name: told() for name in controls}, "method": "REML",
        }  # fmt: skip

    names = {base: [f"user{i}/{base.split('/')[1]}-tune-{i}" for i in range(entries)]
             for base in BASES}  # fmt: skip
    controls = ["log size", "release date", "method", "chat template"]
    return {
        "kind": "leaderboard",
        "name": "leaderboard-small",
        "key": "0123456789ab",
        "created": "2026-11-25T22:00:00+00:00",
        "command": "workbench leaderboard small.csv --seed 0",
        "source": {"file": "small.csv", "sha256": "ab" * 32, "rows": 60},
        "answer": {
            outcome: {
                "verdict": verdict,
                "sentence": f"Entries on Chinese bases differ on {outcome} by -1.5 points.",
                "method": "REML",
                **told(),
                "bases": 5,
                "families": 5,
            }
            for outcome, verdict in zip(
                QUESTION, ("supported", "contradicted", "not shown"), strict=True
            )
        },
        "seams": {
            "rows_read": 62, "rows": 60, "exact_duplicates_merged": 2, "flagged": 1, "merges": 4,
            "roles": {"base": 5, "instruct": 5, "derived": 30, "unplaced": 20},
            "placed_by": {"catalogue": 10, "declaration": 28, "published": 2},
            "unplaced_by_reason": {"declares no base": 15, "merge": 5},
            "missing_parents": {"someone/lost-1.5b": 3},
            "missing_values": {"parameters_b": 2},
            "roots_without_a_score": ["x/y"],
            "circles": [["a/one", "b/two"]],
        },
        "conditions": {
            "seed": 0,
            "rules": {"answer": "The rule of the answers.", "mixed": "The model."},
            "cannot_be_concluded": ["Nothing here was assigned."],
        },
        "outputs": [],
        "bases": [
            {"name": base, "family": family, "lab": lab, "country": country,
             "chinese": country == "CN", "base_score": 20 + value(), "n": n, "submitters": 5,
             **_groups(told, n)}
            for n, (base, (family, lab, country)) in zip(ENTRIES, BASES.items(), strict=True)
        ],
        "families": [
            {"name": family, "lab": lab, "country": country, "chinese": country == "CN",
             "bases": 1, "n": 6, **_groups(told, 6)}
            for family, lab, country in BASES.values()
        ],
        "countries": [
            {"name": code, "chinese": code == "CN", "bases": 2, "families": 2, "n": 12,
             **_groups(told, 12)}
            for code in ("US", "CN", "FR")
        ],
        "sides": [
            {"size": size, "name": name, "chinese": name.startswith("Chinese"), "bases": 2,
             "families": 2, "n": 12, **_groups(told, 12)}
            for size in ("all sizes", "4 to 10B") for name in ("Chinese bases", "other bases")
        ],
        "mixed": {
            outcome: [
                step([], []),
                *(step(controls[:k], ["base", "submitter", "family"]) for k in range(5)),
            ]
            for outcome in OUTCOMES
        },
        "selection": _selection(rng, names, told),
        "suspects": _suspects(rng, names),
        "trees": [_tree(rng, base, names[base]) for base in BASES],
        "frontier": _frontier(rng, names),
        "robustness": [
            {"name": name, "why": why, "removed": removed, "changed": changed,
             "answers": {o: {**told(), "verdict": "supported" if changed else "not shown"}
                         for o in QUESTION}}
            for name, why, removed, changed in (
                ("as answered", "", 0, []),
                ("without merges", "", 4, []),
                ("with roots guessed", "", -12, ["final"]),
            )
        ],
        "robustness_said": ["The difference goes from -2.5 to +3.0."],
        "shares": {"Chinese, 4 to 10B": 0.46, "other, 4 to 10B": 0.63},
        "left_out": {
            "family": {
                outcome: {"lowest": {"without": "Qwen2", **told()},
                          "highest": {"without": "Mistral", **told()}, "times": 5}
                for outcome in QUESTION
            }
        },
        "entries": [_entry(rng, "user0/Qwen2-7B-tune-0", "Qwen/Qwen2-7B"),
                    _entry(rng, "user1/Qwen2-7B-tune-1", "Qwen/Qwen2-7B")],
        "versions": {"workbench": "0.1.0", "python": "3.11.7"},
        "machine": {"system": "Linux x86_64", "cores": 2, "memory_bytes": 2**33},
    }  # fmt: skip


def _groups(told: Any, n: int) -> dict[str, Any]:
    return {
        outcome: {"median": told(n), "mean": told(n)} if outcome != "headroom" or n > 2 else None
        for outcome in OUTCOMES
    }


def _selection(rng: np.random.Generator, names: dict[str, list[str]], told: Any) -> dict[str, Any]:
    def base(name: str) -> dict[str, Any]:
        best = np.sort(rng.normal(2, 3, 6))
        points = [{"m": m, "value": float(best[m - 1]), "ci95": None} for m in range(1, 7)]
        return {"name": name, "chinese": name.startswith("Qwen"), "n": 6, "best": float(best[-1]),
                "best_model": names[name][0], "at_equal": points[4], "curve": points}  # fmt: skip

    return {
        "equal": 5,
        "cannot": "What was never submitted cannot be seen.",
        "bases": {outcome: [base(name) for name in BASES] for outcome in QUESTION},
        "sides": {
            outcome: [
                {"m": 5, "best_of_all": told(), "best_of_equal": told(), "numbers_bring": -0.75,
                 "bases": 5, "bases_chinese": 2}
            ]
            for outcome in QUESTION
        },
    }  # fmt: skip


def _suspects(rng: np.random.Generator, names: dict[str, list[str]]) -> dict[str, Any]:
    flagged = []
    for index, name in enumerate(names["Qwen/Qwen2-7B"] * 3):
        profile = {benchmark: float(rng.normal(0, 4)) for benchmark in BENCHMARKS}
        odd = BENCHMARKS[index % 6]
        profile[odd] = 17.25 + index / 8
        flagged.append(
            {"entry": name, "benchmark": odd, "stem": "Qwen/Qwen2-7B", "siblings": 5,
             "above_siblings": profile[odd], "expected": float(rng.normal()),
             "q": 10.0 ** -(index + 2), "z": 9.0 - index / 4,
             "also": ["musr"] if index == 1 else [],
             "profile": profile, "sentence": f"{name} stands out by {profile[odd]:+.1f}."}
        )  # fmt: skip
    counts = {benchmark: {"flags": 3, "falls_as_large": 1} for benchmark in BENCHMARKS}
    return {"rule": "The rule of the suspects.", "entries_tested": 30, "flagged": flagged,
            "benchmarks": counts}  # fmt: skip


def _tree(rng: np.random.Generator, base: str, models: list[str]) -> dict[str, Any]:
    family, lab, country = BASES[base]

    def node(name: str, role: str, children: list[Any]) -> dict[str, Any]:
        derived = role == "derived"
        return {
            "model": name, "score": float(rng.normal(25, 4)), "role": role, "type": "chat",
            "merged": derived and name.endswith("3"), "community": derived, "rows": 1 + derived,
            "placed_by": "declaration" if derived else "catalogue",
            "gain_base": float(rng.normal()) if derived else None,
            "gain_instruct": float(rng.normal()) if derived else None, "children": children,
        }  # fmt: skip

    below = [node(name, "derived", []) for name in models[1:]]
    top = node(base, "base", [node(models[0], "derived", below[:1]), *below[1:]])
    return {"root": base, "family": family, "lab": lab, "country": country, "placed": True,
            "chinese": country == "CN", "models": len(models), "tree": top}  # fmt: skip


def _frontier(rng: np.random.Generator, names: dict[str, list[str]]) -> dict[str, Any]:
    def stairs(base: str, start: int) -> list[dict[str, Any]]:
        scores = np.cumsum(rng.gamma(2, 2, 4)) + 15
        return [
            {"date": (date(2024, 1, 5) + timedelta(start + 40 * i)).isoformat(), "se": 0.5,
             "value": float(score), "model": names[base][i % len(names[base])]}
            for i, score in enumerate(scores)
        ]  # fmt: skip

    series = []
    for axis, title in (("submitted", "day of submission"), ("root_released", "day of release")):
        for size in ("all sizes", "4 to 10B"):
            for score, words in (("average", "average of the six"), ("mmlu_pro", "MMLU-PRO")):
                chinese, other = stairs("Qwen/Qwen2-7B", 10), stairs("google/gemma-2-9b", 0)
                gaps = [
                    {"date": a["date"], "value": a["value"] - b["value"], "ci95": [-2.0, 2.0]}
                    for a, b in zip(chinese, other, strict=True)
                ]
                series.append(
                    {"axis": axis, "axis_title": title, "size": size, "score": score,
                     "score_title": words, "chinese": chinese, "other": other, "gap": gaps,
                     "n": {"chinese": 12, "other": 18}}
                )  # fmt: skip
    press = {
        "source": "A yearbook", "url": "https://example.org/book", "not_comparable": "Not alike.",
        "figures": [{"when": "end of 2023", "benchmark": "MMLU", "gap": 17.5}],
    }  # fmt: skip
    return {"rule": "The rule of the frontier.", "said": ["The best was -3.5 points apart."],
            "series": series, "press": press}  # fmt: skip


def _entry(rng: np.random.Generator, entry: str, parent: str) -> dict[str, Any]:
    def judged(n: int) -> dict[str, Any]:
        theirs, delta = float(rng.normal(40, 5)), float(rng.normal(1, 2))
        return {
            "entry": theirs + delta, "parent": theirs, "delta": delta, "n": n,
            "ci95": {"independent": [delta - 4, delta + 4], "differ": [delta - 1, delta + 1]},
            "differ_to_reach_zero": 0.13,
        }  # fmt: skip

    benchmarks = {b: {"title": b.upper(), "supplies": 0.2, **judged(700)} for b in BENCHMARKS}
    return {
        "entry": entry, "parent": parent, "snapshot": "small", "differ": 0.05,
        "sources": ["small.csv, line 3"], "benchmarks": benchmarks, "average": judged(21606),
        "conditions": [{"what": "chat template", "entry": False, "parent": True, "differs": True}],
        "best_of": {
            "exact": {"n": 1000, "se": 0.35, "expected": 1.13, "range90": [0.97, 1.38]},
            "simulated": {"n": 1000, "expected": 1.15, "range90": [1.0, 1.34]},
        },
        "curve": [
            {"differ": share, "ci95": [1 - 5 * share, 1 + 5 * share], "best": 6 * share,
             "best_range90": [5 * share, 7 * share]}
            for share in (0.01, 0.05, 0.1, 0.3)
        ],
        "verdict": "depends",
        "words": [f"{entry} stands above {parent}.", "The interval is -0.90 to +3.19."],
    }  # fmt: skip
