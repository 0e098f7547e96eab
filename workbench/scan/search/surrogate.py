"""Boosted trees learn the paths measured so far, rank candidates by the million, and the top of
their ranking is measured; then they learn again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.compare.ranks import rank_agreement
from workbench.relayer.path import Path
from workbench.scan.config import SurrogateConfig
from workbench.scan.search.candidates import draw
from workbench.scan.search.features import features
from workbench.scan.search.meter import Floats, Meter, base_of, best_first, standings
from workbench.scan.search.runs import Runs, joined, runs_of

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

#: Candidates drawn at once, and how many of them are given features at once: few enough for a
#: processor's cache, which makes both features and trees twice as fast.
_BATCH = 20_000
_SLICE = 1_000

#: Ranked candidates kept for each that is measured, so that diversity has something to choose from.
_POOL = 64

#: Measured paths that candidates start from.
_GOOD = 64

#: Of the paths measured in a round, the part that may have seams in the same places.
_ALIKE = 8


@dataclass(frozen=True)
class Round:
    """One turn of learning, ranking and measuring.

    ``spearman`` compares prediction and measurement on the ``measured`` paths, none of which the
    trees had seen; ``ci95`` is its interval. The paths are the top of the ranking and therefore
    alike: over all candidates the correlation would be higher. None where it is not defined.
    """

    trained_on: int
    ranked: int
    measured: int
    spearman: float | None
    ci95: tuple[float, float] | None


@dataclass(frozen=True)
class SurrogateRecord:
    """What the surrogate did."""

    rounds: list[Round]

    @property
    def ranked(self) -> int:
        """Candidates ranked, in all rounds together; a path counts once a batch."""
        return sum(one.ranked for one in self.rounds)

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {"ranked": self.ranked, "rounds": [asdict(one) for one in self.rounds]}


def search(
    meter: Meter, config: SurrogateConfig, *, seed: int, measured: Sequence[Path]
) -> tuple[list[Path], SurrogateRecord]:
    """Measure ``rounds`` times the top ``measure`` of ``candidates``; the new paths, and a record.

    Learns from ``measured`` and from what it adds itself. A path that a race dropped is learned by
    the items it was measured on, one that overflowed as the worst there is. Without ``max_extra`` a
    path has up to twice the model's layers.
    """
    n_layers = meter.n_layers
    rng = np.random.default_rng(seed)
    known = list(dict.fromkeys(measured))
    found: list[Path] = []
    rounds: list[Round] = []
    for number in range(1, config.rounds + 1):
        standing = standings(meter, known, partial=True)
        if len(np.unique(standing[np.isfinite(standing)])) < 2:
            break
        model = fit(known, standing, n_layers, seed)
        ranked, pool, predicted = rank(
            model,
            rng,
            config.candidates,
            n_layers,
            n_layers if config.max_extra is None else config.max_extra,
            good=best_first(known, standing)[:_GOOD],
            known=set(known) | {base_of(n_layers)},
            keep=_POOL * config.measure,
        )
        chosen = diverse(pool, config.measure, n_layers)
        new = [pool[at] for at in chosen]
        if not new:
            break
        meter.measure(new, label=f"surrogate, round {number}")
        known += new
        found += new
        truth = standings(meter, known, partial=True)[-len(new) :]
        rounds.append(_round(len(known) - len(new), ranked, predicted[chosen], truth))
    return found, SurrogateRecord(rounds)


def fit(
    paths: Sequence[Path], standing: Floats, n_layers: int, seed: int
) -> HistGradientBoostingRegressor:
    """Trees that predict a path's standing, with small leaves: a good block is few cells wide."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    finite = standing[np.isfinite(standing)]
    model = HistGradientBoostingRegressor(
        max_iter=150,
        learning_rate=0.1,
        max_leaf_nodes=15,
        min_samples_leaf=5,
        l2_regularization=1.0,
        max_features=0.5,
        early_stopping=False,
        random_state=seed,
    )
    target = np.where(np.isfinite(standing), standing, finite.min())
    return model.fit(np.concatenate(list(_in_slices(runs_of(paths), n_layers))), target)


def rank(
    model: HistGradientBoostingRegressor,
    rng: np.random.Generator,
    candidates: int,
    n_layers: int,
    max_extra: int,
    *,
    good: Sequence[Path],
    known: set[Path],
    keep: int,
) -> tuple[int, list[Path], Floats]:
    """Draw and rank ``candidates``; how many differed within their batch, and the best ``keep``.

    The best come without those ``known``, best first, with their predictions. Memory is bounded by
    the batch and by ``keep``.
    """
    pool: Runs | None = None
    scores = np.empty(0)
    seeds = runs_of(good) if good else None
    ranked = 0
    for start in range(0, candidates, _BATCH):
        drawn = draw(rng, min(_BATCH, candidates - start), n_layers, max_extra, seeds)
        if not len(drawn):
            continue
        predicted = np.concatenate([model.predict(x) for x in _in_slices(drawn, n_layers)])
        ranked += len(drawn)
        # Known paths fill some of the places, hence their number on top.
        best = np.argsort(-predicted, kind="stable")[: keep + len(known)]
        pool = drawn[best] if pool is None else joined([pool, drawn[best]])
        scores = np.concatenate([scores, predicted[best]])
        _, first = np.unique(pool.keys, return_index=True)
        order = first[np.argsort(-scores[first], kind="stable")][: keep + len(known)]
        pool, scores = pool[order], scores[order]
    if pool is None:
        return ranked, [], scores
    paths = pool.paths()
    new = [at for at, path in enumerate(paths) if path not in known][:keep]
    return ranked, [paths[at] for at in new], scores[new]


def diverse(ranked: Sequence[Path], count: int, n_layers: int) -> list[int]:
    """Which of ``ranked`` (best first) to measure: the best, but not one thing ``count`` times.

    At most an eighth may have their seams in the same cells of a coarse grid, a sixteenth of the
    model wide. Places left over go to the best of the rest.
    """
    cell = max(2, math.ceil(n_layers / 16))
    limit = max(1, count // _ALIKE)
    taken: dict[bytes, int] = {}
    chosen: list[int] = []
    rest: list[int] = []
    runs = runs_of(ranked)
    coarse = np.concatenate([runs.starts // cell, runs.ends // cell], axis=1)
    for at, row in enumerate(coarse):
        key = row.tobytes()
        if len(chosen) == count:
            break
        if taken.get(key, 0) < limit:
            taken[key] = taken.get(key, 0) + 1
            chosen.append(at)
        else:
            rest.append(at)
    return sorted(chosen + rest[: count - len(chosen)])


def _in_slices(runs: Runs, n_layers: int) -> Iterator[Floats]:
    for start in range(0, len(runs), _SLICE):
        yield features(runs[start : start + _SLICE], n_layers)


def _round(trained_on: int, ranked: int, predicted: Floats, truth: Floats) -> Round:
    # Ranks only: an overflowed path is simply the last.
    worst = float(np.min(truth[np.isfinite(truth)], initial=0.0)) - 1.0
    found = rank_agreement(predicted, np.where(np.isfinite(truth), truth, worst))
    return Round(trained_on, ranked, len(truth), found.spearman, found.ci95)
