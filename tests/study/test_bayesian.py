"""The Bayesian second opinion: refused where bambi is not there, and alike where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench.errors import UserError
from workbench.study.statistics import bayesian
from workbench.study.statistics.estimands import estimands
from workbench.study.statistics.simulate import World, draw, frame

RECIPE = """\
name: asked
bases:
  one: {base_model: tiny/sums}
  two: {base_model: tiny/sums-llama}
study:
  question: Which side gains more?
  bayesian: true
  bases: {one: {group: Chinese, family: A}, two: {group: others, family: B}}
  treatment: {doubled: {relayer: {model: base, blocks: [[3, 6]]}}}
evaluate: {suite: quick}
"""
WORLD = World((1, 2, 1, 2), (2, 1, 1, 2, 1), 0.03, 0.02, difference=0.1, gain=0.15)


def test_without_bambi_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bayesian, "installed", lambda: False)
    rows = frame(WORLD, draw(WORLD, 1, np.random.default_rng(0)), 0)
    with pytest.raises(UserError, match="bambi is not installed") as raised:
        bayesian.posterior(rows, asked="asked", margin=0.03, seed=0)
    assert 'pip install "workbench[bayes]"' in str(raised.value)


def test_a_recipe_that_asks_for_it_is_told_at_its_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from workbench.recipe.check import checked_plan
    from workbench.recipe.load import load_recipe

    monkeypatch.setattr(bayesian, "installed", lambda: False)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        checked_plan(load_recipe(recipe))
    found = [each for each in raised.value.problems if "bambi" in each.fact]
    assert [each.where.line for each in found if each.where] == [7]


@pytest.mark.skipif(not bayesian.installed(), reason="bambi is an extra")
def test_it_agrees_with_the_families_means() -> None:
    rows = frame(WORLD, draw(WORLD, 1, np.random.default_rng(0)), 0)
    found = bayesian.posterior(rows, asked="asked", margin=0.03, seed=0, draws=500, chains=2)
    gain = next(
        one
        for one in estimands(rows, asked="asked", margin=0.03, alpha=0.05, seed=0)
        if one.name == "gain"
    )
    assert gain.value is not None
    assert gain.ci95 is not None
    width = gain.ci95[1] - gain.ci95[0]
    assert found["value"] == pytest.approx(gain.value, abs=0.15 * width)
    assert found["ci95"][1] - found["ci95"][0] == pytest.approx(width, rel=0.3)
    assert found["higher"] > 0.95


def test_chains_that_agree_and_chains_that_do_not() -> None:
    rng = np.random.default_rng(0)
    alike = rng.normal(size=(4, 1000))
    assert bayesian.split_rhat(alike) == pytest.approx(1.0, abs=0.01)
    assert bayesian.split_rhat(alike + np.arange(4)[:, None]) > 1.2
    # One chain that drifts: its halves tell.
    assert bayesian.split_rhat(alike[:1] + np.linspace(0, 3, 1000)) > 1.1
