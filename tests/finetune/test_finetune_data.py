"""What ``check`` says of data files: the line, the wrong thing, the likely right one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import UserError, Where
from workbench.finetune.config import DatasetConfig
from workbench.finetune.data import check_dataset, data_identity, local_samples
from workbench.finetune.rows import alpaca_prompt
from workbench.finetune.samples import Chat, Pair, Preference
from workbench.finetune.template import check_template

GOOD = '{"prompt": "a", "completion": "b"}\n'


def problems(path: Path, content: str | bytes, kind: str = "prompt_completion") -> list[Any]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return check_dataset(DatasetConfig(path=str(path), type=kind))


def test_an_empty_completion_is_named_with_its_line(tmp_path: Path) -> None:
    found = problems(tmp_path / "d.jsonl", GOOD * 2 + '{"prompt": "a", "completion": " "}\n')
    assert [(p.where.line, p.fact) for p in found] == [(3, "'completion' is empty")]


def test_five_bad_rows_are_listed_and_the_rest_counted(tmp_path: Path) -> None:
    found = problems(tmp_path / "d.jsonl", GOOD + '{"prompt": "a", "completion": 3}\n' * 12)
    assert len(found) == 5
    assert "7 more bad lines of 13" in found[-1].remedy


@pytest.mark.parametrize(
    ("name", "content", "kind", "fact"),
    [
        ("d.jsonl", '{"prompt": "a"\n', "prompt_completion", "not JSON"),
        ("d.jsonl", "", "prompt_completion", "no rows"),
        ("d.jsonl", GOOD.encode("utf-16"), "prompt_completion", "not UTF-8"),
        ("d.jsonl", "[" * 100_000, "text", "nested too deeply"),
        ("d.jsonl", "\x00\x01\xff\n", "text", "not JSON"),
        ("d.jsonl", '[{"text": "a"}]', "text", "named .json"),
        ("d.csv", "prompt,completion\na\n", "prompt_completion", "1 cells"),
        ("d.parquet", "no parquet", "text", "not a whole Parquet file"),
        ("d.json", '{"text": "a"}', "text", "not an array"),
        ("d.txt.jsonl", '{"messages": []}', "chat", "'messages' is empty"),
        ("d.jsonl", '{"messages": [{"role": "user", "content": "x"}]}', "chat", "no assistant"),
        ("d.jsonl", '{"messages": [{"from": "gpt", "value": "x"}]}', "chat", "type: sharegpt"),
        ("d.jsonl", '{"prompt": "p", "chosen": "x", "rejected": "x"}', "preference", "the same"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, name: str, content: str | bytes, kind: str, fact: str
) -> None:
    found = problems(tmp_path / name, content, kind)
    assert len(found) == 1
    assert fact in found[0].fact


def test_missing_columns_come_once_with_the_likely_names(tmp_path: Path) -> None:
    found = problems(tmp_path / "d.jsonl", '{"question": "a", "answer": "b"}\n' * 9)
    assert len(found) == 1
    assert "rename column 'question' to 'prompt'" in found[0].remedy
    alpaca = problems(tmp_path / "d.jsonl", '{"instruction": "a", "output": "b"}\n')
    assert "type: alpaca" in alpaca[0].remedy


def test_a_missing_file_is_reported_where_the_recipe_names_it(tmp_path: Path) -> None:
    (tmp_path / "sums.jsonl").write_text(GOOD)
    dataset = DatasetConfig(path=str(tmp_path / "sum.jsonl"), type="prompt_completion")
    (found,) = check_dataset(dataset, Where("recipe.yaml", 7))
    assert str(found.where) == "recipe.yaml:7"
    assert "sums.jsonl" in found.remedy
    with pytest.raises(UserError):
        data_identity(dataset)


def test_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    assert not problems(tmp_path / "d.jsonl", b"\xef\xbb\xbf" + GOOD.encode() + b"\n\r\n")


def test_the_same_rows_from_every_format(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"prompt": "a, b\nc", "completion": '"d"'}, {"prompt": "é", "completion": "f"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "d.parquet")
    (tmp_path / "d.csv").write_text('prompt,completion\n"a, b\nc","""d"""\né,f\n', "utf-8")
    pa_json = (
        '[{"prompt": "a, b\\nc", "completion": "\\"d\\""}, {"prompt": "é", "completion": "f"}]'
    )
    (tmp_path / "d.json").write_text(pa_json, "utf-8")
    wanted = [Pair(r["prompt"], r["completion"]) for r in rows]
    for name in ("d.parquet", "d.csv", "d.json"):
        dataset = DatasetConfig(path=str(tmp_path / name), type="prompt_completion")
        assert [sample for _, sample in local_samples(dataset)] == wanted, name


def test_conversations_and_instructions_take_their_normal_form(write_rows: Any) -> None:
    turns = [("system", "s"), ("human", "h"), ("gpt", "g")]
    path = write_rows([{"conversations": [{"from": f, "value": v} for f, v in turns]}])
    ((_, chat),) = local_samples(DatasetConfig(path=str(path), type="sharegpt"))
    assert isinstance(chat, Chat)
    assert [m["role"] for m in chat.messages] == ["system", "user", "assistant"]

    path = write_rows([{"instruction": "Add.", "input": "1 2", "output": "3"}])
    ((_, pair),) = local_samples(DatasetConfig(path=str(path), type="alpaca"))
    assert pair == Pair(alpaca_prompt("Add.", "1 2"), "3")
    assert pair.prompt.endswith("### Input:\n1 2\n\n### Response:\n")
    assert "### Input" not in alpaca_prompt("Add.")


def test_a_preference_row_may_hold_whole_conversations(write_rows: Any) -> None:
    user = {"role": "user", "content": "q"}
    answers = [[user, {"role": "assistant", "content": c}] for c in "ab"]
    path = write_rows([{"prompt": "q", "chosen": answers[0], "rejected": answers[1]}])
    ((_, sample),) = local_samples(DatasetConfig(path=str(path), type="preference"))
    assert isinstance(sample, Preference)
    assert sample.prompt == (user,)
    assert sample.chosen == ({"role": "assistant", "content": "a"},)


def test_identity_follows_the_bytes(write_rows: Any) -> None:
    one = data_identity(DatasetConfig(path=str(write_rows([{"text": "a"}])), type="text"))
    same = data_identity(
        DatasetConfig(path=str(write_rows([{"text": "a"}], "b.jsonl")), type="text")
    )
    other = data_identity(DatasetConfig(path=str(write_rows([{"text": "b"}])), type="text"))
    assert one == same != other
    hub = data_identity(DatasetConfig(path="org/set", type="text", revision="abc"))
    assert hub == {"hub": "org/set", "name": None, "split": "train", "revision": "abc"}


def test_a_template_is_compiled_but_never_run() -> None:
    bad, lost = check_template("{% for %}"), check_template("no/such.jinja")
    assert bad and "does not compile" in bad.fact
    assert lost and "no chat template file" in lost.fact
    code = "{{ ''.__class__.__mro__[1].__subclasses__() }}{% generation %}x{% endgeneration %}"
    assert check_template(code) is None


def test_checking_imports_no_torch(write_rows: Any) -> None:
    path = write_rows([{"text": "a"}])
    code = (
        "import sys\nfrom workbench.errors import Where\n"
        "from workbench.finetune.config import DatasetConfig\n"
        "from workbench.finetune.data import check_dataset\n"
        "from workbench.finetune.template import check_template\n"
        f"data = DatasetConfig(path={str(path)!r}, type='text')\n"
        "assert not check_dataset(data, Where('r.yaml')) and not check_template('{{ x }}')\n"
        "print([m for m in ('torch', 'transformers', 'datasets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
