"""A user's mistake is told before anything is loaded: the place, the fact, and what to do."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.cli.app import invoke

GOOD = """\
name: small
bases:
  tiny: {base_model: tiny/sums}
  llama: {base_model: tiny/sums-llama}
outputs:
  tuned:
    finetune:
      base_model: tiny
      lora_r: 4
      datasets: [{path: DATA, type: prompt_completion}]
      max_steps: 2
  doubled:
    relayer: {model: tuned, blocks: [[2, 4]]}
evaluate: {suite: quick}
"""

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Check:
    """Writes a recipe and returns the exit code of ``workbench check`` and all it printed."""
    data = tmp_path / "rows.jsonl"
    data.write_text('{"prompt": "1+1=", "completion": "2"}\n' * 20)

    def run(text: str | bytes, verb: str = "check") -> tuple[int, str]:
        recipe = tmp_path / "bad.yaml"
        if isinstance(text, str):
            text = text.replace("DATA", str(data)).encode()
        recipe.write_bytes(text)
        capfd.readouterr()
        code = invoke([verb, str(recipe), "--home", str(tmp_path / "home")])
        shown = capfd.readouterr()
        return code, shown.out + shown.err

    return run


def test_the_good_recipe_passes(check: Check) -> None:
    code, shown = check(GOOD)
    assert code == 0, shown
    assert "doubled" in shown


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("lora_r: 4", "lora_rr: 4", 9, ["lora_rr", "lora_r"]),
        ("lora_r: 4", "lora_r: four", 9, ["lora_r", "whole number"]),
        ("path: DATA", "path: nowhere.jsonl", 10, ["nowhere.jsonl"]),
        ("tiny/sums}", "tiny/sumz}", 3, ["tiny/sumz", "tiny/sums"]),
        ("base_model: tiny\n", "base_model: tinny\n", 8, ["tinny", "tiny"]),
        (
            "base_model: tiny\n",
            "base_model: doubled\n",
            13,
            ["from one another", "tuned", "doubled"],
        ),
        ("blocks: [[2, 4]]", "blocks: [[2, 99]]", 13, ["99"]),
        ("doubled:", "tuned:", 12, ["tuned"]),
        ("name: small", "name: small\nseeds: [0, x]", 2, ["seeds", "whole number"]),
        ("name: small", "name: small\nseeds: [true]", 2, ["seeds", "whole number"]),
        ("suite: quick", "suite: quikc", 14, ["quikc", "quick"]),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_likely_word(
    check: Check, old: str, new: str, line: int, words: list[str]
) -> None:
    assert old in GOOD
    for verb in ("check", "run"):
        code, shown = check(GOOD.replace(old, new, 1), verb)
        assert code == 2, shown
        assert "Traceback" not in shown
        if line:
            assert re.search(rf"bad\.yaml:{line}\b", shown), shown
        for word in words:
            assert word in shown, shown


def test_all_mistakes_come_at_once(check: Check) -> None:
    text = GOOD.replace("lora_r: 4", "lora_rr: 4").replace("max_steps: 2", "max_steps: two")
    code, shown = check(text.replace("model: tuned", "model: tunned"))
    assert code == 2
    assert all(word in shown for word in ("lora_rr", "max_steps", "tunned")), shown


def test_an_empty_completion_is_told_with_its_row(check: Check, tmp_path: Path) -> None:
    rows = ['{"prompt": "1+1=", "completion": "2"}'] * 6
    rows[4] = '{"prompt": "1+1=", "completion": ""}'
    (tmp_path / "empty.jsonl").write_text("\n".join(rows))
    code, shown = check(GOOD.replace("DATA", str(tmp_path / "empty.jsonl")))
    assert code == 2
    assert "empty.jsonl:5" in shown, shown


def test_merging_two_architectures_is_refused(check: Check) -> None:
    merge = """\
  both:
    merge:
      merge_method: linear
      models:
        - {model: tiny, parameters: {weight: 1}}
        - {model: llama, parameters: {weight: 1}}
"""
    code, shown = check(GOOD.replace("evaluate:", merge + "evaluate:"))
    assert code == 2
    assert "Qwen2ForCausalLM" in shown
    assert "LlamaForCausalLM" in shown


def local(folder: Path, tiny_folder: Callable[[str], Path]) -> str:
    """The good recipe over a copy of a checkpoint in ``folder``."""
    shutil.copytree(tiny_folder("qwen2"), folder)
    return GOOD.replace("tiny/sums}", f"{folder}}}", 1)


def test_a_truncated_safetensors_file_is_told_with_its_sizes(
    check: Check, tmp_path: Path, tiny_folder: Callable[[str], Path]
) -> None:
    text = local(tmp_path / "base", tiny_folder)
    weights = tmp_path / "base" / "model.safetensors"
    whole = weights.stat().st_size
    with weights.open("r+b") as file:
        file.truncate(whole - 1000)
    code, shown = check(text)
    assert code == 2
    assert "model.safetensors" in shown
    assert str(whole - 1000) in re.sub(r"[,_ ](?=\d{3})", "", shown), shown


def test_a_pickle_checkpoint_is_refused_with_the_way_to_convert_it(
    check: Check, tmp_path: Path, tiny_folder: Callable[[str], Path]
) -> None:
    text = local(tmp_path / "base", tiny_folder)
    (tmp_path / "base" / "model.safetensors").rename(tmp_path / "base" / "pytorch_model.bin")
    code, shown = check(text)
    assert code == 2
    assert "pytorch_model.bin" in shown
    assert "safetensors" in shown


def test_an_index_that_points_outside_its_folder_is_refused(
    check: Check, tmp_path: Path, tiny_folder: Callable[[str], Path]
) -> None:
    text = local(tmp_path / "base", tiny_folder)
    (tmp_path / "base" / "model.safetensors").rename(tmp_path / "outside.safetensors")
    index = {"metadata": {}, "weight_map": {"lm_head.weight": "../outside.safetensors"}}
    (tmp_path / "base" / "model.safetensors.index.json").write_text(json.dumps(index))
    code, shown = check(text)
    assert code == 2
    assert "../outside.safetensors" in shown


@pytest.mark.parametrize(
    "name", ["../../evil", "<script>alert(1)</script>", "{{ 7*7 }}", "a/b", ".hidden", "x" * 99]
)
def test_a_name_that_is_no_name_is_refused(check: Check, tmp_path: Path, name: str) -> None:
    for text in (
        GOOD.replace("doubled:", json.dumps(name) + ":"),
        GOOD.replace("name: small", f"name: {json.dumps(name)}"),
    ):
        code, shown = check(text, "run")
        assert code == 2, shown
        assert "name" in shown
    assert not list(tmp_path.rglob("*evil*"))


def test_ten_thousand_lines_are_read(check: Check) -> None:
    more = "".join(f"  d{n}:\n    relayer: {{model: tuned, drop: [[1, 2]]}}\n" for n in range(5000))
    code, shown = check(GOOD.replace("evaluate:", more + "evaluate:"))
    assert code == 0, shown[-2000:]
    code, shown = check(GOOD.replace("evaluate:", more.replace("drop", "dorp") + "evaluate:"))
    assert code == 2
    assert "dorp" in shown


def test_noise_and_bombs_are_refused(check: Check) -> None:
    import random

    noise = random.Random(0).randbytes(200_000)
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)
    )
    for text in (noise, b"\x00" * 1000, bomb.encode(), b"- a\n- b\n", b"", b"[" * 100_000):
        code, shown = check(text)
        assert code == 2, shown[-500:]
        assert "Traceback" not in shown
        assert len(shown) < 20_000
