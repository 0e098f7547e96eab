"""``reproduces:`` is checked before anything is loaded, and held in lock and key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from workbench.cli.app import invoke
from workbench.recipe.check import checked_plan
from workbench.recipe.load import load_recipe
from workbench.recipe.lock import lock
from workbench.recipe.plan import Plan

TABLE = """\
entry,snapshot,source,revision,precision,chat_template,average,sums_generate,sums_choice
me/model,2024-10,a run,,float32,false,,0.5,0.25
me/model,2024-06-26,a run,,float32,false,0.37,0.5,
you/none,2024-10,a run,,,,0.4,,
"""
GOOD = """\
name: small
bases:
  tiny: {base_model: tiny/sums}
outputs:
  doubled:
    relayer: {model: tiny, blocks: [[2, 4]]}
evaluate: {suite: quick}
reproduces:
  entry: me/model
  snapshot: 2024-10
"""

Check = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def _published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder that publishes entries for the suite ``quick`` and for none other."""
    folder = tmp_path / "work" / "evals" / "published"
    folder.mkdir(parents=True)
    (folder / "quick.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def plan_of(tmp_path: Path) -> Callable[[str], Plan]:
    """The plan of a recipe's text."""

    def plan(text: str) -> Plan:
        path = tmp_path / "recipe.yaml"
        path.write_text(text)
        return checked_plan(load_recipe(path))

    return plan


@pytest.fixture
def check(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Check:
    """``workbench check`` of a recipe's text: exit code, and all that was printed."""

    def run(text: str) -> tuple[int, str]:
        recipe = tmp_path / "bad.yaml"
        recipe.write_text(text)
        capfd.readouterr()
        code = invoke(["check", str(recipe), "--home", str(tmp_path / "home")])
        shown = capfd.readouterr()
        return code, " ".join((shown.out + shown.err).split())

    return run


def test_the_only_output_reproduces_the_entry(plan_of: Callable[[str], Plan]) -> None:
    (claim,) = plan_of(GOOD).claims
    assert (claim.output, claim.margin, claim.flips) == ("doubled", 0.03, 0.05)
    assert claim.figures == ("sums_generate", "sums_choice")
    assert claim.published("sums_choice") == 0.25
    assert claim.entry.snapshot == "2024-10"


def test_check_says_what_is_held_against_what(check: Check) -> None:
    code, shown = check(GOOD.replace("2024-10", "2024-06-26"))
    assert code == 0
    assert "doubled is held against me/model (2024-06-26): sums_generate within ±0.03" in shown
    assert "no figure of it for sums_choice" in shown


def test_what_the_entry_does_not_state_is_named(plan_of: Callable[[str], Plan]) -> None:
    (claim,) = plan_of(GOOD.replace("2024-10", "2024-06-26")).claims
    assert claim.figures == ("sums_generate",)
    assert claim.missing == ("sums_choice",)


def test_without_outputs_the_only_base_is_meant(plan_of: Callable[[str], Plan]) -> None:
    text = GOOD[: GOOD.index("outputs")] + GOOD[GOOD.index("evaluate") :]
    assert plan_of(text).claims[0].output == "tiny"


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("me/model", "me/modell", 9, ["no published entry", "me/model?"]),
        ("me/model", "somebody/else", 9, ["no published entry"]),
        ("2024-10", "2023-01", 10, ["no snapshot", "2024-10"]),
        ("me/model", "you/none", 10, ["no figure for what suite quick scores", "0.4"]),
        ("2024-10", "2024", 10, ["snapshot", "a text", '"2024"']),
        ("snapshot: 2024-10", "snapsot: 2024-10", 10, ["snapsot", "snapshot"]),
        ("  snapshot: 2024-10\n", "", 8, ["has no snapshot"]),
        ("2024-10", "2024-10\n  outputs: doubled", 11, ["outputs", "output"]),
        ("2024-10", "2024-10\n  output: dubled", 11, ["dubled", "doubled?"]),
        ("2024-10", "2024-10\n  margin: 0", 11, ["margin", "more than 0"]),
        ("2024-10", "2024-10\n  margin: -3", 11, ["margin", "more than 0"]),
        ("2024-10", "2024-10\n  margin: wide", 11, ["margin", "a number"]),
        ("2024-10", "2024-10\n  margin: 3.0", 11, ["the whole scale", "0.03"]),
        ("2024-10", "2024-10\n  flips: 1.0", 11, ["flips", "less than 1"]),
        ("2024-10", "2024-10\n  flips: -0.1", 11, ["flips", "at least 0"]),
        ("suite: quick", "suite: common", 7, ["nothing is published", "common"]),
        ("evaluate: {suite: quick}", "evaluate: null", 8, ["reproduces needs scores"]),
        ("reproduces:", "reproduce:", 8, ["reproduce is read as reproduces"]),
        ("reproduces:", "reproducs:", 8, ["reproducs", "reproduces"]),
        ("doubled:", "extra: {relayer: {model: tiny, blocks: [[1, 2]]}}\n  doubled:", 10,
         ["which output", "extra, doubled"]),
    ],
)  # fmt: skip
def test_bad_claims(check: Check, old: str, new: str, line: int, words: list[str]) -> None:
    code, shown = check(GOOD.replace(old, new, 1))
    assert code == (0 if "is read as" in words[0] else 2), shown
    assert f"bad.yaml:{line}" in shown
    for word in words:
        assert word in shown


def test_several_faults_of_a_list_come_at_once(check: Check) -> None:
    text = GOOD[: GOOD.index("reproduces")] + (
        "reproduces:\n"
        "  - {entry: me/model, snapshot: 2024-10}\n"
        "  - {entry: me/model, snapshot: 2024-11}\n"
        "  - {entry: me/nobody, snapshot: 2024-10}\n"
        "  - {entry: me/model, snapshot: 2024-10, magin: 0.05}\n"
        "  - {entry: me/model, snapshot: 2024-10, output: nobody}\n"
        "  - {entry: ME/model, snapshot: 2024-10}\n"
    )
    code, shown = check(text)
    assert code == 2
    for line in (10, 11, 12, 13, 14):
        assert f"bad.yaml:{line}" in shown
    assert "margin" in shown
    assert "asked for twice" in shown


def test_a_table_with_bad_cells_is_told_with_its_own_line(check: Check) -> None:
    Path("evals/published/quick.csv").write_text(TABLE.replace("0.25", "25"))
    code, shown = check(GOOD)
    assert code == 2
    assert "quick.csv:2" in shown


def test_a_misspelt_key_elsewhere_does_not_hide_an_unknown_entry(check: Check) -> None:
    code, shown = check(GOOD.replace("blocks", "blokcs").replace("me/model", "me/nobody"))
    assert code == 2
    assert "blokcs" in shown
    assert "me/nobody" in shown


def test_a_faulty_evaluate_is_not_taken_for_none(check: Check) -> None:
    for wrong in ("{suite: quick, apply_chat_template: boht}", "[quick]", "{suit: quick}"):
        code, shown = check(GOOD.replace("{suite: quick}", wrong).replace("me/model", "me/nobody"))
        assert code == 2
        assert "reproduces needs scores" not in shown
        # What can be checked beside it is.
        assert ("me/nobody" in shown) == ("boht" in wrong)


def test_the_lock_is_a_recipe_with_the_same_claim(
    plan_of: Callable[[str], Plan], tmp_path: Path
) -> None:
    text = GOOD.replace("2024-10", "2024-06-26\n  margin: 0.05")
    plan = plan_of(text)
    written = yaml.safe_load(lock(load_recipe(tmp_path / "recipe.yaml"), plan))
    again = plan_of(yaml.safe_dump(written["recipe"]))
    assert again.claims == plan.claims
    assert again.key == plan.key
    assert written["published"][0]["entry"]["scores"] == {"sums_generate": 0.5}


def test_the_runs_key_follows_the_claim_and_the_published_figures(
    plan_of: Callable[[str], Plan],
) -> None:
    plain = plan_of(GOOD[: GOOD.index("reproduces")])
    claimed = plan_of(GOOD)
    wider = plan_of(GOOD + "  margin: 0.05\n")
    assert len({plain.key, claimed.key, wider.key}) == 3
    # The default, written out, is the same claim.
    assert plan_of(GOOD + "  margin: 0.03\n").key == claimed.key
    assert {n: node.key for n, node in plain.nodes.items()} == {
        n: node.key for n, node in claimed.nodes.items()
    }
    table = Path("evals/published/quick.csv")
    table.write_text(TABLE.replace("0.25", "0.26"))
    assert plan_of(GOOD).key != claimed.key
