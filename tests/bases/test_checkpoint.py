"""Bad checkpoints are named for what they are, by the user's word for them, before any loading."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from workbench.bases.checkpoint import INDEX, check_folder, header
from workbench.bases.config import BaseConfig
from workbench.bases.identity import identity, kind_of
from workbench.bases.locate import locate, read_config
from workbench.errors import UserError


@pytest.fixture
def folder(tiny_folder, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_folder("llama"), tmp_path / "base"))


def shard(folder: Path, count: int = 2) -> None:
    """Split the weights as transformers does for big models."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    weight_map = {}
    for part in range(count):
        name = f"model-{part + 1:05}-of-{count:05}.safetensors"
        some = {k: t for i, (k, t) in enumerate(tensors.items()) if i % count == part}
        save_file(some, folder / name, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(some, name)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        identity(BaseConfig(base_model=str(folder)))
    return str(caught.value)


def test_whole_checkpoints_pass_sharded_or_not(folder):
    assert [f.name for f in check_folder(folder, "it")] == ["model.safetensors"]
    shard(folder)
    assert len(check_folder(folder, "it")) == 2
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(folder)


def test_truncated_file_is_named_with_both_sizes(folder):
    file = folder / "model.safetensors"
    size = file.stat().st_size
    with file.open("r+b") as handle:
        handle.truncate(size - 1000)
    message = refused(folder)
    assert str(file) in message and f"{size - 1000:,} bytes of {size:,}" in message


@pytest.mark.parametrize("kept", [0, 5, 8, 400])
def test_file_cut_inside_its_header(folder, kept):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    assert str(file) in refused(folder)


def test_lfs_pointer_is_recognised(folder):
    (folder / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123\n"
    )
    assert "git-lfs" in refused(folder)


@pytest.mark.parametrize("name", ["../other.safetensors", "/etc/model.safetensors", "..", "a\\b"])
def test_index_that_points_outside(folder, name):
    shard(folder)
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"]["lm_head.weight"] = name
    (folder / INDEX).write_text(json.dumps(index))
    message = refused(folder)
    assert "outside its folder" in message and repr(name) in message


def test_all_problems_at_once(folder):
    shard(folder, 3)
    (folder / "config.json").unlink()
    (folder / "model-00001-of-00003.safetensors").unlink()
    second = folder / "model-00002-of-00003.safetensors"
    second.write_bytes(second.read_bytes()[:-1])
    with pytest.raises(UserError) as caught:
        check_folder(folder, "it")
    assert len(caught.value.problems) == 3


def test_index_of_another_checkpoint(folder):
    shard(folder)
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"]["model.extra.weight"] = "model-00001-of-00002.safetensors"
    (folder / INDEX).write_text(json.dumps(index))
    assert "model.extra.weight" in refused(folder)


def test_pickle_is_refused_unopened_with_the_way_to_convert(folder):
    (folder / "model.safetensors").unlink()
    opened = folder / "opened"

    class Trap:
        def __reduce__(self):
            return (Path.touch, (opened,))

    torch.save({"w": Trap()}, folder / "pytorch_model.bin")
    message = refused(folder)
    assert "pickle" in message and "save_pretrained" in message
    with pytest.raises(UserError):
        locate(BaseConfig(base_model=str(folder)))
    assert not opened.exists()


def test_adapter_is_not_a_base(folder):
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    assert "adapter" in refused(folder)


def test_header_agrees_with_the_library(folder):
    from safetensors import safe_open

    file = folder / "model.safetensors"
    tensors, size, _ = header(file)
    with safe_open(file, framework="pt") as reference:
        assert set(tensors) == set(reference.keys())
    assert size == file.stat().st_size


def test_identity_follows_the_content(folder, tiny_folder, tmp_path):
    config = BaseConfig(base_model=str(folder))
    first = identity(config)
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    assert identity(BaseConfig(base_model=str(moved))) == first
    raw = bytearray((folder / "model.safetensors").read_bytes())
    raw[-1] ^= 1
    (folder / "model.safetensors").write_bytes(raw)
    assert identity(config) != first
    other = BaseConfig(base_model=str(moved), chat_template="{{ messages }}")
    assert identity(other) != first
    assert read_config(config)["num_hidden_layers"] == 6


def test_big_files_are_known_by_header_size_and_time(folder, monkeypatch):
    monkeypatch.setattr("workbench.bases.identity.SMALL", 100_000)
    config = BaseConfig(base_model=str(folder))
    found = identity(config)["files"]["model.safetensors"]
    assert found["size"] == (folder / "model.safetensors").stat().st_size
    (folder / "model.safetensors").touch()
    assert identity(config)["files"]["model.safetensors"] != found


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("tiny/summs", "tiny/sums"),
        ("tiny/sums-lama", "tiny/sums-llama"),
        ("tiny/nothing-like-it", "tiny/sums"),
        ("Qwen2-7B", "Qwen/Qwen2-7B"),
        ("./no/such/folder", "tiny/sums"),
        ("a b c", "organisation/name"),
        ("../../not-anywhere-here", "organisation/name"),
    ],
)
def test_unknown_bases_get_likely_names(name, likely):
    with pytest.raises(UserError) as caught:
        kind_of(BaseConfig(base_model=name))
    assert repr(name) in str(caught.value) and likely in str(caught.value)


def test_misspelt_folder_gets_its_neighbour(folder):
    wrong = str(folder)[:-1]
    with pytest.raises(UserError, match=f"did you mean {folder}"):
        kind_of(BaseConfig(base_model=wrong))


def test_no_torch_and_quick(tiny_folder):
    """``workbench check`` answers at once: nothing here may import torch or open a connection."""
    code = (
        "import sys, socket\n"
        "socket.socket.connect = None\n"
        "from workbench.bases.config import BaseConfig\n"
        "from workbench.bases.identity import identity\n"
        "from workbench.bases.locate import read_config\n"
        "from workbench.bases.stack import layer_count\n"
        "for name in sys.argv[1:]:\n"
        "    c = BaseConfig(base_model=name)\n"
        "    print(identity(c)['kind'], read_config(c) is None)\n"
        "heavy = {'torch', 'transformers', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    started = time.monotonic()
    out = subprocess.run(
        [sys.executable, "-c", code, str(tiny_folder("llama")), "nobody/has-this"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.returncode == 0, out.stderr
    assert out.stdout.split("\n")[:2] == ["local False", "hub True"]
    assert time.monotonic() - started < 5
