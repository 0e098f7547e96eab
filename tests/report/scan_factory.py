"""scan.json as the workbench writes it: item scores are drawn, everything else follows from them.

A block around the middle helps, long blocks and the ends hurt, and chance does the rest.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy
from scipy.stats import norm, spearmanr

from workbench.relayer.path import Path as LayerPath
from workbench.relayer.path import describe, insert_blocks

METRICS = {"math-guess": "closeness", "emotion": "rating_match", "lm": "logprob"}


def make_scan(
    n_layers: int = 8,
    *,
    probes: tuple[str, ...] = ("math-guess", "emotion"),
    items: int = 48,
    held_out: int = 200,
    helps: float = 0.12,
    anatomy: bool = True,
    repeats: bool = True,
    overflow: bool = True,
    seed: int = 0,
) -> dict[str, Any]:
    """A whole scan.json. ``helps`` is the best block's true gain; at 0 none is confirmed."""
    random = numpy.random.default_rng([seed, n_layers])
    paths = _paths(n_layers, repeats)
    luck = {probe: random.normal(0, 0.12, items) for probe in probes}
    scores = {
        probe: numpy.array(
            [
                0.55 + _true(found, n_layers, helps, at) + luck[probe]
                + random.normal(0, 0.09 if found["extra"] else 0.0, items)
                for found in paths
            ]
        )
        for at, probe in enumerate(probes)
    }  # fmt: skip
    if overflow:
        for found, row in zip(paths, range(len(paths)), strict=True):
            if found["block"] and found["extra"] >= max(2, n_layers - 1):
                scores[probes[0]][row] = numpy.nan
    gains = {probe: values - values[0] for probe, values in scores.items()}
    spread = {probe: float(numpy.nanstd(each.mean(axis=1))) or 1.0 for probe, each in gains.items()}
    for row, found in enumerate(paths):
        _fill(found, row, scores, gains, spread)
    _adjust(paths)
    ranked = sorted(
        (p for p in paths[1:] if p["combined"] is not None), key=lambda p: -p["combined"]
    )
    winners = [
        _winner(found, n_layers, helps, probes, held_out, spread, random)
        for found in (ranked[:6] if held_out else [])
    ]
    best = next((w for w in winners if w["confirmed"]), None)
    return {
        "n_layers": n_layers,
        "seed": seed,
        "probes": [
            {"name": probe, "metric": METRICS.get(probe, "score"),
             "metrics": [METRICS.get(probe, "score")], "needs_generation": False,
             "items": items, "held_out": held_out, "floors": {METRICS.get(probe, "score"): 0.5}}
            for probe in probes
        ],
        "base": describe(range(n_layers)),
        "paths": paths,
        "winners": winners,
        "verdict": {
            "best": best and best["path"],
            "sentence": f"{best['path']} beats the base." if best else "No path beats the base.",
            "reason": f"Of {len(winners)} paths measured on {held_out} held-out items, "
            + ("its interval lies above zero." if best else "none has an interval above zero."),
        },
        "shrinkage": _shrinkage(winners[0]) if winners else None,
        "curse": {"expected": 0.31, "ci95": [0.12, 0.5], "method": "choosing on 80% of the items"},
        "discoveries": {
            "q": 0.05,
            "count": sum((p["combined_q"] or 1) < 0.05 and p["combined"] > 0 for p in paths[1:]),
            "of": len(paths) - 1,
            "method": "Benjamini-Hochberg",
        },
        "pareto": _pareto(paths, winners),
        "agreement": {"spearman": 0.91, "ci95": [0.8, 0.96], "n": 37, "a": "read", "b": "written"},
        "anatomy": _anatomy(n_layers, paths, random) if anatomy else None,
        "cost": {"layer_passes": 9_120 * n_layers, "naive_layer_passes": 19_000 * n_layers,
                 "tokens_per_second": 7_042.3, "seconds": 184.2, "sweeps": 2},
        "conditions": {"model": "tiny/sums", "chat": True, "precision": {"dtype": "float32"}},
    }  # fmt: skip


def write_scan_run(folder: Path, results: dict[str, Any], scan: dict[str, Any]) -> None:
    """Adds an output of kind scan to ``results`` and lays scan.json where its folder is."""
    path = [int(layer) for layer in range(scan["n_layers"])]
    results["outputs"].append(
        {
            "id": "best",
            "name": "best",
            "kind": "scan",
            "seed": None,
            "key": "00ab",
            "parents": [results["outputs"][0]["name"]],
            "path": "adapters/best-00ab",
            "record": {
                "path": path,
                "parent_layers": scan["n_layers"],
                "scan": {key: value for key, value in scan.items() if key != "paths"},
            },
        }
    )
    target = folder.parent.parent / "adapters" / "best-00ab"
    target.mkdir(parents=True)
    (target / "scan.json").write_text(json.dumps(scan))


def _paths(n: int, repeats: bool) -> list[dict[str, Any]]:
    base: LayerPath = tuple(range(n))
    found = [_path(base, n, [0, 0], None, "base")]
    for i in range(n):
        for j in range(i + 1, n + 1):
            found.append(_path((*range(j), *range(i, n)), n, [i, j], None, "blocks"))
    for layer in range(n if repeats else 0):
        for times in range(3, 9):
            path = (*range(layer), *[layer] * times, *range(layer + 1, n))
            found.append(_path(path, n, None, [layer, times], "repeats"))
    if n >= 8:
        twice = insert_blocks([(1, 2), (n // 2, n // 2 + 2)], n)
        found.append(_path(twice, n, None, None, "beam"))
    return found


def _path(
    path: LayerPath, n: int, block: list[int] | None, repeat: list[int] | None, search: str
) -> dict[str, Any]:
    return {"path": describe(path), "extra": len(path) - n, "block": block, "repeat": repeat,
            "search": search}  # fmt: skip


def _true(found: dict[str, Any], n: int, helps: float, probe: int) -> float:
    if not found["extra"]:
        return 0.0
    length = found["extra"] / n
    if found["block"]:
        i, j = found["block"]
        centre = ((i + j) / 2 / n - 0.5 - 0.04 * probe) / 0.13
        size = (length - 0.22) / 0.13
        bump = helps * math.exp(-(centre**2 + size**2) / 2)
        edges = 0.4 * math.exp(-i / (0.06 * n)) + 0.25 * math.exp(-(n - j) / (0.08 * n))
        return bump - 0.45 * length**2 - edges * 0.6 - 0.01
    return -0.05 * found["extra"] * abs((found["repeat"] or [n / 2])[0] / n - 0.5) - 0.01


def _mean(values: numpy.ndarray) -> tuple[float, list[float]]:
    centre, reach = float(values.mean()), 1.96 * float(values.std(ddof=1)) / math.sqrt(len(values))
    return centre, [centre - reach, centre + reach]


def _p(centre: float, ci95: list[float]) -> float:
    error = (ci95[1] - ci95[0]) / 3.92
    return float(2 * norm.sf(abs(centre) / error)) if error else 1.0


def _fill(
    found: dict[str, Any],
    row: int,
    scores: dict[str, numpy.ndarray],
    gains: dict[str, numpy.ndarray],
    spread: dict[str, float],
) -> None:
    found |= {"scores": {}, "z": {}}
    for probe, values in scores.items():
        overflowed = int(numpy.isnan(values[row]).sum())
        if overflowed:
            found["scores"][probe] = {
                "score": None, "ci95": None, "n": len(values[row]), "overflow": overflowed,
                "gain": None, "gain_ci95": None, "p": None, "q": None, "metrics": {},
            }  # fmt: skip
            found["z"][probe] = None
            continue
        score, ci95 = _mean(values[row])
        gain, gain_ci95 = _mean(gains[probe][row])
        found["scores"][probe] = {
            "score": score, "ci95": ci95, "n": len(values[row]), "overflow": 0, "gain": gain,
            "gain_ci95": gain_ci95, "p": _p(gain, gain_ci95), "q": 0.2,
            "metrics": {METRICS.get(probe, "score"): score},
        }  # fmt: skip
        found["z"][probe] = gain / spread[probe]
    if None in found["z"].values():
        found |= {"combined": None, "combined_ci95": None, "combined_p": None, "combined_q": None}
        return
    each = numpy.mean([gains[probe][row] / spread[probe] for probe in scores], axis=0)
    centre, ci95 = _mean(each)
    found |= {"combined": centre, "combined_ci95": ci95, "combined_p": _p(centre, ci95)}


def _adjust(paths: list[dict[str, Any]]) -> None:
    known = [p for p in paths if p.get("combined_p") is not None]
    least = 1.0
    for rank, found in sorted(
        enumerate(sorted(known, key=lambda p: p["combined_p"]), 1), reverse=True
    ):
        least = min(least, found["combined_p"] * len(known) / rank)
        found["combined_q"] = least


def _winner(
    found: dict[str, Any],
    n: int,
    helps: float,
    probes: tuple[str, ...],
    held_out: int,
    spread: dict[str, float],
    random: numpy.random.Generator,
) -> dict[str, Any]:
    judged, each = {}, []
    for at, probe in enumerate(probes):
        values = _true(found, n, helps, at) + random.normal(0, 0.09, held_out)
        gain, ci95 = _mean(values)
        judged[probe] = {"gain": gain, "ci95": ci95, "p": _p(gain, ci95), "n": held_out,
                         "score": 0.55 + gain, "base": 0.55}  # fmt: skip
        each.append(values / spread[probe])
    gain, ci95 = _mean(numpy.mean(each, axis=0))
    p = _p(gain, ci95)
    return {
        "path": found["path"],
        "extra": found["extra"],
        "search_gain": found["combined"],
        "search_ci95": found["combined_ci95"],
        "held_out": judged,
        "combined": {"gain": gain, "ci95": ci95, "p": p, "p_adjusted": min(1.0, 6 * p)},
        "confirmed": ci95[0] > 0 and 6 * p < 0.05,
    }


def _shrinkage(winner: dict[str, Any]) -> dict[str, Any]:
    search, held_out = winner["search_gain"], winner["combined"]["gain"]
    lost = search - held_out
    return {"search": search, "held_out": held_out, "difference": lost,
            "ci95": [lost - 0.2, lost + 0.2], "ratio": held_out / search}  # fmt: skip


def _pareto(paths: list[dict[str, Any]], winners: list[dict[str, Any]]) -> list[dict[str, Any]]:
    points = [{"path": paths[0]["path"], "extra": 0, "gain": 0.0, "ci95": [0.0, 0.0],
               "source": "held_out" if winners else "search"}]  # fmt: skip
    held = {winner["path"]: winner["combined"] for winner in winners}
    for extra in range(1, 1 + max(p["extra"] for p in paths)):
        longest = [p for p in paths if p["extra"] == extra and p["combined"] is not None]
        found = max(longest, key=lambda p: p["combined"], default=None)
        if found is None or found["combined"] <= points[-1]["gain"]:
            continue
        told = held.get(found["path"])
        points.append(
            {"path": found["path"], "extra": extra,
             "gain": told["gain"] if told else found["combined"],
             "ci95": told["ci95"] if told else found["combined_ci95"],
             "source": "held_out" if told else "search"}
        )  # fmt: skip
    return points


def _anatomy(n: int, paths: list[dict[str, Any]], random: numpy.random.Generator) -> dict[str, Any]:
    along = numpy.arange(n) / n
    layers = {
        "block influence": 0.4 * numpy.exp(-along / 0.1) + 0.05 + 0.01 * random.normal(size=n),
        "displacement": 0.6 + along**2 + 0.05 * random.normal(size=n),
        "cross-language similarity": numpy.exp(-(((along - 0.5) / 0.25) ** 2)),
        "logit-lens entropy": 6 - 5 * along**3 + 0.1 * random.normal(size=n),
    }
    gaps = numpy.abs(numpy.arange(n + 1)[:, None] - numpy.arange(n + 1)[None, :])
    blocks = [p for p in paths if p["block"] and p["extra"] and p["combined"] is not None]
    screens = []
    for name, values in layers.items():
        guess = [-values[p["block"][0] : p["block"][1]].mean() for p in blocks]
        rho = spearmanr(guess, [p["combined"] for p in blocks]).statistic if len(blocks) > 2 else 0
        screens.append(
            {"figure": name, "spearman": float(rho), "ci95": [float(rho) - 0.2, float(rho) + 0.2],
             "n": len(blocks), "top_block": blocks[int(numpy.argmax(guess))]["block"]
             if blocks else None, "rank_of_measured_best": 7}
        )  # fmt: skip
    return {
        "layers": {
            name: [None if i == n - 1 and "cross" in name else float(v)
                   for i, v in enumerate(values)]
            for name, values in layers.items()
        },
        "similarity": numpy.exp(-gaps / (0.3 * n)).tolist(),
        "screens": screens,
        "notes": ["Hidden states of 64 texts."],
    }  # fmt: skip
