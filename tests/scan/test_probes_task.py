"""lm-eval tasks as probes: what the harness scores on the same model, this scores too."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.answers import scored, table, written
from workbench.bases.config import BaseConfig
from workbench.bases.load import load_model, load_tokenizer
from workbench.errors import UserError
from workbench.evaluate.config import EvaluateConfig
from workbench.evaluate.harness import evaluate
from workbench.evaluate.scorer import Scorer
from workbench.evaluate.suites import CHECKOUT, load_suite
from workbench.progress import Silent
from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.probe import find_probe
from workbench.scan.probes.readings import continuation_reading, total
from workbench.scan.schedule.request import Generation, Reply

TASKS = """\
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: rows.jsonl, shots: shots.jsonl}}}}
output_type: {kind}
test_split: test
fewshot_split: shots
num_fewshot: {shots}
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_target: "{target}"
target_delimiter: " "
metric_list: [{metrics}]
metadata: {{version: 1.0}}
"""


def test_scores_of_shipped_tasks_are_the_harness_own() -> None:
    config = BaseConfig(base_model="tiny/sums")
    model, tokenizer = load_model(config).float().eval(), load_tokenizer(config)
    samples = evaluate(
        model,
        tokenizer,
        load_suite("quick"),
        EvaluateConfig(suite="quick", limit=60),
        precision={},
        progress=Silent(),
    ).samples
    encoder = Encoder(tokenizer, chat=False, generation=model.generation_config)
    for name, metric in (("sums_choice", "acc"), ("sums_generate", "exact_match")):
        file = CHECKOUT / "evals" / "tasks" / "sums" / f"{name}.jsonl"
        ids = [json.loads(line)["id"] for line in file.open()]
        theirs = samples[samples.task == name].set_index("item_id")
        probe = find_probe(f"task:{name}", {})
        assert probe.metrics[0] == metric
        assert probe.needs_generation is (name == "sums_generate")
        found = []
        for split in ("search", "held-out"):
            items = probe.items(400, seed=5, split=split)
            for item in [item for item in items if ids[int(item.id)] in theirs.index]:
                found.append(scored(model, probe, item, encoder)[metric])
                row = theirs.loc[ids[int(item.id)]]
                assert found[-1] == row.score
                if probe.needs_generation:
                    text = encoder.text(written(model, probe.ask(item, encoder)))
                    assert text.split("\n")[0].strip() == row.answer
        if probe.needs_generation:
            # The base answers in words and scores 0: a right answer must not.
            assert probe.score(item, f" {item.answer}\nQuestion")[metric] == 1
        else:
            assert len(set(found)) == 2


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tasks of every kind in a working folder of their own."""
    folder = tmp_path / "evals" / "tasks"
    folder.mkdir(parents=True)
    rows = [
        {"question": f"What is {a} plus {b}?", "answer": str(a + b)}
        for a in (3, 8)
        for b in (1, 5, 9)
    ]
    for name, some in (("rows", rows), ("shots", rows[::-1][:4])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some))
    kinds = {
        "greedy": ("loglikelihood", 2, " {{answer}}", "{metric: perplexity}, {metric: acc}"),
        "rolling": (
            "loglikelihood_rolling",
            0,
            "{{question}} It is {{answer}}, they say, and they should know.",
            "{metric: word_perplexity}, {metric: bits_per_byte}",
        ),
        "shown": ("generate_until", 2, "{{answer}}", "{metric: exact_match}"),
    }
    for name, (kind, shots, target, metrics) in kinds.items():
        text = TASKS.format(name=name, kind=kind, shots=shots, target=target, metrics=metrics)
        if kind == "generate_until":
            text += (
                'generation_kwargs: {until: ["\\n\\n", "Q"], do_sample: false, max_gen_toks: 6}\n'
            )
        (folder / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize("chat", [False, True], ids=["plain", "chat"])
def test_every_kind_of_task_is_asked_as_the_harness_asks(
    tasks: Path, chat: bool, tiny_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few-shot examples, with a chat template, and in a window shorter than the texts."""
    import lm_eval.evaluator
    from lm_eval.tasks import TaskManager
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tiny_folder("llama")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    lm = Scorer(model, tokenizer, 1)
    lm._max_length = 24
    encoder = Encoder(tokenizer, chat=chat, generation=model.generation_config, window=24)
    names = ["greedy", "rolling", "shown"]
    with monkeypatch.context() as patch:
        patch.chdir(tasks)  # lm-eval seeks a task's items from here
        loaded = TaskManager(include_path=str(tasks), include_defaults=False).load(names)["tasks"]
    for task in loaded.values():
        task.set_fewshot_seed(seed=0)
    results = lm_eval.evaluator.evaluate(
        lm=lm,
        task_dict={"tasks": loaded},
        bootstrap_iters=0,
        apply_chat_template=chat,
        fewshot_as_multiturn=chat,
    )
    for name in names:
        probe = find_probe(f"task:{name}", {})
        theirs = {str(sample["doc_id"]): sample for sample in results["samples"][name]}
        items = [i for s in ("search", "held-out") for i in probe.items(9, seed=0, split=s)]
        assert {item.id for item in items} == set(theirs)
        for item in items:
            sample = theirs[item.id]
            scores = scored(model, probe, item, encoder)
            if name == "greedy":
                assert probe.metrics == ("minus_log_perplexity", "acc")
                assert scores["minus_log_perplexity"] == pytest.approx(
                    sample["perplexity"], abs=1e-4
                )
                assert scores["acc"] == sample["acc"]
            elif name == "rolling":
                likelihood, size = sample["bits_per_byte"]
                assert scores["minus_bits_per_byte"] == pytest.approx(
                    likelihood / size / math.log(2), abs=1e-4
                )
            else:
                asked = probe.ask(item, encoder)
                assert isinstance(asked, Generation)
                text = encoder.text(written(model, asked))
                assert text.split("\n\n")[0].split("Q")[0] == sample["resps"][0][0]


def test_an_overflow_is_no_score(tiny_folder: Callable[..., Path]) -> None:
    from transformers import AutoTokenizer

    encoder = Encoder(AutoTokenizer.from_pretrained(tiny_folder("qwen2")), chat=False)
    probe = find_probe("task:sums_choice", {})
    (item,) = probe.items(1, seed=0, split="search")
    asked = probe.ask(item, encoder)
    nothing = [Reply(tuple((math.nan,) for _ in r.targets), (-1,) * len(r.targets)) for r in asked]
    assert math.isnan(probe.score(item, nothing)["acc"])
    assert probe.floors == {"acc": 0.25}


def test_settings_that_a_task_does_not_take_are_told(tasks: Path) -> None:
    for options, part in (
        ({"metric": "f1"}, "no metric 'f1'"),
        ({"filter": "strict"}, "no filter 'strict'"),
        ({"max_gen_toks": 5}, "generates nothing"),
        ({"num_fewshot": "two"}, "num_fewshot"),
    ):
        with pytest.raises(UserError, match=part):
            find_probe("task:greedy", options)
    assert find_probe("task:greedy", {"metric": "acc"}).metrics[0] == "acc"


class TestSeam:
    @pytest.fixture(scope="class", params=[False, True], ids=["no-bos", "bos"])
    def both(self, request: pytest.FixtureRequest, tiny_folder: Callable[..., Path]) -> Any:
        from tokenizers.processors import TemplateProcessing
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder = tiny_folder("llama")
        tokenizer = AutoTokenizer.from_pretrained(folder)
        if request.param:
            bos = (tokenizer.bos_token, tokenizer.bos_token_id)
            tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
                single=f"{bos[0]} $A", special_tokens=[bos]
            )
        model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
        return Encoder(tokenizer, chat=False), Scorer(model, tokenizer, 1)

    words = st.text(alphabet="ab 1\n.<s>é", max_size=8)

    @given(words, words.filter(str.strip))
    @settings(max_examples=60, deadline=None)
    def test_pairs_are_cut_as_hflm_cuts_them(self, both: Any, context: str, answer: str) -> None:
        encoder, lm = both
        if not context.strip():
            context = ""
        before, after = encoder.pair(context, answer)
        if context:
            theirs = lm._encode_pair(context, answer)
            assert (list(before), list(after)) == (list(theirs[0]), list(theirs[1]))
        else:
            assert list(before + after) == [
                lm.prefix_token_id,
                *lm.tok_encode(answer, add_special_tokens=False),
            ] or before + after == tuple(lm.tok_encode(answer, add_special_tokens=False))

    def test_likelihoods_equal_hflm(self, both: Any) -> None:
        from lm_eval.api.instance import Instance

        encoder, lm = both
        asked = [("", "What is 2?"), ("Question: what \n", "one two"), ("a b", " c d e")]
        requests = [Instance("loglikelihood", {}, pair, 0) for pair in asked]
        for pair, (theirs, _) in zip(asked, lm.loglikelihood(requests), strict=True):
            reading = continuation_reading(*encoder.pair(*pair))
            rows = table(lm.model, reading.tokens)[list(reading.positions)]
            reply = Reply(
                tuple((row[t[0]].item(),) for row, t in zip(rows, reading.targets, strict=True)), ()
            )
            assert total(reply) == pytest.approx(theirs, abs=1e-4)
