"""A suite of two small local tasks, in a folder that a test may change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

GENERATE = """\
task: adds
dataset_path: json
dataset_kwargs: {data_files: {test: adds.jsonl, shots: shots.jsonl}}
output_type: generate_until
test_split: test
fewshot_split: shots
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_target: answer
generation_kwargs: {until: ["\\n"], do_sample: false, max_gen_toks: 5}
filter_list:
  - name: answer
    filter: [{function: remove_whitespace}, {function: take_first}]
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
metadata: {version: 1.0}
"""
CHOICE = """\
task: picks
dataset_path: json
dataset_kwargs: {data_files: {test: picks.jsonl}}
output_type: multiple_choice
test_split: test
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_choice: options
doc_to_target: answer
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
metadata: {version: 1.0}
"""
SUITE = """\
name: small
include: tasks
batch_size: 8
tasks:
  - {task: adds, metric: exact_match}
  - {task: picks, metric: acc}
"""


@pytest.fixture
def small_suite(tmp_path: Path) -> Path:
    """The path of a suite of 24 sums to generate and 24 to choose, its tasks beside it."""
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "adds.yaml").write_text(GENERATE)
    (tasks / "picks.yaml").write_text(CHOICE)
    sums = [(a, b) for a in range(4, 10) for b in (2, 15, 31, 7)]
    write = _writer(tasks)
    write("adds", [{"question": f"What is {a} plus {b}?", "answer": str(a + b)} for a, b in sums])
    write("shots", [{"question": f"What is {a} plus 1?", "answer": str(a + 1)} for a in range(5)])
    write(
        "picks",
        [
            {
                "id": f"pick-{a}-{b}",
                "question": f"What is {a} plus {b}?",
                "options": [str(a + b + d) for d in ((0, 1, -1, 10) if a % 2 else (2, 0, 9, 1))],
                "answer": 0 if a % 2 else 1,
                "passage": a,
            }
            for a, b in sums
        ],
    )
    suite = tmp_path / "small.yaml"
    suite.write_text(SUITE)
    return suite


def _writer(folder: Path) -> Callable[[str, list[dict[str, object]]], None]:
    def write(name: str, rows: list[dict[str, object]]) -> None:
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    return write
