"""results["study"] as an analysis writes it: every part of it, numbers drawn, in several shapes."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np

FAMILIES = {
    "Chinese": {"qwen2.5": 3, "internlm2": 2, "yi": 2, "minicpm": 1, "deepseek": 2},
    "the rest": {"llama-3": 3, "gemma-2": 2, "olmo-2": 2, "falcon3": 2, "smollm2": 1, "pythia": 2},
}
TASKS = ("gsm8k", "mmlu", "arc_challenge")
CAUSES = (
    "clean", "contaminated", "instruction", "task_format", "other_template", "overtrained",
    "badly_scaled", "dead_layers", "digit_merging", "latent",
)  # fmt: skip
#: name: title, unit, paper, own causes.
PROBES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "contamination": ("Contamination", "AUC", "arXiv 2404.02936; 2507.10532", ("contaminated",)),
    "test_task": ("Training on the test task", "score", "arXiv 2407.07890", ("task_format",)),
    "instruction": ("Instruction data in pretraining", "nats", "arXiv 2407.07890",
                    ("instruction",)),
    "template": ("Template fit", "score", "arXiv 2503.20783", ("other_template",)),
    "spurious": ("Spurious signal", "share", "arXiv 2506.10947", ("latent",)),
    "overtraining": ("Over-training", "nats", "arXiv 2503.19206", ("overtrained",)),
    "learning_rate": ("Learning-rate artefact", "score", "arXiv 2602.04998", ("badly_scaled",)),
    "depth": ("Depth", "share", "arXiv 2502.05795", ("dead_layers",)),
    "rank": ("Rank", "rank", "", ("latent",)),
    "elicitation": ("Elicitation", "score", "arXiv 2504.13837", ("latent",)),
    "tokenizer": ("Tokenizer", "bytes a token", "", ("digit_merging",)),
    "memorised_layers": ("Doubling the layers of memorised answers", "score", "new here",
                         ("contaminated",)),
}  # fmt: skip
ESTIMANDS = (
    ("final", "Final score", "score", True, "higher"),
    ("gain", "Gain", "score", True, "lower"),
    ("gain_at_start", "Gain at equal start", "score", True, "equivalent"),
    ("final_at_compute", "Final score at equal compute", "score", False, "cannot tell"),
    ("gain_at_compute", "Gain at equal compute", "score", False, "lower"),
    ("headroom_gain", "Gain as a share of the headroom", "share", False, "cannot tell"),
    ("logit_gain", "Gain in log-odds", "logit", False, "cannot tell"),
)

Interval = list[float]


def make_study(seed: int = 0, *, one_family: bool = False, planted: bool = False) -> dict[str, Any]:
    """A whole results.json of a study: 22 bases of 11 families, or with one family a group."""
    made = _Maker(seed, one_family=one_family, planted=planted)
    return {
        "kind": "study",
        "name": "chinese-bases",
        "key": "3f9a1c20be77",
        "created": "2026-11-26T10:15:00+00:00",
        "command": "workbench study --table before_after.csv",
        "versions": {"workbench": "0.1.0"},
        "study": made.study(),
    }


def empty_study() -> dict[str, Any]:
    """A study of which nothing could be computed: every part there, every value unknown."""
    study = make_study()
    study["study"] = _nothing(study["study"])
    return study


def _nothing(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _nothing(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [] if key != "estimands" and key != "hypotheses" else [_nothing(v) for v in value]
    return value if key in ("question", "name", "title", "unit") else None


def wilson(k: int, n: int) -> Interval:
    """The 95% score interval of a share."""
    z = 1.959964
    middle, spread = k / n + z * z / (2 * n), math.sqrt(k * (n - k) / n / n / n + (z / 2 / n) ** 2)
    return [
        max(0.0, (middle - z * spread) / (1 + z * z / n)),
        min(1.0, (middle + z * spread) / (1 + z * z / n)),
    ]


def chance(ratio: float) -> float:
    """The two-sided p of a value that is ``ratio`` times half of its 95% interval."""
    return math.erfc(abs(ratio) * 1.96 / math.sqrt(2))


class _Maker:
    def __init__(self, seed: int, *, one_family: bool, planted: bool) -> None:
        self.rng = np.random.default_rng(seed)
        self.planted = planted
        self.bases = []
        for group, families in FAMILIES.items():
            for family, size in list(families.items())[: 1 if one_family else None]:
                for number in range(size):
                    start = float(self.rng.normal(0.52 if group == "Chinese" else 0.34, 0.08))
                    gain = 0.42 - 0.55 * start + float(self.rng.normal(0, 0.03))
                    self.bases.append(
                        {"base": f"{family}-{(0.5, 1.5, 3)[number]}b", "group": group,
                         "family": family, "before": start, "gain": gain}
                    )  # fmt: skip

    def near(self, value: float, half: float = 0.03) -> dict[str, Any]:
        half *= float(self.rng.uniform(0.7, 1.4))
        return {"value": value, "ci95": [value - half, value + half]}

    def draw(self, spread: float = 0.05, half: float = 0.04) -> dict[str, Any]:
        return self.near(float(self.rng.normal(0, spread)), half)

    def p(self) -> float:
        return float(self.rng.uniform(0.0004, 0.6))

    def study(self) -> dict[str, Any]:
        chinese = [b["family"] for b in self.bases if b["group"] == "Chinese"]
        others = [b["family"] for b in self.bases if b["group"] == "the rest"]
        return {
            "question": "Do the Chinese bases take this fine-tune better than the others?",
            "answer": [
                "Chinese bases end 9.8 points higher (95% interval 4.1 to 15.2) and gain 8.1 "
                "points less; from an equal start they gain neither more nor less than ±3 points.",
                "Training on the test task explains 71% of the difference in gain; "
                "contamination is not supported.",
            ],
            "verdict": {name: verdict for name, _, _, _, verdict in ESTIMANDS},
            "groups": {
                "asked": "Chinese", "others": "the rest",
                "sizes": {"Chinese": {"families": len(set(chinese)), "bases": len(chinese)},
                          "the rest": {"families": len(set(others)), "bases": len(others)}},
                "bases": [{"base": b["base"], "group": b["group"], "family": b["family"],
                           "family_source": "catalogue"} for b in self.bases],
            },
            "registration": {
                "hash": "b1946ac92492d2347c6235b4d2611184" * 2, "results_then": 0,
                "registered": "2026-11-24T08:00:00+00:00",
                "changed": [{"when": "2026-11-25T17:20:00+00:00", "hash": "591785b7" * 8,
                             "results_seen": 14, "differences": ["margin: 0.02 → 0.05"]}],
            },
            "estimands": [self.estimand(*given) for given in ESTIMANDS],
            "paradox": self.paradox(),
            "interaction": {"p": 0.013, "words": "The difference is not the same on all tasks.",
                            "tasks": {task: {**self.draw(), "p": self.p()} for task in TASKS}},
            "model": {"sd": {"family": 0.041, "base": 0.022, "seed": 0.006, "residual": 0.018},
                      "method": "REML, Kenward–Roger degrees of freedom",
                      "statsmodels": {"asked": "Chinese", "value": -0.081, "ci95": [-0.13, -0.03],
                                      "p": 0.002, "converged": True, "method": "MixedLM"},
                      "bayesian": {"asked": "Chinese", "value": -0.079, "ci95": [-0.14, -0.02],
                                   "higher": 0.004, "within": 0.061, "converged": False,
                                   "method": "Bayesian linear mixed model"}},
            "hypotheses": [self.hypothesis(i, name) for i, name in enumerate(PROBES)],
            "planted": self.matrix() if self.planted else None,
            "power": self.power(),
            "rates": self.rates(),
            "matched": {"words": "Every base saw the same 200,000 tokens of its own tokenizer.",
                        "bases": {b["base"]: {"steps": 200, "tokens": 200_000,
                                              "supervised_tokens": 81_000 + 100 * i,
                                              "bytes": 700_000 + 9_000 * i}
                                  for i, b in enumerate(self.bases)}},
            "collapsed": [{"base": self.bases[1]["base"], "output": "tuned", "seed": 1,
                           "task": "gsm8k", "why": "one answer to all items", "share": 0.98}],
            "holes": [{"base": self.bases[2]["base"], "output": "tuned",
                       "fact": "training stopped", "cause": "the loss is not a number"}],
            "conditions": {"suite": "quick 3", "notes": ["ppl does not count"],
                           "tasks": list(TASKS), "margin": 0.03, "alpha": 0.05,
                           "precision": "bfloat16", "halves": {"seed": 0, "A": 200, "B": 200},
                           "rules": {"explain": "Supported: an effect, and a part explained.",
                                     "published": "Ordinary least squares, one row a base."},
                           "cannot_be_concluded": ["The groups were not assigned."]},
            "would_change": [
                "Two more families a group would bring the detectable difference to 4.9 points.",
                "Without gemma-2 the difference in final score would be 6.1 points.",
            ],
            "source": None,
        }  # fmt: skip

    def estimand(
        self, name: str, title: str, unit: str, main: bool, verdict: str
    ) -> dict[str, Any]:
        values = {"final": [b["before"] + b["gain"] for b in self.bases],
                  "gain": [b["gain"] for b in self.bases]}  # fmt: skip
        mine = values.get(name) or [b["gain"] + float(self.rng.normal(0, 0.02)) for b in self.bases]
        whole = {"final": 0.098, "gain": -0.081, "gain_at_start": 0.004}.get(name, -0.04)
        half = 0.018 if verdict == "equivalent" else 0.052
        told = {"value": whole, "ci95": [whole - half, whole + half],
                "ci90": [whole - 0.8 * half, whole + 0.8 * half]}  # fmt: skip
        return {
            "name": name, "title": title, "unit": unit, "main": main, **told,
            "p": chance(whole / half), "p_permutation": chance(0.9 * whole / half),
            "permutations": 2772, "least_p": 0.002, "collapsed": 1,
            "with_collapsed": 0.9 * whole, "df": 8.4, "n_rows": 132, "n_bases": len(self.bases),
            "n_families": len({b["family"] for b in self.bases}),
            "method": "mixed model, REML; families permuted", "margin": 0.03, "verdict": verdict,
            "words": f"Chinese bases: {title.lower()} differs by {100 * whole:+.1f} points.",
            "tasks": {task: {**self.draw(), "p": self.p()} for task in TASKS},
            "bases": [{"base": b["base"], "group": b["group"], "family": b["family"],
                       **self.near(value), "seeds": 2, "n": 400}
                      for b, value in zip(self.bases, mine, strict=True)],
            "left_out": [{"family": family, **self.near(whole + float(self.rng.normal(0, 0.01)))}
                         for family in dict.fromkeys(b["family"] for b in self.bases)],
            "missing": None,
        }  # fmt: skip

    def paradox(self) -> dict[str, Any]:
        def side(group: str) -> dict[str, float]:
            before = [b["before"] for b in self.bases if b["group"] == group]
            gain = [b["gain"] for b in self.bases if b["group"] == group]
            start, more = float(np.mean(before)), float(np.mean(gain))
            return {"before": start, "gain": more, "after": start + more}

        return {
            "shown": True,
            "words": [
                "Chinese bases start 18 points higher and end 9.8 points higher: "
                "the others gained more and still have not caught up.",
                "Among bases that start alike, the groups gain the same. "
                "All three are true of the same numbers.",
            ],
            "sides": {group: side(group) for group in FAMILIES},
        }

    def hypothesis(self, index: int, name: str) -> dict[str, Any]:
        title, unit, paper, _ = PROBES[name]
        verdict = ("supported", "not supported", "cannot tell")[index % 3]
        scale = {"nats": 4.0, "rank": 100.0, "bytes a token": 20.0}.get(unit, 1.0)
        hits = 3 if index != 4 else 2
        missing = "no fresh items were given" if index == 11 else None
        if missing:
            return self.unmeasured(name, missing)
        return {
            "name": name, "title": title, "registered": index < 8, "unit": unit, "paper": paper,
            "question": f"Is it {title.lower()} that makes these bases gain more?",
            "statistic": f"what {title.lower()} measures", "rule": "fires above 0.5, interval too",
            "procedure": "items are asked twice", "margin": 0.03 * scale,
            "effect": {**self.draw(0.1 * scale, 0.08 * scale), "p": self.p(),
                       "p_adjusted": self.p(), "p_permutation": self.p(),
                       "adjustment": "Holm" if index < 8 else "BH"},
            "explains": {"gain_difference": -0.081, "gain_ci95": [-0.133, -0.029], "left": -0.024,
                         "left_ci95": [-0.06, 0.012], "part": -0.057, "share": 0.704,
                         "ci95": [-0.091, -0.012]} if index % 2 == 0 else None,
            "verdict": verdict, "words": f"{title} goes with the group and with the gain.",
            "control": {"passed": hits == 3, "detected": hits, "of": 3, "ci95": wilson(hits, 3),
                        "false_alarms": index % 2, "false_of": 27,
                        "false_ci95": wilson(index % 2, 27), "source": "recipes/study/planted.yaml"}
            if index != 7 else None,
            "bases": [{"base": b["base"], "group": b["group"], "family": b["family"],
                       **self.draw(0.2 * scale, 0.1 * scale), "n": 200,
                       "fires": (True, False, None)[number % 3],
                       "words": f"measured on {200 + number} items", "parts": {"auc": 0.5}}
                      for number, b in enumerate(self.bases)],
            "missing": None,
        }  # fmt: skip

    def unmeasured(self, name: str, missing: str) -> dict[str, Any]:
        title, unit, paper, _ = PROBES[name]
        return {
            "name": name, "title": title, "registered": False, "unit": unit, "paper": paper,
            "question": f"Is it {title.lower()}?", "statistic": "", "rule": "",
            "effect": None, "explains": None, "verdict": "cannot tell",
            "words": "It was not measured.",
            "control": None, "bases": [], "missing": missing,
        }  # fmt: skip

    def matrix(self) -> dict[str, Any]:
        rows = []
        for index, (name, (title, _, _, own)) in enumerate(PROBES.items()):
            cells = {}
            for column, cause in enumerate(CAUSES):
                fired = 3 if cause in own else int((index + column) % 17 == 5)
                fired -= int(name == "spurious" and cause in own)
                cells[cause] = {"fired": fired, "of": 3, "undecided": int(index == column == 6),
                                "ci95": wilson(fired, 3)}  # fmt: skip
            mine = sum(cells[c]["fired"] for c in own)
            away = sum(cell["fired"] for c, cell in cells.items() if c not in own)
            rest = 3 * (len(CAUSES) - len(own))
            rows.append(
                {"name": name, "title": title, "own": list(own), "cells": cells,
                 "own_rate": {"fired": mine, "of": 3 * len(own), "ci95": wilson(mine, 3)},
                 "elsewhere": {"fired": away, "of": rest, "ci95": wilson(away, rest)}}
            )  # fmt: skip
        return {"causes": list(CAUSES), "rows": rows,
                "words": ["Eleven of twelve probes found their own cause in every base.",
                          "Spurious signal missed one latent base."]}  # fmt: skip

    def power(self) -> dict[str, Any]:
        def at(x: float) -> float:
            return 0.5 * math.erfc(-(x / 0.022 - 1.96) / math.sqrt(2))

        return {
            "families": {"Chinese": 5, "the rest": 6}, "bases": {"Chinese": 10, "the rest": 12},
            "seeds": 2, "items": 400, "spread": 0.05, "spread_source": "assumed", "smallest": 0.062,
            "power": 0.8, "can_answer": True,
            "curve": [[i / 100, at(i / 100)] for i in range(13)],
            "more": ["Two more families a group: 5.1 points.", "Two more seeds: 6.1 points."],
            "words": ["A difference of 6.2 points between the groups is found four times in five."],
        }  # fmt: skip

    def rates(self) -> dict[str, Any]:
        tried = [1e-5, 1e-4, 1e-3]
        bases = {}
        for b in self.bases:
            best = int(self.rng.integers(0, 3))
            top = b["before"] + b["gain"]
            scores = {f"{rate:g}": top - 0.06 * abs(i - best) ** 1.5
                      for i, rate in enumerate(tried)}  # fmt: skip
            bases[b["base"]] = {"scores": scores, "best": tried[best], "fixed": 1e-4}
        return {"tried": tried, "fixed": 1e-4, "bases": bases,
                "reversals": None}  # fmt: skip


def from_table() -> dict[str, Any]:
    """A published table as a study: no probes, no registration, and what was published beside."""
    given = make_study()
    study = copy.deepcopy(given["study"])
    study |= {
        "registration": None, "hypotheses": [], "planted": None, "rates": None, "matched": None,
        "collapsed": [], "holes": [],
        "source": {"file": "before_after.csv", "sha256": "ab" * 32, "rows": 327,
                   "mapping": {"group": "chinese", "family": "fam"}},
        "published": {
            task: {
                figure: {"value": value, "se": 0.042, "se_family": 0.051, "p": 0.002, "n": 53,
                         "ci95": [value - 0.08, value + 0.08], "families": 17}
                for figure, value in (("before_at_compute", 0.137), ("final_at_compute", 0.0012))
            } | {"gain": None}
            for task in ("gsm8k", "mmlu")
        },
    }  # fmt: skip
    return {**given, "study": study}


#: Every shape that a study comes in.
SHAPES: dict[str, Callable[[], dict[str, Any]]] = {
    "many": make_study,
    "one family a side": lambda: make_study(one_family=True),
    "planted": lambda: make_study(planted=True),
    "table": from_table,
    "nothing known": empty_study,
}
