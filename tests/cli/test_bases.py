"""``workbench bases``: the list, its filters, and one model in full."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from workbench.bases.catalogue import entries
from workbench.bases.tiny import cause_names, names
from workbench.cli.app import invoke


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = invoke(["bases", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_list_names_every_model_and_every_tiny_base(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys=capsys)
    assert code == 0
    once = [name for name in names() if name not in cause_names()[1:]]
    for name in [*once, *(e.hub_id for e in entries())]:
        assert name in out
    assert cause_names()[1] not in out
    code, out, _ = run("--search", "cause-", capsys=capsys)
    assert all(name in out for name in cause_names())


@pytest.mark.parametrize("country", ["CN", "china"])
def test_filters_narrow_together(country: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("--country", country, "--kind", "base", "--json", capsys=capsys)
    assert code == 0
    rows = json.loads(out)
    expected = [e.hub_id for e in entries() if e.country == "CN" and e.kind == "base"]
    assert [row["hub_id"] for row in rows] == expected


def test_one_model_in_full_says_what_its_licence_asks(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("qwen/qwen2.5-3b", capsys=capsys)
    assert code == 0
    text = " ".join(out.split())
    assert "Non-commercial use only" in text
    assert "3,085,938,688" in text


def test_what_is_not_known_is_said_to_be_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("openbmb/MiniCPM5-1B-Base", capsys=capsys)
    assert code == 0
    assert any(line.split() == ["layers", "not", "known"] for line in out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("Qwen/Qwen2.5-3",), "Qwen/Qwen2.5-3B"),
        (("--family", "Lama-3"), "Llama-3"),
        (("--country", "Mars"), "CN"),
        (("--search", "no such model"), "leave one of them out"),
    ],
)
def test_a_miss_is_the_users_and_names_what_is_near(
    arguments: tuple[str, ...], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(*arguments, capsys=capsys)
    assert code == 2
    assert hint in err


def test_the_verb_imports_nothing_heavy() -> None:
    code = (
        "import sys; from workbench.cli.app import invoke; assert invoke(['bases']) == 0;"
        "assert not {'torch', 'transformers', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
