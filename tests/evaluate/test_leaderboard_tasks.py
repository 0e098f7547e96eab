"""The leaderboards' own lm-eval tasks, end to end, on items made up in their data sets' columns."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.app import invoke
from workbench.errors import UserError
from workbench.evaluate.checks import check_suite
from workbench.evaluate.config import EvaluateConfig
from workbench.evaluate.harness import evaluate
from workbench.evaluate.members import home_of
from workbench.evaluate.result import Evaluation
from workbench.evaluate.suites import load_suite
from workbench.progress import Silent
from workbench.scan.probes.probe import find_probe

SUITES = Path(__file__).parents[2] / "evals" / "suites"
#: Tokens of a written answer: a tiny model says nothing worth waiting for.
ANSWER = 24
WRITTEN = ("leaderboard_ifeval", "leaderboard_math_hard", "gsm8k")


def only(suite: str, tasks: list[str], folder: Path) -> Path:
    """A copy of a shipped suite with some of its lines, written answers cut short."""
    lines = []
    for line in (SUITES / f"{suite}.yaml").read_text().splitlines():
        task = line.split("task: ")[1].split(",")[0] if "{task: " in line else None
        if task is None or task in tasks:
            short = f"{task}, max_gen_toks: {ANSWER}" if task in WRITTEN else f"{task}"
            lines.append(line.replace(f"task: {task}", f"task: {short}"))
    path = folder / f"{suite}.yaml"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="session")
def tiny(tiny_folder: Callable[..., Path]) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tiny_folder("qwen2", max_position_embeddings=8192, num_hidden_layers=1)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    return model, AutoTokenizer.from_pretrained(folder)


def score(tiny: tuple[Any, Any], suite: Path, **settings: Any) -> Evaluation:
    return evaluate(
        *tiny,
        load_suite(suite),
        EvaluateConfig(suite=str(suite), **settings),
        precision={"dtype": "float32"},
        progress=Silent(),
    )


def theirs(tiny: tuple[Any, Any], tasks: list[str], **settings: Any) -> dict[str, Any]:
    """lm-eval's own run of the tasks."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    homes = {str(home_of(task)) for task in tasks}
    made = lm_eval.simple_evaluate(
        model=HFLM(pretrained=tiny[0], tokenizer=tiny[1], batch_size=8, backend="causal"),
        tasks=tasks,
        task_manager=TaskManager(include_path=sorted(homes), include_defaults=False),
        gen_kwargs={"max_gen_toks": ANSWER},
        bootstrap_iters=0,
        random_seed=0,
        fewshot_random_seed=0,
        **settings,
    )
    assert made is not None
    return made


def assert_equal(ours: Evaluation, reference: dict[str, Any], tasks: int) -> None:
    """Every score, item by item prompt and document, and the number of tasks."""
    named = [name for name in ours.scores if "/" not in name]
    assert len(named) == tasks
    chosen = {task: ours.conditions["tasks"][task]["filter"] for task in named}
    for name, score in ours.scores.items():
        task = name.split("/")[0]
        value = reference["results"][task][f"{score.metric},{chosen[task]}"]
        assert score.value == pytest.approx(value, abs=1e-12), name
    for task in named:
        logged = [s for s in reference["samples"][task] if s["filter"] == chosen[task]]
        logged.sort(key=lambda sample: sample["doc_id"])
        mine = ours.samples[ours.samples.task == task]
        for column in ("doc_hash", "prompt_hash"):
            assert mine[column].tolist() == [sample[column] for sample in logged], task


@pytest.mark.slow
def test_leaderboard_v2_as_lm_eval_scores_it(
    tiny: tuple[Any, Any], leaderboard_data: Path, tmp_path: Path
) -> None:
    # GPQA first: lm-eval shuffles its options with the generator that all tasks share.
    groups = ["leaderboard_gpqa", "leaderboard_ifeval", "leaderboard_bbh"]
    groups += ["leaderboard_musr", "leaderboard_mmlu_pro"]
    ours = score(tiny, only("leaderboard-v2", groups, tmp_path))
    assert_equal(ours, theirs(tiny, groups), tasks=3 + 1 + 24 + 3 + 1)

    prompts, instructions = (
        ours.scores["leaderboard_ifeval"],
        ours.scores["leaderboard_ifeval/inst_level_strict_acc"],
    )
    assert (prompts.n, instructions.n) == (7, 12)
    assert 0 < prompts.value < instructions.value < 1
    rows = ours.samples[ours.samples.task == "leaderboard_ifeval/inst_level_strict_acc"]
    assert rows.cluster.nunique() == 7 and set(rows.score) == {0.0, 1.0}


@pytest.mark.slow
def test_with_the_template_examples_are_turns(
    tiny: tuple[Any, Any], leaderboard_data: Path, tmp_path: Path
) -> None:
    tasks = ["leaderboard_ifeval", "leaderboard_mmlu_pro"]
    suite = only("leaderboard-v2", tasks, tmp_path)
    ours = score(tiny, suite, apply_chat_template=True)
    reference = theirs(tiny, tasks, apply_chat_template=True, fewshot_as_multiturn=True)
    assert_equal(ours, reference, tasks=2)
    sample = reference["samples"]["leaderboard_mmlu_pro"][0]
    assert sample["arguments"][0][0].count("<|im_start|>user") == 1 + 5


@pytest.mark.slow
def test_the_eval_verb_gives_points(
    tiny_folder: Callable[..., Path],
    leaderboard_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = str(tiny_folder("qwen2", max_position_embeddings=8192, num_hidden_layers=1))
    suite = only("leaderboard-v2", [t.task for t in load_suite("leaderboard-v2").tasks], tmp_path)
    options = ["--suite", str(suite), "--limit", "3", "--home", str(tmp_path), "--json"]
    assert invoke(["eval", folder, *options]) == 0
    (output,) = json.loads(capsys.readouterr().out)["outputs"]
    # A limit counts the items of an entry; each of its tasks has at least one.
    assert output["scores"]["leaderboard_mmlu_pro"]["n"] == 3
    names = ["ifeval", "bbh", "math", "gpqa", "musr", "mmlu_pro", "average"]
    assert list(output["points"]) == names
    means = [output["points"][name]["value"] for name in names[:-1]]
    assert output["points"]["average"]["value"] == pytest.approx(sum(means) / 6)
    assert output["points"]["average"]["of"] == 21606


def test_math_is_scored_both_ways(
    tiny: tuple[Any, Any], leaderboard_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With answers put into the model's mouth: no untrained model gets one right."""
    from lm_eval.models.huggingface import HFLM

    def answers(self: HFLM, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        said = []
        for request in requests:
            whole = request.doc["answer"]
            forms = {
                "boxed": f"So it is $\\boxed{{{whole}}}$.",
                "final": f"Final Answer: The final answer is ${whole}$. I hope it is correct.",
                "wrong": "Final Answer: The final answer is $77$. I hope it is correct.",
            }
            said.append(forms[("boxed", "final", "wrong")[request.doc_id % 3]])
            self.cache_hook.add_partial("generate_until", request.args, said[-1])
        return said

    monkeypatch.setattr(HFLM, "generate_until", answers)
    task = "leaderboard_math_hard"
    ours = score(tiny, only("leaderboard-v2", [task], tmp_path))
    assert_equal(ours, theirs(tiny, [task]), tasks=7)
    algebra = "leaderboard_math_algebra_hard"
    # Three of the six problems have level 5. Math-Verify reads both forms, the first way only one.
    assert ours.scores[algebra].n == 3
    assert ours.scores[algebra].value == pytest.approx(2 / 3)
    assert ours.scores[f"{algebra}/exact_match_original"].value == pytest.approx(1 / 3)


@pytest.mark.slow
def test_leaderboard_v1_as_lm_eval_scores_it(
    tiny: tuple[Any, Any], leaderboard_data: Path, tmp_path: Path
) -> None:
    shots = {"arc_challenge": 25, "hellaswag": 10, "truthfulqa_mc2": 0, "winogrande": 5, "gsm8k": 5}
    ours = score(tiny, only("leaderboard-v1", list(shots), tmp_path))
    reference: dict[str, Any] = {"results": {}, "samples": {}}
    for task, count in shots.items():
        alone = theirs(tiny, [task], num_fewshot=count)
        for part in reference:
            reference[part] |= alone[part]
    assert_equal(ours, reference, tasks=5)
    mc2 = ours.samples[ours.samples.task == "truthfulqa_mc2"]
    assert (
        not set(mc2.score) & {0.0, 1.0} and ours.scores["truthfulqa_mc2"].method == "t over items"
    )


def test_belebele_clusters_by_passage(
    tiny: tuple[Any, Any], leaderboard_data: Path, tmp_path: Path
) -> None:
    tasks = ["belebele_eng_Latn", "belebele_mya_Mymr"]
    made = score(tiny, only("multilingual", tasks, tmp_path))
    assert [score.n for score in made.scores.values()] == [10, 10]
    assert made.samples.groupby("task").cluster.nunique().tolist() == [5, 5]
    # Five examples ahead of the question, none of them the question itself.
    assert made.conditions["tasks"]["belebele_eng_Latn"]["num_fewshot"] == 5


def test_gpqas_options_follow_the_seed_alone(leaderboard_data: Path, tmp_path: Path) -> None:
    from lm_eval.tasks import TaskManager

    from workbench.evaluate.quiet import quiet_harness
    from workbench.evaluate.tasks import build_tasks

    suite = load_suite(only("leaderboard-v2", ["leaderboard_gpqa"], tmp_path))

    def options(seed: int) -> list[list[str]]:
        with quiet_harness():
            (first, *_) = build_tasks(suite, seed)
        docs = list(first.items.docs)
        # What is asked and what it is judged by are one and the same item.
        assert docs == list(first.task.eval_docs)
        return [[doc[f"choice{k}"] for k in range(1, 5)] + [doc["answer"]] for doc in docs]

    before = options(0)
    # Another program leaves its own shuffle in the cache on disk, which lm-eval would go by.
    random.seed(99)
    home = str(home_of("leaderboard_gpqa"))
    with quiet_harness():
        other = TaskManager(include_path=home, include_defaults=False).load(["leaderboard_gpqa"])
    assert other["tasks"]["leaderboard_gpqa_diamond"].eval_docs[0]["choice1"]
    assert options(0) == before
    assert options(1) != before


def test_humaneval_runs_the_programs(
    tiny: tuple[Any, Any], leaderboard_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One right program, one wrong, and one that would never end."""
    from lm_eval.models.huggingface import HFLM

    bodies = ["    return x + 0\n", "    return x\n", "    while True: pass\n"]

    def answers(self: HFLM, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        assert requests[0].args[1]["until"] == ["\nclass", "\ndef", "\n#", "\nif", "\nprint"]
        for request in requests:
            self.cache_hook.add_partial("generate_until", request.args, "")
        return [bodies[request.doc_id] for request in requests]

    monkeypatch.setattr(HFLM, "generate_until", answers)
    made = score(tiny, SUITES / "humaneval.yaml", run_code=True)
    assert made.scores["humaneval"].metric == "pass@1"
    assert made.scores["humaneval"].value == pytest.approx(1 / 3)
    assert made.samples.score.tolist() == [1.0, 0.0, 0.0]
    assert made.samples.answer[1] == 'def add1(x):\n    """Add 1 to x."""\n    return x\n'
    assert made.conditions["tasks"]["humaneval"]["programs"]["seconds"] == 3


def test_programs_are_not_run_unasked(
    tiny: tuple[Any, Any], leaderboard_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: object, **named: object) -> None:
        raise AssertionError("a program was run")

    monkeypatch.setattr("workbench.evaluate.sandbox.run_program", never)
    with pytest.raises(UserError, match="runs the programs that the model writes"):
        score(tiny, SUITES / "humaneval.yaml")
    with pytest.raises(UserError, match="runs the programs"):
        find_probe("task:humaneval", {})
    (problem,) = check_suite("humaneval")
    assert "run_code: true" in problem.remedy
    assert check_suite("humaneval", run_code=True) == []
