"""Labels dealt out anew, and labels of which the form alone is left."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench.errors import UserError, Where
from workbench.finetune.config import DatasetConfig, FinetuneConfig
from workbench.finetune.data import check_dataset, data_identity
from workbench.finetune.labels import change_labels, derangement
from workbench.finetune.samples import Chat, Pair, RowError
from workbench.finetune.supervision import all_samples
from workbench.recipe.keys import output_key

numbers = st.integers(0, 999).map(lambda n: f" {n}")
fast = hypothesis_settings(max_examples=60, deadline=None)


def dataset(path: Path, labels: str, kind: str = "prompt_completion") -> DatasetConfig:
    return DatasetConfig(path=str(path), type=kind, labels=labels)  # type: ignore[arg-type]


@fast
@given(st.integers(2, 60), st.integers(0, 1000))
def test_a_derangement_moves_every_place(count: int, seed: int) -> None:
    order = derangement(count, random.Random(seed))
    assert sorted(order) == list(range(count))
    assert all(place != index for index, place in enumerate(order))


def test_all_derangements_are_equally_likely() -> None:
    draw = random.Random(0)
    seen = Counter(tuple(derangement(4, draw)) for _ in range(9000))
    assert len(seen) == 9  # the subfactorial of 4
    assert all(850 < count < 1150 for count in seen.values())


@fast
@given(st.lists(numbers, min_size=2, max_size=40).filter(lambda a: len(set(a)) > 1), st.integers())
def test_random_keeps_prompts_and_the_multiset_of_answers(answers: list[str], seed: int) -> None:
    rows = [Pair(f"prompt {n}", answer) for n, answer in enumerate(answers)]
    new, changed = change_labels(rows, "random", seed)
    assert [row.prompt for row in new] == [row.prompt for row in rows]  # type: ignore[union-attr]
    assert Counter(row.completion for row in new) == Counter(answers)  # type: ignore[union-attr]
    assert changed == sum(a != b for a, b in zip(rows, new, strict=True))
    assert change_labels(rows, "random", seed) == (new, changed)


def test_no_row_keeps_its_own_answer_where_all_differ() -> None:
    rows = [Pair("p", f" {n}") for n in range(30)]
    for seed in range(20):
        new, changed = change_labels(rows, "random", seed)
        assert changed == 30
        assert all(a != b for a, b in zip(rows, new, strict=True))
    assert change_labels(rows, "random", 0) != change_labels(rows, "random", 1)


def shape(text: str) -> str:
    return re.sub(r"(?<![A-Za-z0-9])[A-Z](?![A-Za-z0-9])", "X", re.sub(r"[0-9]", "9", text))


@fast
@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.sampled_from("ABCD")).map(
            lambda pair: f"So {pair[0]} it is.\n#### {pair[0]} ({pair[1]})"
        ),
        min_size=2,
        max_size=30,
        unique=True,
    ),
    st.integers(0, 99),
)
def test_format_keeps_the_form_and_what_stands_around(answers: list[str], seed: int) -> None:
    new, _ = change_labels([Pair("p", answer) for answer in answers], "format", seed)
    for old, row in zip(answers, new, strict=True):
        assert isinstance(row, Pair)
        assert shape(row.completion) == shape(old)
        letters = {answer[-2] for answer in answers}
        assert row.completion[-2] in letters


def test_format_says_nothing_of_the_answer() -> None:
    """Drawn digits agree with the true ones as often as chance has it, and are uniform."""
    rows = [Pair("p", f" {n % 10}") for n in range(5000)]
    new, changed = change_labels(rows, "format", 3)
    assert 4400 < changed < 4600
    seen = Counter(row.completion for row in new)  # type: ignore[union-attr]
    assert len(seen) == 10
    assert all(420 < count < 580 for count in seen.values())


def test_format_draws_words_from_the_answers_there_are() -> None:
    rows = [Pair("p", word) for word in ["yes"] * 90 + ["no"] * 10]
    new, _ = change_labels(rows, "format", 0)
    seen = Counter(row.completion for row in new)  # type: ignore[union-attr]
    assert set(seen) == {"yes", "no"}
    assert 30 < seen["no"] < 70  # each as likely as the other, however many rows had it


def chats() -> list[dict[str, Any]]:
    def turn(n: int) -> list[dict[str, str]]:
        return [
            {"role": "user", "content": f"first {n}"},
            {"role": "assistant", "content": f"keep {n}"},
            {"role": "user", "content": f"then {n}"},
            {"role": "assistant", "content": f"answer {n}"},
        ]

    return [{"messages": turn(n)} for n in range(8)]


@pytest.mark.parametrize("labels", ["random", "format"])
@pytest.mark.parametrize("kind", ["chat", "sharegpt", "alpaca", "prompt_completion"])
def test_every_type_with_one_answer(write_rows: Any, settings: Any, kind: str, labels: str) -> None:
    rows: list[dict[str, Any]] = chats()
    if kind == "sharegpt":
        names = {"user": "human", "assistant": "gpt"}
        rows = [
            {"conversations": [{"from": names[m["role"]], "value": m["content"]} for m in r]}
            for r in (row["messages"] for row in rows)
        ]
    elif kind == "alpaca":
        rows = [{"instruction": f"do {n}", "output": f"answer {n}"} for n in range(8)]
    elif kind == "prompt_completion":
        rows = [{"prompt": f"do {n}", "completion": f"answer {n}"} for n in range(8)]
    path = write_rows(rows)
    given = settings(path, kind)
    config = given.model_copy(update={"datasets": [dataset(path, labels, kind)]})
    (plain, none), (new, record) = all_samples(given), all_samples(config, seed=1)
    assert none == {}
    assert record == {"changed_labels": sum(a != b for a, b in zip(plain, new, strict=True))}
    assert record["changed_labels"] >= (8 if labels == "random" else 4)
    for (place, old), (same, changed) in zip(plain, new, strict=True):
        assert place == same
        if isinstance(old, Chat) and isinstance(changed, Chat):
            assert old.messages[:3] == changed.messages[:3]
            assert re.fullmatch(r"answer \d", changed.messages[3]["content"])
        else:
            assert isinstance(old, Pair) and isinstance(changed, Pair)
            assert old.prompt == changed.prompt
            assert re.fullmatch(r"answer \d", changed.completion)


def test_tool_calls_are_dealt_but_have_no_form() -> None:
    def call(n: int) -> Chat:
        message = {"role": "assistant", "tool_calls": [{"function": {"name": f"f{n}"}}]}
        return Chat(({"role": "user", "content": f"{n}"}, message))

    rows = [call(n) for n in range(4)]
    new, changed = change_labels(rows, "random", 0)
    assert changed == 4
    named = [row.messages[1]["tool_calls"][0]["function"]["name"] for row in new]  # type: ignore[union-attr]
    assert sorted(named) == ["f0", "f1", "f2", "f3"]
    with pytest.raises(RowError, match="tool calls"):
        change_labels(rows, "format", 0)


@pytest.mark.parametrize(("kind", "has"), [("preference", "two answers"), ("text", "no answers")])
def test_data_without_one_answer_a_row_are_refused(kind: str, has: str) -> None:
    with pytest.raises(ValidationError, match=has):
        DatasetConfig.model_validate({"path": "d.jsonl", "type": kind, "labels": "random"})


def test_answers_that_do_not_differ_are_refused_before_torch(
    write_rows: Any, settings: Any
) -> None:
    path = write_rows([{"prompt": f"{n}", "completion": "7"} for n in range(5)])
    (found,) = check_dataset(dataset(path, "random"), Where("recipe.yaml", 4))
    assert "all 5 answers are the same" in found.fact
    assert str(found.where) == "recipe.yaml:4"
    assert not check_dataset(dataset(path, "given"))
    config = settings(path).model_copy(update={"datasets": [dataset(path, "random")]})
    with pytest.raises(UserError, match="all 5 answers are the same"):
        all_samples(config)
    one = write_rows([{"prompt": "1", "completion": "7"}], "one.jsonl")
    (found,) = check_dataset(dataset(one, "format"))
    assert "at least two rows" in found.fact


def test_bad_rows_are_told_as_ever(write_rows: Any) -> None:
    path = write_rows([{"prompt": "a", "completion": ""}, {"prompt": "a", "completion": "b"}])
    (found,) = check_dataset(dataset(path, "random"))
    assert found.fact == "'completion' is empty"


def test_checking_changed_labels_imports_no_torch(write_rows: Any, sums: Any) -> None:
    path = write_rows(sums)
    code = (
        "import sys\nfrom workbench.finetune.config import DatasetConfig\n"
        "from workbench.finetune.data import check_dataset\n"
        f"data = DatasetConfig(path={str(path)!r}, type='prompt_completion', labels='format')\n"
        "assert not check_dataset(data)\n"
        "print([m for m in ('torch', 'transformers', 'pandas', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_keys_change_with_labels_and_older_keys_stay(write_rows: Any, sums: Any) -> None:
    def key(**labels: str) -> str:
        data = {"path": "sums.jsonl", "type": "prompt_completion", **labels}
        config = FinetuneConfig.model_validate(
            {"base_model": "tiny", "datasets": [data], "lora_r": 4}
        )
        return output_key("finetune", config, {"tiny": "0123456789ab"}, [{"sha256": "ff"}], 0)

    assert key() == key(labels="given") == "287b5104d420"  # as before there were labels
    assert len({key(), key(labels="random"), key(labels="format")}) == 3
    path = write_rows(sums)
    identities = [data_identity(dataset(path, labels)) for labels in ("given", "random", "format")]
    assert list(identities[0]) == ["sha256"]
    assert identities[1] == {**identities[0], "labels": "random"}
    assert len({repr(each) for each in identities}) == 3
    assert DatasetConfig(path="d", type="text").model_dump() == {
        "path": "d",
        "type": "text",
        "split": "train",
        "name": None,
        "revision": None,
    }


def test_the_record_says_how_many_labels_were_changed(
    base: Any, sums: Any, write_rows: Any, settings: Any, tmp_path: Path
) -> None:
    from workbench.bases.share import share
    from workbench.finetune.train import train
    from workbench.progress import Silent

    model, tokenizer = base("qwen2")
    weights = []
    for labels in ("given", "random"):
        config = settings(write_rows(sums), max_steps=3).model_copy(
            update={"datasets": [dataset(tmp_path / "data.jsonl", labels)]}
        )
        out = tmp_path / labels
        record = train(
            config,
            share(model),
            tokenizer,
            seed=0,
            path=None,
            out=out,
            work=tmp_path / f"work-{labels}",
            progress=Silent(),
        )
        weights.append((out / "adapter_model.safetensors").read_bytes())
        assert record.get("changed_labels") == all_samples(config)[1].get("changed_labels")
        assert (record.get("changed_labels", 0) > 35) == (labels == "random")
    assert weights[0] != weights[1]
