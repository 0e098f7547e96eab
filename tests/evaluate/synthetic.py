"""Items made up here in the columns of the data sets that the leaderboards' tasks read.

Questions are nonsense; columns, types, splits and configurations are those that lm-eval's task
files and the code beside them read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.evaluate.members import definitions
from workbench.evaluate.task_files import lm_eval_task

Rows = list[dict[str, Any]]

_SHORT = {"relation": "less than", "num_words": 300}
_QUIET = {"capital_relation": "less than", "capital_frequency": 9}
_HOLES = {"num_placeholders": 2}
_BRIEF = {"relation": "less than", "num_sentences": 40}
#: IFEval's instructions, prompt by prompt: some that an untrained model follows by accident.
IFEVAL: list[dict[str, dict[str, Any]]] = [
    {"punctuation:no_comma": {}},
    {"punctuation:no_comma": {}, "length_constraints:number_words": _SHORT},
    {
        "length_constraints:number_words": _SHORT,
        "change_case:capital_word_frequency": _QUIET,
        "startend:quotation": {},
    },
    {"detectable_format:title": {}},
    {"keywords:existence": {"keywords": ["plum", "quartz"]}, "punctuation:no_comma": {}},
    {"length_constraints:number_sentences": _BRIEF},
    {
        "change_case:english_lowercase": {},
        "detectable_content:number_placeholders": {"num_placeholders": 2},
    },
]


def write_repos(root: Path) -> Path:
    """The leaderboards' data sets but MMLU, and HumanEval's and Belebele's, as repositories."""
    _repo(root / "wis-k/instruction-following-eval", {"default": {"train": ifeval()}})
    _repo(root / "SaylorTwift/bbh", {name: {"test": rows} for name, rows in bbh().items()})
    _repo(
        root / "DigitalLearningGmbH/MATH-lighteval",
        {subject: {"train": mathematics(2), "test": mathematics(6)} for subject in MATH_SUBJECTS},
    )
    _repo(
        root / "Idavidrein/gpqa",
        {f"gpqa_{name}": {"train": gpqa(name, 6)} for name in ("diamond", "extended", "main")},
    )
    musr_splits = ("murder_mysteries", "object_placements", "team_allocation")
    _repo(root / "TAUR-Lab/MuSR", {"default": {split: musr(split) for split in musr_splits}})
    _repo(
        root / "TIGER-Lab/MMLU-Pro",
        {"default": {"test": mmlu_pro(12), "validation": mmlu_pro(6)}},
    )
    _repo(root / "allenai/ai2_arc", {"ARC-Challenge": {s: arc(n) for s, n in _sizes(30)}})
    _repo(root / "Rowan/hellaswag", {"default": {s: hellaswag(n) for s, n in _sizes(12)}})
    _repo(root / "allenai/winogrande", {"winogrande_xl": {s: winogrande(n) for s, n in _sizes(8)}})
    _repo(root / "truthfulqa/truthful_qa", {"multiple_choice": {"validation": truthfulqa()}})
    _repo(root / "openai/gsm8k", {"main": {s: gsm8k(n) for s, n in _sizes(7) if s != "validation"}})
    _repo(root / "openai/openai_humaneval", {"openai_humaneval": {"test": humaneval()}})
    _repo(root / "facebook/belebele", {n: {"test": belebele(n)} for n in ("eng_Latn", "mya_Mymr")})
    return root


def _sizes(train: int) -> list[tuple[str, int]]:
    return [("train", train), ("validation", 6), ("test", 6)]


def _repo(folder: Path, configs: Mapping[str, Mapping[str, Rows]]) -> None:
    """A repository with a file for each split, and the card that says which is which."""
    card = ["---", "configs:"]
    for config, splits in configs.items():
        card += [f"- config_name: {config}", "  data_files:"]
        for split, rows in splits.items():
            file = folder / config / f"{split}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            card += [f"  - split: {split}", f"    path: {config}/{split}.jsonl"]
    (folder / "README.md").write_text("\n".join([*card, "---", ""]), encoding="utf-8")


def ifeval() -> Rows:
    """Each instruction's settings have every key, empty where another's it is, as in the data."""
    every = sorted({key for prompt in IFEVAL for given in prompt.values() for key in given})
    return [
        {
            "key": 1000 + number,
            "prompt": f"Write something about topic {number}.",
            "instruction_id_list": list(prompt),
            "kwargs": [{key: given.get(key) for key in every} for given in prompt.values()],
        }
        for number, prompt in enumerate(IFEVAL)
    ]


def bbh() -> dict[str, Rows]:
    """For each subtask two items whose answers are among those of lm-eval's own examples."""
    found = {}
    for name, path in definitions("leaderboard_bbh").items():
        settings = lm_eval_task(name, path).settings
        targets = [sample["target"] for sample in settings["fewshot_config"]["samples"]]
        found[settings["dataset_name"]] = [
            {"input": f"Item {number} of {name}?", "target": target}
            for number, target in enumerate(targets[:2])
        ]
    return found


MATH_SUBJECTS = (
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
)


def mathematics(count: int) -> Rows:
    """Problems of levels 4 and 5 by turns; only those of level 5 are asked."""
    return [
        {
            "problem": f"What is ${number} + \\frac{{1}}{{2}}$?",
            "level": f"Level {4 + number % 2}",
            "type": "Algebra",
            "solution": f"We add and get $\\boxed{{\\frac{{{2 * number + 1}}}{{2}}}}$.",
        }
        for number in range(count)
    ]


def gpqa(name: str, count: int) -> Rows:
    domains = ("Physics", "Chemistry", "Biology")
    return [
        {
            "Record ID": f"rec{name}{number}",
            "Question": f"Which of these is {number}?",
            "Correct Answer": f"right {number}",
            "Incorrect Answer 1": f"wrong {number} [a]",
            "Incorrect Answer 2": f"not {number}",
            "Incorrect Answer 3": f"never {number}",
            "High-level domain": domains[number % 3],
        }
        for number in range(count)
    ]


def musr(split: str) -> Rows:
    choices = ["Ann", "Bob", "Cid"][: 2 if split == "murder_mysteries" else 3]
    return [
        {
            "narrative": f"A long story, number {number}.",
            "question": "Who did it?",
            "choices": repr(choices),
            "answer_index": number % len(choices),
            "answer_choice": choices[number % len(choices)],
        }
        for number in range(4)
    ]


def mmlu_pro(count: int) -> Rows:
    return [
        {
            "question_id": number,
            "question": f"Question {number}?",
            "options": [f"option {number + k}" for k in range(4 + number % 7)],
            "answer": "ABCD"[number % 4],
            "answer_index": number % 4,
            "cot_content": "A: Let's think step by step. The answer is (A).",
            "category": ("law", "physics", "law", "history")[number % 4],
            "src": "made up",
        }
        for number in range(count)
    ]


def arc(count: int) -> Rows:
    return [
        {
            "id": f"ARC_{number}",
            "question": f"What is thing {number}?",
            "choices": {"text": [f"it is {number + k}" for k in range(4)], "label": list("ABCD")},
            "answerKey": "ABCD"[number % 4],
        }
        for number in range(count)
    ]


def hellaswag(count: int) -> Rows:
    return [
        {
            "ind": number,
            "activity_label": "Cooking",
            "ctx_a": f"A cook takes {number} eggs.",
            "ctx_b": "the cook",
            "endings": [f"does thing {number + k} [title] slowly" for k in range(4)],
            "label": str(number % 4),
        }
        for number in range(count)
    ]


def winogrande(count: int) -> Rows:
    return [
        {
            "sentence": f"The cup did not fit in bag {number} because _ was too large.",
            "option1": "the cup",
            "option2": "the bag",
            "answer": str(1 + number % 2),
        }
        for number in range(count)
    ]


def truthfulqa() -> Rows:
    def targets(number: int, choices: int, right: int) -> dict[str, Sequence[Any]]:
        return {
            "choices": [f"answer {number} {k}" for k in range(choices)],
            "labels": [int(k < right) for k in range(choices)],
        }

    return [
        {
            "question": f"What happens at {number}?",
            "mc1_targets": targets(number, 4, 1),
            "mc2_targets": targets(number, 4 + number % 3, 1 + number % 3),
        }
        for number in range(9)
    ]


def gsm8k(count: int) -> Rows:
    return [
        {"question": f"What is {number} and 3?", "answer": f"We add.\n#### {number + 3}"}
        for number in range(count)
    ]


def humaneval() -> Rows:
    return [
        {
            "task_id": f"HumanEval/{number}",
            "prompt": f'def add{number}(x):\n    """Add {number} to x."""\n',
            "canonical_solution": f"    return x + {number}\n",
            "test": f"def check(candidate):\n    assert candidate(1) == {1 + number}\n",
            "entry_point": f"add{number}",
        }
        for number in range(3)
    ]


def belebele(language: str) -> Rows:
    return [
        {
            "link": f"https://example.org/{number // 2}",
            "question_number": 1 + number % 2,
            "flores_passage": f"Passage {number // 2} in {language}.",
            "question": f"What does it say, {number}?",
            **{f"mc_answer{k}": f"answer {number + k}" for k in range(1, 5)},
            "correct_answer_num": str(1 + number % 4),
            "dialect": language,
            "ds": "2023-05-03",
        }
        for number in range(10)
    ]
