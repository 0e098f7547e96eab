"""A sealed folder is whole or not there, and a changed bit is found and named."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import StepFailed
from workbench.store.outputs import OUTPUT_MANIFEST, Shelf
from workbench.store.seal import verify


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "adapters", OUTPUT_MANIFEST)


def _fill(folder: Path) -> dict[str, object]:
    (folder / "weights.safetensors").write_bytes(bytes(range(256)) * 8)
    (folder / "sub").mkdir()
    (folder / "sub" / "tokenizer.json").write_text('{"a": 1}')
    return {"name": "tuned", "kind": "finetune"}


def test_the_manifest_holds_the_sha256_of_every_file(shelf: Shelf) -> None:
    stored = shelf.make("tuned", "0123456789ab", _fill)
    files = json.loads((stored.folder / OUTPUT_MANIFEST).read_text())["files"]
    assert set(files) == {"weights.safetensors", "sub/tokenizer.json"}
    for name, entry in files.items():
        content = (stored.folder / name).read_bytes()
        assert entry == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_is_found_and_its_file_named(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    shelf = Shelf(tmp_path_factory.mktemp("home"), OUTPUT_MANIFEST)
    folder = shelf.make("tuned", "0123456789ab", _fill).folder
    name = data.draw(st.sampled_from(["weights.safetensors", "sub/tokenizer.json", "output.json"]))
    path = folder / name
    content = bytearray(path.read_bytes())
    if name == "output.json":  # its closing newline and indentation carry no information
        places = [i for i, byte in enumerate(content) if not chr(byte).isspace()]
        place = data.draw(st.sampled_from(places))
    else:
        place = data.draw(st.integers(0, len(content) - 1))
    before = path.stat()
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(content))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(StepFailed, match=name):
        shelf.find("tuned", "0123456789ab")


def test_a_missing_and_a_truncated_file_are_both_named(shelf: Shelf) -> None:
    folder = shelf.make("tuned", "0123456789ab", _fill).folder
    (folder / "sub" / "tokenizer.json").unlink()
    with (folder / "weights.safetensors").open("r+b") as file:
        file.truncate(100)
    with pytest.raises(StepFailed) as failure:
        verify(folder, OUTPUT_MANIFEST)
    text = str(failure.value)
    assert "sub/tokenizer.json" in text
    assert "weights.safetensors" in text
    assert "100 bytes" in text


@pytest.mark.parametrize("error", [RuntimeError("broke"), KeyboardInterrupt()])
def test_nothing_is_left_when_filling_stops(shelf: Shelf, error: BaseException) -> None:
    def fill(folder: Path) -> dict[str, object]:
        (folder / "half").write_text("half")
        raise error

    with pytest.raises(type(error)):
        shelf.make("tuned", "0123456789ab", fill)
    assert list(shelf.root.iterdir()) == []
    assert shelf.find("tuned", "0123456789ab") is None


def test_a_half_left_by_a_killed_process_is_cleared_and_made_again(shelf: Shelf) -> None:
    half = shelf.root / ".making-tuned-0123456789ab"
    half.mkdir(parents=True)
    (half / "weights.safetensors").write_bytes(b"half")
    folder = shelf.make("tuned", "0123456789ab", _fill).folder
    assert [p.name for p in shelf.root.iterdir()] == [folder.name]


def test_a_folder_that_the_workbench_did_not_finish_is_not_overwritten(shelf: Shelf) -> None:
    mine = shelf.root / "tuned-0123456789ab"
    mine.mkdir(parents=True)
    (mine / "notes.txt").write_text("by hand")
    with pytest.raises(StepFailed, match=r"output\.json"):
        shelf.make("tuned", "0123456789ab", _fill)
    assert (mine / "notes.txt").read_text() == "by hand"


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a" * 200, "x\n"])
def test_a_name_cannot_leave_the_shelf(shelf: Shelf, name: str) -> None:
    with pytest.raises(ValueError, match="not a folder name"):
        shelf.folder(name, "0123456789ab")
