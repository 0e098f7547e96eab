"""A suite of two small local tasks, in a folder that a test may change."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.evaluate.hub_double import serve
from tests.evaluate.synthetic import write_repos

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


#: The suites whose data the cache of the tests holds, MMLU's and most languages' left out.
CACHED_SUITE = """\
name: everything
tasks:
  - {task: leaderboard, metric: none}
  - {task: arc_challenge, metric: none}
  - {task: hellaswag, metric: none}
  - {task: winogrande, metric: none}
  - {task: truthfulqa_mc2, metric: none}
  - {task: gsm8k, metric: none}
  - {task: humaneval, metric: none}
  - {task: belebele_eng_Latn, metric: none}
  - {task: belebele_mya_Mymr, metric: none}
"""


@pytest.fixture(scope="session")
def hub_repos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data sets made up for these tests, as the hub would hold them."""
    return write_repos(tmp_path_factory.mktemp("repos"))


@pytest.fixture(scope="session")
def leaderboard_home(tmp_path_factory: pytest.TempPathFactory, hub_repos: Path) -> Path:
    """A HF_HOME that the printed fetch commands filled from :func:`hub_repos`.

    All in one process: importing ``datasets`` takes longer than each of them.
    """
    from workbench.evaluate.data_sets import data_sets
    from workbench.evaluate.punkt import PUNKT
    from workbench.evaluate.suites import load_suite

    home = tmp_path_factory.mktemp("hf")
    suite = home / "everything.yaml"
    suite.write_text(CACHED_SUITE)
    sets = [each for each in data_sets(load_suite(suite)) if each.path != PUNKT]
    codes = [shlex.split(each.fetch)[2] for each in sets]
    with serve(hub_repos) as address:
        done = subprocess.run(
            [sys.executable, "-c", "\n".join(codes)],
            env=online(address, home),
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    return home


def online(address: str, home: Path) -> dict[str, str]:
    """The environment of a process that may reach the hub at ``address``."""
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_OFFLINE")}
    return {**kept, "HF_ENDPOINT": address, "HF_HOME": str(home)}


@pytest.fixture(scope="session")
def punkt_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of words and sentences that nltk learnt from a few sentences written here."""
    import nltk.data
    from nltk.tokenize.punkt import PunktTrainer, save_punkt_params

    words = "Mr. Ray met Dr. Low at 9 a.m. in May. They spoke. It was brief, and Mr. Ray left. "
    folder = tmp_path_factory.mktemp("nltk_data")
    tables = folder / "tokenizers" / "punkt_tab" / "english"
    tables.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        # nltk writes to its own folders only.
        patch.setattr(nltk.data, "path", [str(folder)])
        save_punkt_params(PunktTrainer(words * 20).get_params(), str(tables))
    return folder


@pytest.fixture
def leaderboard_data(
    leaderboard_home: Path, punkt_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Within a test, ``datasets`` and nltk find what was made for it; the hub is switched off."""
    import datasets.config
    import nltk.data

    monkeypatch.setenv("HF_HOME", str(leaderboard_home))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", leaderboard_home / "datasets")
    monkeypatch.setattr(nltk.data, "path", [str(punkt_folder)])
    return leaderboard_home
