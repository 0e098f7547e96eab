"""Several metrics from one pass, and metrics whose score of an item is a list."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.compare.paired import compare
from workbench.errors import UserError
from workbench.evaluate.config import EvaluateConfig
from workbench.evaluate.harness import evaluate
from workbench.evaluate.intervals import mean_interval
from workbench.evaluate.result import Evaluation
from workbench.evaluate.suites import load_suite
from workbench.progress import Silent

#: A task in the manner of IFEval: an answer is judged in parts, and the parts of all count alike.
#: Judged by parity, because an untrained model writes no wanted letter.
PARTS = """\
def process_results(doc, results):
    written = sum(map(ord, results[0]))
    parts = [(written + ord(letter)) % 2 == 0 for letter in doc["letters"]]
    return {"whole": all(parts), "parts": parts, "length": len(results[0])}


def of_all_parts(items):
    flat = [part for item in items for part in item]
    return sum(flat) / len(flat)
"""
TASK = """\
task: letters
dataset_path: json
dataset_kwargs: {data_files: {test: letters.jsonl}}
output_type: generate_until
test_split: test
doc_to_text: "Write {{word}}:"
doc_to_target: 0
process_results: !function parts.process_results
generation_kwargs: {until: [], do_sample: false, max_gen_toks: 6}
metric_list:
  - {metric: whole, aggregation: mean, higher_is_better: true}
  - {metric: parts, aggregation: !function parts.of_all_parts, higher_is_better: true}
  - {metric: length, aggregation: median, higher_is_better: true}
metadata: {version: 3.0}
"""


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """A suite of 30 words whose letters are wanted, between one and four of them."""
    import json

    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "parts.py").write_text(PARTS)
    (tasks / "letters.yaml").write_text(TASK)
    draw = random.Random(0)
    words = ["".join(draw.sample("abcdefgh etaoin", draw.randint(1, 4))) for _ in range(30)]
    rows = [{"word": word, "letters": list(word)} for word in words]
    (tasks / "letters.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    suite = tmp_path / "letters.yaml"
    suite.write_text(
        "name: letters\ninclude: tasks\nbatch_size: 8\n"
        "tasks:\n  - {task: letters, metric: [whole, parts], version: 3.0}\n"
    )
    return suite


def score(folder: Path, suite: Path, **settings: Any) -> Evaluation:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    config = EvaluateConfig(suite=str(suite), **settings)
    precision = {"dtype": "float32", "quantisation": "none"}
    return evaluate(
        model, tokenizer, load_suite(suite), config, precision=precision, progress=Silent()
    )


def test_two_metrics_from_one_pass(tiny_folder: Callable[..., Path], letters: Path) -> None:
    made = score(tiny_folder("qwen2"), letters)
    assert list(made.scores) == ["letters", "letters/parts"]
    whole, parts = made.scores.values()
    assert (whole.metric, whole.n) == ("whole", 30)
    assert parts.metric == "parts"

    items = made.samples[made.samples.task == "letters"].set_index("item_id")
    rows = made.samples[made.samples.task == "letters/parts"]
    # Judged again from the answers, by hand.
    wanted = {i: items.question[i].removeprefix("Write ").removesuffix(":") for i in items.index}
    assert len(rows) == parts.n == sum(map(len, wanted.values()))
    again = {
        f"{item}#{k}": float(sum(map(ord, items.answer[item] + letter)) % 2 == 0)
        for item, word in wanted.items()
        for k, letter in enumerate(word, 1)
    }
    assert dict(zip(rows.item_id, rows.score, strict=True)) == again
    # lm-eval's own aggregate of the lists is the mean of the rows.
    assert parts.value == pytest.approx(rows.score.mean(), abs=1e-12)
    assert 0 < parts.value < 1
    assert rows.cluster.tolist() == [name.split("#")[0] for name in rows.item_id]
    assert parts.ci95 == mean_interval(rows.score, rows.cluster)[0]
    assert whole.ci95 == mean_interval(items.score)[0]


def test_parts_of_one_answer_are_compared_as_a_cluster(
    tiny_folder: Callable[..., Path], letters: Path
) -> None:
    first, second = (score(tiny_folder("qwen2", seed=seed), letters) for seed in (0, 1))
    both = compare(second, first)
    assert both["letters"].n == 30
    assert both["letters/parts"].method == "paired bootstrap over clusters"
    assert both["letters/parts"].n == first.scores["letters/parts"].n
    gain = second.scores["letters/parts"].value - first.scores["letters/parts"].value
    assert both["letters/parts"].delta == pytest.approx(gain, abs=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("parts]", "length]", "'length' of task letters is no mean over items"),
        ("parts]", "part]", "no metric 'part'"),
        ("version: 3.0", "version: 2.0", "has version 3.0, and the suite is pinned to 2.0"),
        ("parts]", "whole]", "a metric is named twice"),
        ("[whole, parts]", "[]", "the name of a metric, or a list of names"),
        ("[whole, parts]", "7", "the name of a metric, or a list of names"),
    ],
)
def test_what_does_not_fit(
    tiny_folder: Callable[..., Path], letters: Path, old: str, new: str, words: str
) -> None:
    letters.write_text(letters.read_text().replace(old, new))
    with pytest.raises(UserError) as caught:
        score(tiny_folder("qwen2"), letters)
    assert [words in str(problem) for problem in caught.value.problems] == [True]


def test_a_list_of_one_is_the_name_itself(letters: Path) -> None:
    plain = letters.read_text().replace("[whole, parts]", "whole")
    letters.write_text(plain.replace("metric: whole", "metric: [whole]"))
    listed = load_suite(letters)
    letters.write_text(plain)
    assert listed == load_suite(letters)
    assert hash(listed) == hash(load_suite(letters))
