"""``workbench check`` of a study: what it asks, how large it is, and what it can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from workbench.cli.app import invoke
from workbench.recipe.check import checked_plan
from workbench.recipe.load import load_recipe
from workbench.recipe.study_power import judged
from workbench.store.home import Home
from workbench.study.design.registration import register
from workbench.study.statistics.power import design_power

TUNED = {
    "base_model": "base",
    "learning_rate": 0.001,
    "max_steps": 3,
    "datasets": [{"path": "data.jsonl", "type": "prompt_completion"}],
}
#: Files of the tiny bases, and families that are said to be as many.
MODELS = ["tiny/sums", "tiny/sums-qwen3", "tiny/sums-llama", "tiny/sums-mistral"]


@pytest.fixture(autouse=True)
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with training data."""
    rows = (f'{{"prompt": "1+{n}=", "completion": "{n + 1}"}}\n' for n in range(20))
    (tmp_path / "data.jsonl").write_text("".join(rows), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(sides: dict[str, int], bases: int = 1, **more: Any) -> Path:
    """A study of so many families a side, each of so many ``bases``."""
    names = {
        f"{side.lower()}{family}-{base}": {"group": side, "family": f"{side} {family}"}
        for side, families in sides.items()
        for family in range(families)
        for base in range(bases)
    }
    models = {name: MODELS[n % len(MODELS)] for n, name in enumerate(names)}
    block = {"question": "Which side gains more?", "bases": names}
    recipe = {
        "name": "sides",
        "seeds": [0, 1],
        "bases": {name: {"base_model": model} for name, model in models.items()},
        "study": {**block, "treatment": {"tuned": {"finetune": TUNED}}, **more},
    }
    file = Path("recipe.yaml")
    file.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    return file


def check(capsys: pytest.CaptureFixture[str], recipe: Path, code: int = 0) -> list[str]:
    assert invoke(["check", str(recipe), "--home", "home"]) == code
    return capsys.readouterr().out.splitlines()


def line(lines: list[str], start: str) -> str:
    found = [each for each in lines if each.strip().startswith(start)]
    assert len(found) == 1, "\n".join(lines)
    return found[0].strip()


def test_the_size_of_the_matrix_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write(
        {"Chinese": 3, "others": 4},
        learning_rates=[0.001, 0.01],
        hypotheses=["depth"],
        explore=["spurious"],
    )
    lines = check(capsys, recipe)
    assert line(lines, "question:") == "question: Which side gains more?"
    assert line(lines, "Chinese (asked about):").startswith(
        "Chinese (asked about): 3 families (Chinese 0, Chinese 1, Chinese 2), 3 bases: chinese0-0"
    )
    assert "others: 4 families" in line(lines, "others:")
    assert line(lines, "matrix:") == (
        "matrix: 7 bases x 1 treatment x 2 rates x 2 seeds = 28 outputs; 42 more that hypotheses "
        "order of the first treatment (format-labels-brief, random-labels, random-labels-brief); "
        "70 fine-tunes in all"
    )
    plan = checked_plan(load_recipe(recipe))
    assert sum(node.kind == "finetune" for node in plan.nodes.values()) == 70
    assert "hypotheses compare at 0.001" in line(lines, "learning rates: 0.001, 0.01")
    registered, explored = (
        lines.index("hypotheses, registered:"),
        lines.index("hypotheses, explored:"),
    )
    assert lines[registered + 1].startswith("  depth: ")
    assert lines[explored + 1].startswith("  spurious: ")


def test_a_line_a_treatment_and_not_one_a_base(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write({"Chinese": 8, "others": 8}, hypotheses=["rank", "spurious"])
    lines = check(capsys, recipe)
    row = line(lines, "tuned x 16 bases x 2 seeds").split("   ")
    assert row[-1].strip() == "0 made, 32 to make"
    assert line(lines, "tuned-random-labels x 16 bases x 2 seeds")
    named = [each for each in lines if "chinese3-0" in each]
    # In the tree, in the table of needs, and among its group.
    assert len(named) == 3
    assert "Chinese, Chinese 3; 16 outputs, 0 made, 16 to make" in named[0]


def test_what_the_design_can_detect(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write({"Chinese": 4, "others": 5}, bases=2, spread=0.04, alpha=0.1, power=0.9)
    lines = check(capsys, recipe)
    plan = checked_plan(load_recipe(recipe))
    # 800 held-out sums, of which half choose and half judge.
    assert (judged(plan).items, judged(plan).half) == (800, 400)
    families = {side: {f"{n}": 2 for n in range(k)} for side, k in (("a", 4), ("b", 5))}
    power = design_power(families, seeds=2, items=400, spread=0.04, asked="a", alpha=0.1, power=0.9)
    assert power.smallest is not None
    assert line(lines, "can detect:") == (
        f"can detect: a difference between the groups of {100 * power.smallest:.1f} points or "
        "more, with 90% power at alpha 0.1"
    )
    assert line(lines, "for 4 families").startswith(
        "for 4 families of Chinese and 5 families of others, 18 bases, 2 seeds, 400 items"
    )
    assert line(lines, "two more families in each group (6 and 7): would find")
    assert line(lines, "two more seeds (4): would find")


def test_one_family_a_group_cannot_answer(capsys: pytest.CaptureFixture[str]) -> None:
    lines = check(capsys, write({"Chinese": 1, "others": 3}))
    assert "one family" in line(lines, "cannot answer this question:")
    assert not [each for each in lines if each.startswith("can detect")]
    assert "would find" in line(lines, "two more families in each group")
    assert "still no answer" in line(lines, "two more seeds")


def test_tasks_and_limits_count(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write({"Chinese": 4, "others": 4}, tasks=["sums_choice"])
    text = recipe.read_text(encoding="utf-8")
    recipe.write_text(f"{text}evaluate: {{suite: quick, limit: 60}}\n", encoding="utf-8")
    assert "30 items in the half" in line(check(capsys, recipe), "for 4 families")


def test_what_was_registered_before_is_told(
    capsys: pytest.CaptureFixture[str], bench: Path
) -> None:
    recipe = write({"Chinese": 2, "others": 2})
    plan = checked_plan(load_recipe(recipe))
    assert plan.study is not None
    key = plan.study.registration.hash
    told = line(check(capsys, recipe), "registration:")
    assert told == f"registration: {key}, to be stored before the first result"
    register(Home(bench / "home"), plan, 0)
    told = line(check(capsys, recipe), "registration:")
    assert told.startswith(f"registration: {key}, stored 2")
    assert told.endswith("when 0 results of the study existed")
    told = line(check(capsys, write({"Chinese": 2, "others": 2}, margin=0.1)), "registration:")
    assert told.endswith(f"as {key}, and the report will say so: margin: 0.03 → 0.1")


def test_a_planted_study_names_its_causes(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write({"Chinese": 1, "others": 1})
    text = recipe.read_text(encoding="utf-8").replace(
        "      family: others 0\n", "      family: others 0\n      cause: latent\n"
    )
    recipe.write_text(text, encoding="utf-8")
    lines = check(capsys, recipe)
    assert line(lines, "planted:") == "planted: latent"
    assert "others, others 0, planted: latent" in line(lines, "others0-0  tiny")


def test_mistakes_come_as_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write({"Chinese": 2, "others": 2}, hypotheses=["dephts"], margin=2)
    assert invoke(["check", str(recipe)]) == 2
    told = capsys.readouterr().err
    assert "did you mean depth?" in told
    assert "margin should be less than 1" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("name", ["tiny-families"])
def test_the_recipes_that_are_shipped_pass(capsys: pytest.CaptureFixture[str], name: str) -> None:
    recipe = Path(__file__).parents[2] / "recipes" / "study" / f"{name}.yaml"
    lines = check(capsys, recipe)
    assert line(lines, "question:")
    assert [each for each in lines if each.startswith(("can detect", "cannot answer"))]


def test_explanations_that_no_result_could_support_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    named = ["depth", "template", "tokenizer"]
    lines = check(capsys, write({"Chinese": 4, "others": 4}, hypotheses=named))
    # Four of eight families can be dealt in 70 ways, and a deal and its mirror are as extreme.
    told = line(lines, "cannot support an explanation: of 3 registered hypotheses")
    assert f"adjusted p there can be is {3 * 2 / 70:.2g}" in told
    lines = check(capsys, write({"Chinese": 6, "others": 6}, hypotheses=named))
    assert not any("cannot support" in each for each in lines)
