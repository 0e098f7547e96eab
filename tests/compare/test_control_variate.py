"""Whole-set estimates: right on average, intervals that hold, factors as the theory gives them."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from workbench.compare.control_variate import Estimate, difference_estimate, regression_estimate
from workbench.evaluate.sampling import nested_order

#: (items, sampled, parent's accuracy, child's where the parent is right, and where it is wrong).
CASES = [
    (1000, 50, 0.6, 0.9, 0.2),
    (12000, 240, 0.4, 0.8, 0.2),
    (1000, 100, 0.9, 0.97, 0.3),
    (1000, 64, 0.6, 0.95, 0.0),
    (500, 64, 0.05, 0.9, 0.05),
]
REPEATS = 500
#: Three standard errors of a coverage of 95% in 500 repeats.
LEAST = 0.95 - 3 * (0.95 * 0.05 / REPEATS) ** 0.5


def draw(
    generator: np.random.Generator, of: int, share: float, right: float, wrong: float
) -> tuple[np.ndarray, np.ndarray]:
    parent = (generator.random(of) < share).astype(float)
    child = (generator.random(of) < np.where(parent == 1, right, wrong)).astype(float)
    return parent, child


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("kind", ["difference", "regression", "two controls"])
def test_coverage_of_both_targets(case: tuple[int, int, float, float, float], kind: str) -> None:
    of, n, share, right, wrong = case
    generator = np.random.default_rng(1)
    mean = share * right + (1 - share) * wrong
    whole = items = 0
    errors = []
    for _ in range(REPEATS):
        parent, child = draw(generator, of, share, right, wrong)
        chosen = generator.permutation(of)[:n]
        if kind == "difference":
            got = difference_estimate(child[chosen], parent[chosen], parent.mean(), of)
        elif kind == "regression":
            got = regression_estimate(child[chosen], parent[chosen], [parent.mean()], of)
        else:
            other = np.where(generator.random(of) < 0.8, parent, 1 - parent)
            both = np.c_[parent, other]
            got = regression_estimate(child[chosen], both[chosen], both.mean(axis=0).tolist(), of)
        whole += got.ci95[0] <= child.mean() <= got.ci95[1]
        items += got.ci95_items[0] <= mean <= got.ci95_items[1]
        errors.append(got.value - child.mean())
    assert whole / REPEATS >= LEAST, whole
    assert items / REPEATS >= LEAST, items
    assert abs(np.mean(errors)) < 4 * np.std(errors) / REPEATS**0.5 + 0.002


def test_the_factor_is_that_of_theory_and_of_simulation() -> None:
    of, n, share, right, wrong = 4000, 400, 0.6, 0.9, 0.25
    mean = share * right + (1 - share) * wrong
    rho2 = share * (1 - share) * (right - wrong) ** 2 / (mean * (1 - mean))
    generator = np.random.default_rng(2)
    plain, helped, factors = [], [], []
    for _ in range(1500):
        parent, child = draw(generator, of, share, right, wrong)
        chosen = generator.permutation(of)[:n]
        got = regression_estimate(child[chosen], parent[chosen], [parent.mean()], of)
        plain.append(child[chosen].mean() - child.mean())
        helped.append(got.value - child.mean())
        factors.append(got.factor)
    assert np.mean(np.array(factors, float)) == pytest.approx(1 / (1 - rho2), rel=0.05)
    assert np.var(plain) / np.var(helped) == pytest.approx(1 / (1 - rho2), rel=0.12)


def test_the_regression_estimate_is_the_prediction_of_least_squares() -> None:
    generator = np.random.default_rng(3)
    controls = generator.normal(size=(300, 2))
    scores = controls @ [0.5, -0.2] + generator.normal(size=300) * 0.3 + 1
    sample, known = slice(0, 60), controls.mean(axis=0)
    got = regression_estimate(scores[sample], controls[sample], known.tolist(), 300)
    fit = sm.OLS(scores[sample], sm.add_constant(controls[sample])).fit()
    assert got.value == pytest.approx(float(fit.predict(np.r_[1, known])[0]), abs=1e-12)
    assert got.coefficients == pytest.approx(fit.params[1:].tolist(), abs=1e-12)
    assert got.residual_sd == pytest.approx(fit.mse_resid**0.5, rel=1e-12)
    assert got.ci95[0] < scores.mean() < got.ci95[1]
    assert got.factor == pytest.approx(scores[sample].var(ddof=1) / fit.mse_resid, rel=1e-12)


def test_right_and_wrong_with_one_control_is_post_stratification() -> None:
    parent, child = draw(np.random.default_rng(4), 200, 0.5, 0.9, 0.3)
    got = regression_estimate(child[:50], parent[:50], [parent.mean()], 200)
    x, y, share = parent[:50], child[:50], parent.mean()
    by_hand = share * y[x == 1].mean() + (1 - share) * y[x == 0].mean()
    assert got.value == pytest.approx(by_hand, abs=1e-12)


def test_graded_scores_in_units_hold_their_level() -> None:
    """Instructions of one prompt are drawn together; taking them for independent undercovers."""
    generator = np.random.default_rng(5)
    held, alone = 0, 0
    for _ in range(REPEATS):
        prompt = np.repeat(generator.normal(size=300), 3)
        parent = prompt + generator.normal(size=900) * 0.3
        child = 0.5 * parent + np.repeat(generator.normal(size=300), 3) + 2
        chosen = np.isin(np.repeat(np.arange(300), 3), generator.permutation(300)[:40])
        units = np.repeat(np.arange(300), 3)[chosen]
        for grouped in (units, None):
            got = regression_estimate(
                child[chosen], parent[chosen], [parent.mean()], 900, units=grouped
            )
            inside = got.ci95[0] <= child.mean() <= got.ci95[1]
            held, alone = (
                held + (inside and grouped is not None),
                alone + (inside and grouped is None),
            )
    assert held / REPEATS >= LEAST
    assert alone / REPEATS < 0.85


def test_stratified_samples_hold_their_level_and_strata_as_controls_narrow_them() -> None:
    generator = np.random.default_rng(6)
    strata = np.repeat(list("abcd"), 100)
    easy = np.repeat([0.05, 0.4, 0.7, 0.95], 100)
    held, widths = np.zeros(2), np.zeros(2)
    for seed in range(REPEATS):
        parent = (generator.random(400) < easy).astype(float)
        child = np.where(generator.random(400) < 0.3, parent, generator.random(400) < easy)
        child = child.astype(float)
        chosen = list(nested_order(strata.tolist(), seed, "t")[:60])
        indicators = [strata == name for name in "abc"]
        for place, columns in enumerate(([parent], [parent, *indicators])):
            controls = np.column_stack(columns).astype(float)
            means = controls.mean(axis=0).tolist()
            got = regression_estimate(child[chosen], controls[chosen], means, 400)
            held[place] += got.ci95[0] <= child.mean() <= got.ci95[1]
            widths[place] += got.ci95[1] - got.ci95[0]
    assert held.min() / REPEATS >= LEAST
    assert widths[1] < widths[0]


def test_all_items_leave_no_doubt_about_these_items() -> None:
    parent, child = draw(np.random.default_rng(7), 60, 0.5, 0.9, 0.3)
    for got in (
        regression_estimate(child, parent, [parent.mean()], 60),
        difference_estimate(child, parent, parent.mean(), 60),
    ):
        assert got.value == pytest.approx(child.mean())
        assert got.ci95 == (got.value, got.value)
        assert got.ci95_items[0] < got.value < got.ci95_items[1]
        assert got.factor is None


def test_a_sample_without_a_change_is_no_proof_that_none_changed() -> None:
    parent = np.r_[np.ones(20), np.zeros(20)]
    for got in (
        regression_estimate(parent, parent, [0.5], 1000),
        difference_estimate(parent, parent, 0.5, 1000),
        regression_estimate(parent, np.c_[parent, parent], [0.5, 0.5], 1000),
    ):
        assert got.value == pytest.approx(0.5)
        assert got.ci95[1] - got.ci95[0] > 0.05


def test_a_control_that_never_varies_changes_nothing() -> None:
    scores = np.array([1.0, 0, 1, 1, 0, 1, 0, 1])
    got = regression_estimate(scores, np.ones(8), [0.9], 100)
    assert got.value == scores.mean()
    assert got.coefficients == (0.0,)


def test_as_many_items_as_items_for_says_bring_that_width() -> None:
    generator = np.random.default_rng(8)
    parent, child = draw(generator, 3000, 0.6, 0.9, 0.25)

    def at(n: int) -> Estimate:
        return regression_estimate(child[:n], parent[:n], [parent.mean()], 3000)

    needed = at(300).items_for(0.03)
    low, high = at(needed).ci95
    assert (high - low) / 2 == pytest.approx(0.03, rel=0.1)
    assert at(300).items_for(1e-6) == 3000
    with pytest.raises(ValueError, match="half-width"):
        at(300).items_for(0)


@pytest.mark.parametrize(
    ("scores", "control", "of", "words"),
    [
        ([1, 0], [1], 9, "do not pair"),
        ([1], [1], 9, "1 items of 9"),
        ([1, 0, 1], [1, 0, 1], 2, "of"),
    ],
)
def test_what_does_not_fit(scores: list[float], control: list[float], of: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        difference_estimate(scores, control, 0.5, of)
    with pytest.raises(ValueError, match=words):
        regression_estimate(scores, control, [0.5], of)
