"""Suites are read strictly, with lines, and without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.errors import Problem, UserError
from workbench.evaluate.checks import check_suite
from workbench.evaluate.suites import load_suite, suite_identity


def problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(UserError) as caught:
        load_suite(path)
    return caught.value.problems


def facts(path: Path) -> list[str]:
    return [str(problem).split("\n")[0] for problem in problems(path)]


def test_quick_is_found_from_anywhere_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    suite = load_suite("quick")
    assert [task.task for task in suite.tasks] == ["sums_generate", "sums_choice"]
    assert check_suite("quick") == []


def test_the_working_folders_suite_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_suite: Path
) -> None:
    folder = tmp_path / "evals" / "suites"
    folder.mkdir(parents=True)
    (folder / "quick.yaml").write_text(small_suite.read_text())
    monkeypatch.chdir(tmp_path)
    assert load_suite("quick").name == "small"


def test_a_misspelt_suite_gets_the_likely_name() -> None:
    with pytest.raises(UserError, match="did you mean quick"):
        load_suite("quik")


def test_every_problem_with_its_line_and_the_likely_word(small_suite: Path) -> None:
    small_suite.write_text(
        "name: small\n"
        "batchsize: 8\n"
        "tasks:\n"
        "  - {task: adds, metric: exact_match}\n"
        "  - task: picks\n"
        "    metrc: acc\n"
        "    limit: many\n"
    )
    found = facts(small_suite)
    name = str(small_suite)
    assert f"{name}:2:1: unknown key 'batchsize'" in found
    assert f"{name}:6:5: unknown key 'metrc'" in found
    remedies = [problem.remedy for problem in problems(small_suite)]
    assert {"did you mean batch_size?", "did you mean metric?"} <= {*remedies}
    assert any(f.startswith(f"{name}:7:5: tasks.1.limit: ") for f in found)
    assert any("tasks.1.metric: Field required" in f for f in found)
    assert len(found) == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\x00\xff\xfe binary \x80", "not text"),
        (b"name: [unclosed", "not valid YAML"),
        (b"- just\n- a list\n", "a suite is a mapping"),
        (b"name: a\nname: b\ntasks: []\n", "not valid YAML"),
        (b"name: s\ntasks:\n- {task: a, metric: m}\n- {task: a, metric: n}\n", "listed twice: a"),
    ],
)
def test_files_that_are_no_suites(small_suite: Path, text: bytes, words: str) -> None:
    small_suite.write_bytes(text)
    assert words in "\n".join(facts(small_suite))


def test_an_alias_bomb_is_defused(small_suite: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    small_suite.write_text("\n".join(lines))
    assert "aliases that multiply" in facts(small_suite)[0]


def test_what_check_finds_without_a_model(small_suite: Path) -> None:
    tasks = small_suite.parent / "tasks"
    small_suite.write_text(
        small_suite.read_text()
        .replace("metric: acc", "metric: accuracy")
        .replace("tasks:\n", "tasks:\n  - {task: addz, metric: exact_match}\n")
    )
    with (tasks / "adds.jsonl").open("a") as file:
        file.write("{broken\n")
    (tasks / "shots.jsonl").unlink()
    told = check_suite(small_suite)
    assert any("'addz'" in p.fact and p.remedy == "did you mean adds?" for p in told)
    found = [str(problem).split("\n")[0] for problem in told]
    assert any("no metric 'accuracy'" in f for f in found)
    assert any("adds.jsonl:25: an item is not JSON" in f for f in found)
    assert any("no item file" in f and "shots.jsonl" in f for f in found)
    assert len(found) == 4


def test_identity_follows_what_scores_depend_on(small_suite: Path) -> None:
    def identity() -> str:
        return str(suite_identity(load_suite(small_suite))["sha256"])

    first = identity()
    small_suite.write_text(small_suite.read_text() + "description: other words\n")
    assert identity() == first
    items = small_suite.parent / "tasks" / "picks.jsonl"
    items.write_text(items.read_text().replace("plus 31", "plus 32"))
    second = identity()
    assert second != first
    task = small_suite.parent / "tasks" / "adds.yaml"
    task.write_text(task.read_text().replace("Question", "Q"))
    assert identity() not in (first, second)


def test_checking_imports_nothing_heavy() -> None:
    code = (
        "import sys; from workbench.evaluate.checks import check_suite;"
        "from workbench.evaluate.suites import load_suite, suite_identity;"
        "assert check_suite('quick') == []; suite_identity(load_suite('quick'));"
        "heavy = {'torch', 'transformers', 'lm_eval', 'datasets', 'pandas'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


SHIPPED = ("leaderboard-v2", "leaderboard-v1", "mmlu", "mmlu-pro", "humaneval", "multilingual")


@pytest.mark.parametrize("name", [*SHIPPED, "common"])
def test_shipped_suites_fit_lm_evals_task_files(name: str) -> None:
    assert check_suite(name, run_code=True) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_suites_say_what_they_are_and_pin_every_task(name: str) -> None:
    suite = load_suite(name)
    head = suite.path.read_text(encoding="utf-8").split("name:")[0]
    assert f"--suite {name}" in head and "https://" in head
    assert all(task.version is not None for task in suite.tasks)
    assert suite.points == (name if name.startswith("leaderboard") else None)
    assert suite.apply_chat_template is False


def test_the_leaderboards_settings() -> None:
    """https://huggingface.co/docs/leaderboards/open_llm_leaderboard, pages about and archive."""
    v1 = {
        task.task: (task.num_fewshot, task.metrics) for task in load_suite("leaderboard-v1").tasks
    }
    assert v1 == {
        "arc_challenge": (25, ("acc_norm",)),
        "hellaswag": (10, ("acc_norm",)),
        "mmlu": (5, ("acc",)),
        "truthfulqa_mc2": (0, ("acc",)),
        "winogrande": (5, ("acc",)),
        "gsm8k": (5, ("exact_match",)),
    }
    v2 = {task.task: task.num_fewshot for task in load_suite("leaderboard-v2").tasks}
    assert v2 == {
        "leaderboard_ifeval": 0,
        "leaderboard_bbh": 3,
        "leaderboard_math_hard": 4,
        "leaderboard_gpqa": 0,
        "leaderboard_musr": 0,
        "leaderboard_mmlu_pro": 5,
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("filter: strict-match", "filter: strict", "task gsm8k has no filter 'strict'"),
        (", filter: strict-match", "", "task gsm8k has several answer filters"),
        ("metric: acc_norm, num_fewshot: 25", "metric: accuracy", "has no metric 'accuracy'"),
        ("num_fewshot: 0", "num_fewshot: 3", "num_fewshot: 3 cannot be set"),
        ("version: 3.0}", "version: 2.0}", "has version 3.0, and the suite is pinned to 2.0"),
        ("task: mmlu, metric: acc", "task: mmlu, metric: bleu", "task mmlu has no metric 'bleu'"),
    ],
)
def test_what_does_not_fit_lm_evals_tasks_is_told_without_it(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = tmp_path / "changed.yaml"
    path.write_text(load_suite("leaderboard-v1").path.read_text().replace(old, new, 1))
    (problem,) = check_suite(path)
    assert words in problem.fact and problem.cause and problem.remedy
