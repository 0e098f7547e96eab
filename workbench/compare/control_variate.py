"""An output's score on all items from a part of them, with the help of scores known on every item.

A parent that was scored on the whole task tells how hard the sample happens to be: where it does
better on the sample than on the whole, so presumably does its child, and the child's figure is
taken down by as much. Items then count as if there were more of them, by the ``factor``.

Two estimators. *Difference* (paired): the parent's known mean plus the mean difference on the
sample, a coefficient of one. *Regression* (control variate): the coefficient, or one for each of
several controls, by least squares on the sample; never worse than the plain mean in large samples,
its factor 1 / (1 - R²). Cochran (1977), Sampling Techniques, 3rd ed., ch. 7; Owen (2013), Monte
Carlo theory, methods and examples, sec. 8.9.

**What the intervals are for.** ``ci95`` holds the score of this output on *these* ``of`` items, the
figure that scoring all of them would give; its width shrinks to nothing as n nears ``of``.
``ci95_items`` holds the mean over all such items, of which the task's own are a sample: it is wider
by the whole set's own uncertainty. The control makes the first narrower; the second never becomes
narrower than a whole evaluation's.

A stratified sample in proportion needs nothing else: ignoring the strata is only a little too wide.
Indicators of strata may be given as further controls, which then is post-stratification.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.compare.differences import tango
from workbench.evaluate.intervals import (
    Interval,
    clustered_error,
    mean_interval,
    normal_quantile,
    t_quantile,
    wilson,
)


@dataclass(frozen=True)
class Estimate:
    """The mean score over ``of`` items, of which ``n`` were scored.

    ``factor``: as many times the items a plain mean would have needed for the same variance; None
    where the output's scores do not vary. ``residual_sd`` is what is left of an item's standard
    deviation once the controls are allowed for. Both are taken item by item, whatever was drawn
    together. The value and the intervals of right/wrong items stay within 0 and 1.
    """

    value: float
    ci95: Interval
    ci95_items: Interval
    n: int
    of: int
    factor: float | None
    coefficients: tuple[float, ...]
    residual_sd: float
    method: str

    def items_for(self, half_width: float) -> int:
        """How many of the ``of`` items bring ``ci95`` to ± ``half_width``.

        Cochran (1977), ch. 4, with the finite population: ``n0 / (1 + n0 / N)``, where
        ``n0 = (z s / half_width)²``.

        Raises:
            ValueError: ``half_width`` is not positive.
        """
        if not half_width > 0:
            raise ValueError(f"a half-width of {half_width}")
        plain = (normal_quantile() * self.residual_sd / half_width) ** 2
        return min(self.of, max(2, math.ceil(plain / (1 + plain / self.of))))


def difference_estimate(
    scores: Any, control: Any, known_mean: float, of: int, *, units: Sequence[str] | None = None
) -> Estimate:
    """The control's known mean plus the mean difference on the sample.

    Args:
        scores: the output's scores on the n sampled items.
        control: the control's scores on the same items, in the same order.
        known_mean: the control's mean over all ``of`` items.
        of: items in the whole task.
        units: rows of the same unit were drawn together (the instructions of one prompt).

    Raises:
        ValueError: lengths differ, or n is below 2 or above ``of``.
    """
    y, x = _checked(scores, control, of)
    x = x[:, 0]
    n, left = len(y), 1 - len(y) / of
    differences = y - x
    value = known_mean + float(differences.mean())
    right_wrong = _right_wrong(y, x)
    squares = float(np.sum((differences - differences.mean()) ** 2))
    spread = _spread(squares, n, 1, right_wrong)
    if left <= 0:
        interval, method = (value, value), "difference estimator, all items scored"
    elif right_wrong and units is None:
        gained, lost = int((differences > 0).sum()), int((differences < 0).sum())
        # Without replacement, n items tell as much as n / (1 - f) drawn at random.
        low, high = tango(gained / left, lost / left, n / left)
        interval, method = (known_mean + low, known_mean + high), "difference estimator, Tango"
    else:
        error, count = clustered_error(differences, _units(units, n))
        error = max(error, spread / math.sqrt(n) if right_wrong else 0.0)
        half = t_quantile(max(1, count - 1)) * math.sqrt(left) * error
        interval, method = (value - half, value + half), "difference estimator, t"
    return _estimate(y, value, interval, of, spread, (1.0,), units, method)


def regression_estimate(
    scores: Any,
    controls: Any,
    known_means: Sequence[float],
    of: int,
    *,
    units: Sequence[str] | None = None,
) -> Estimate:
    """The sample's mean moved by what the controls say of the sample, coefficients optimal.

    Arguments as for :func:`difference_estimate`, with a column a control.

    Right/wrong items with one right/wrong control: the estimate is the output's accuracy where the
    control is right and where it is wrong, each with its known weight; Wilson's intervals of the
    two are put together by Zou and Donner (2008), Statistics in Medicine 27, 1693-1702 (MOVER),
    which holds where hardly any item changed. Otherwise Student's t on residuals weighted as in
    Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, ch. 6, each divided by one
    minus its leverage.

    Raises:
        ValueError: lengths differ, n is above ``of``, or there are fewer units than two more than
            controls.
    """
    y, x = _checked(scores, controls, of)
    n, left = len(y), 1 - len(y) / of
    known = np.asarray(known_means, dtype=float)
    if known.shape != (x.shape[1],):
        raise ValueError(f"{x.shape[1]} controls and {known.shape} known means")
    fit = _Fit(y, x, known, _units(units, n))
    right_wrong = _right_wrong(y)
    spread = _spread(float(np.sum(fit.residuals**2)), n, 1 + fit.rank, right_wrong)
    method = "regression estimator (control variate)"
    if left <= 0:
        interval, method = (fit.value, fit.value), f"{method}, all items scored"
    elif right_wrong and units is None and x.shape[1] == 1 and _right_wrong(x):
        interval = _two_cells(y, x[:, 0], float(known[0]), fit.value, left)
        method += ", Wilson by what the control got right"
    else:
        error = max(fit.error, spread / math.sqrt(n) if right_wrong else 0.0)
        half = t_quantile(fit.freedom) * math.sqrt(left) * error
        interval, method = (fit.value - half, fit.value + half), f"{method}, t"
    return _estimate(y, fit.value, interval, of, spread, fit.slopes, units, method)


class _Fit:
    """Least squares of the scores on the controls, and what it says of the mean over all items."""

    def __init__(self, y: np.ndarray, x: np.ndarray, known: np.ndarray, units: Any) -> None:
        n = len(y)
        centred = x - x.mean(axis=0)
        # A control that does not vary on the sample gets a coefficient of zero.
        inverse = np.linalg.pinv(centred.T @ centred, rcond=1e-10, hermitian=True)
        slopes = inverse @ centred.T @ y
        shift = known - x.mean(axis=0)
        self.rank = int(np.linalg.matrix_rank(centred, tol=1e-8)) if centred.size else 0
        self.slopes = tuple(float(slope) for slope in slopes)
        self.value = float(y.mean() + shift @ slopes)
        self.residuals = y - y.mean() - centred @ slopes
        _, index = np.unique(np.asarray(units), return_inverse=True)
        count = int(index.max()) + 1
        self.freedom = count - 1 - self.rank
        if self.freedom < 1:
            raise ValueError(f"{count} units are too few for {self.rank} controls")
        leverage = 1 / n + np.einsum("ij,jk,ik->i", centred, inverse, centred)
        weights = 1 / n + centred @ inverse @ shift
        # Divided by one minus the leverage: what the item would leave were it not in the fit.
        weighted = weights * self.residuals / np.clip(1 - leverage, 0.1, 1)
        sums = np.bincount(index, weights=weighted)
        self.error = math.sqrt(float(np.sum(sums**2)) * (count - 1) / count)


def _two_cells(y: np.ndarray, x: np.ndarray, share: float, value: float, left: float) -> Interval:
    """MOVER for ``share · accuracy where x is 1 + (1 - share) · accuracy where x is 0``."""
    below = above = 0.0
    for weight, cell in ((share, y[x == 1]), (1 - share, y[x == 0])):
        if not len(cell):
            # Nothing is known of those items: anything from all wrong to all right.
            low, high, middle = 0.0, 1.0, float(y.mean())
        else:
            low, high = wilson(float(cell.sum()) / left, len(cell) / left)
            middle = float(cell.mean())
        below += (weight * (middle - low)) ** 2
        above += (weight * (high - middle)) ** 2
    return max(0.0, value - math.sqrt(below)), min(1.0, value + math.sqrt(above))


def _spread(squares: float, n: int, used: int, right_wrong: bool) -> float:
    """The standard deviation of the residuals, ``used`` degrees of freedom gone.

    Right/wrong items get one disagreement more, among two items more, so that a sample without any
    is no proof that there is none: Agresti and Min (2005), Statistics in Medicine 24, 729-740.
    """
    if right_wrong:
        squares, n = squares + 1, n + 2
    return math.sqrt(squares / max(1, n - used))


def _estimate(
    y: np.ndarray,
    value: float,
    ci95: Interval,
    of: int,
    spread: float,
    slopes: tuple[float, ...],
    units: Sequence[str] | None,
    method: str,
) -> Estimate:
    variance = float(y.var(ddof=1))
    items = _all_such_items(y, value, ci95, of, units)
    if _right_wrong(y):
        value = _share(value)
        ci95 = _share(ci95[0]), _share(ci95[1])
        items = _share(items[0]), _share(items[1])
    # Where all items were scored, the controls told nothing that was not known.
    exact = len(y) >= of
    return Estimate(
        value=value,
        ci95=ci95,
        ci95_items=items,
        n=len(y),
        of=of,
        factor=None if exact or variance == 0 or spread == 0 else variance / spread**2,
        coefficients=slopes,
        residual_sd=spread,
        method=method,
    )


def _all_such_items(
    y: np.ndarray, value: float, ci95: Interval, of: int, units: Sequence[str] | None
) -> Interval:
    """``ci95`` widened, by MOVER, by how far the whole set's mean may be from that of all items."""
    if _right_wrong(y) and units is None:
        inside = min(1.0, max(0.0, value))
        low, high = wilson(inside * of, of)
        reach = inside - low, high - inside
    else:
        low, high = mean_interval(y, units)[0]
        scale = math.sqrt(len(y) / of)
        reach = (float(y.mean()) - low) * scale, (high - float(y.mean())) * scale
    return (
        value - math.hypot(value - ci95[0], reach[0]),
        value + math.hypot(ci95[1] - value, reach[1]),
    )


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


def _checked(scores: Any, controls: Any, of: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.asarray(scores, dtype=float), np.asarray(controls, dtype=float)
    x = x[:, None] if x.ndim == 1 else x
    if y.ndim != 1 or x.ndim != 2 or len(y) != len(x):
        raise ValueError(f"scores of shape {y.shape} and controls of shape {x.shape} do not pair")
    if not 2 <= len(y) <= of:
        raise ValueError(f"{len(y)} items of {of}")
    return y, x


def _units(units: Sequence[str] | None, n: int) -> Any:
    return np.arange(n) if units is None else units


def _right_wrong(*values: np.ndarray) -> bool:
    return all(bool(np.all((each == 0) | (each == 1))) for each in values)
