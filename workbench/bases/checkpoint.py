"""Is a folder a whole safetensors checkpoint? Read from headers alone, in milliseconds.

What is found here would otherwise surface after minutes of loading, or as another library's
traceback; and pickle files, which can run code when opened, are refused outright.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.errors import Problem, UserError

#: A header is JSON that names tensors; the format's own reader refuses longer ones too.
MAX_HEADER = 100_000_000
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
INDEX = "model.safetensors.index.json"
#: Files beside the weights that are small and not part of the model.
_NOT_WEIGHTS = ("training_args.bin", "optimizer.bin", "scheduler.bin", "tokenizer.bin")

HOW_TO_CONVERT = (
    'if you trust its maker, convert it once: python -c "from transformers import '
    "AutoModelForCausalLM as M; M.from_pretrained('{folder}', use_safetensors=False)"
    ".save_pretrained('{folder}-safetensors')\", copy the tokenizer files beside it, and name the "
    "new folder; or look for a revision of it in safetensors"
)


def check_folder(folder: Path, called: str) -> tuple[Path, ...]:
    """The weight files of the checkpoint in ``folder``, after checking all of them.

    ``called`` is the user's name for it. Raises ``UserError`` with every problem: no config.json,
    pickle only, an index that points outside, files missing, truncated or no safetensors at all.
    """
    problems: list[Problem] = []
    if not (folder / "config.json").is_file():
        problems.append(
            Problem(
                f"{called} has no config.json",
                "that file says of which architecture the weights are",
                f"name the folder that holds it (looked in {folder})",
            )
        )
    elif not isinstance(read_json(folder / "config.json", problems), dict):
        problems.append(Problem(f"{called}: config.json is no JSON object"))
    files = _weight_files(folder, called, problems)
    for file in files:
        _check_file(file, problems)
    if problems:
        raise UserError(problems)
    return files


def is_whole(folder: Path) -> bool:
    """Whether :func:`check_folder` finds nothing wrong."""
    try:
        check_folder(folder, "")
    except UserError:
        return False
    return True


def read_json(path: Path, problems: list[Problem]) -> Any:
    """The content of a JSON file; an unreadable one becomes a problem and ``{}``."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        problems.append(Problem(f"{path} cannot be read as JSON", str(error), "restore the file"))
        return {}


def _weight_files(folder: Path, called: str, problems: list[Problem]) -> tuple[Path, ...]:
    if (folder / "model.safetensors").is_file():
        return (folder / "model.safetensors",)
    if (folder / INDEX).is_file():
        return _indexed(folder, problems)
    stray = sorted(p.name for p in folder.glob("*.safetensors"))
    pickles = sorted(
        {p.name for pattern in PICKLES for p in folder.glob(pattern)} - set(_NOT_WEIGHTS)
    )
    if "adapter_model.safetensors" in stray:
        problems.append(
            Problem(
                f"{called} holds an adapter, not a base",
                "an adapter is a change to a base and no model by itself",
                "name the base here",
            )
        )
    elif pickles:
        problems.append(
            Problem(
                f"{called} has its weights only as pickle: {', '.join(pickles[:3])}",
                "opening a pickle file can run any code that its maker put there",
                HOW_TO_CONVERT.format(folder=folder),
            )
        )
    else:
        seen = f"found only {', '.join(stray[:3])}" if stray else f"none is in {folder}"
        problems.append(
            Problem(
                f"{called} has no weights",
                f"a checkpoint has model.safetensors or {INDEX}; {seen}",
                "name a folder that holds a whole checkpoint",
            )
        )
    return ()


def _indexed(folder: Path, problems: list[Problem]) -> tuple[Path, ...]:
    index = folder / INDEX
    content = read_json(index, problems)
    weight_map = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        problems.append(Problem(f"{index} has no weight_map", "", "restore the file"))
        return ()
    files = []
    for name in sorted({str(value) for value in weight_map.values()}):
        # Judged by the name, not by where it resolves: the hub's cache is made of links.
        if name in ("", ".", "..") or set(name) & set("/\\:\0"):
            problems.append(
                Problem(
                    f"{index} points outside its folder: {name!r}",
                    "a checkpoint's parts lie beside its index",
                    "do not use this checkpoint unless you know who wrote that line",
                )
            )
        elif not name.endswith(".safetensors"):
            problems.append(
                Problem(
                    f"{index} names {name}, which is no safetensors file",
                    "other formats can run code when opened",
                    HOW_TO_CONVERT.format(folder=folder),
                )
            )
        elif not (folder / name).is_file():
            problems.append(
                Problem(f"{folder / name} is missing", f"{INDEX} names it", "download it again")
            )
        else:
            files.append(folder / name)
    if not problems:
        _check_index(index, weight_map, files, problems)
    return tuple(files)


def _check_index(
    index: Path, weight_map: dict[str, str], files: Iterable[Path], problems: list[Problem]
) -> None:
    held: dict[str, set[str]] = {}
    for file in files:
        try:
            held[file.name] = set(header(file)[0])
        except ValueError:
            continue  # The file's own check says what is wrong with it.
    lost = [t for t, name in weight_map.items() if name in held and t not in held[name]]
    if lost:
        problems.append(
            Problem(
                f"{index} names {len(lost)} tensors that its files lack, such as {lost[0]}",
                "index and files come from different checkpoints",
                "download them together",
            )
        )


def header(path: Path) -> tuple[dict[str, Any], int, bytes]:
    """Of a safetensors file: its tensors by name, the size it must have in bytes, its raw header.

    The format: 8 bytes with the header's length (little endian), the header as JSON with each
    tensor's ``data_offsets``, then the data. Raises ``ValueError`` when it is not that.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        length = int.from_bytes(head, "little")
        if head == b"version ":
            raise ValueError("it is a git-lfs pointer; the weights themselves were not downloaded")
        if len(head) < 8 or length > MAX_HEADER:
            raise ValueError("it does not begin as a safetensors file does")
        raw = file.read(length)
    if len(raw) < length:
        raise ValueError(f"its header takes {8 + length:,} bytes and the file has {size:,}")
    try:
        tensors = json.loads(raw)
        tensors.pop("__metadata__", None)
        data = max((int(t["data_offsets"][1]) for t in tensors.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ValueError("its header is damaged") from error
    return tensors, 8 + length + data, raw


def _check_file(path: Path, problems: list[Problem]) -> None:
    size = path.stat().st_size
    again = "download or copy it again"
    try:
        _, needed, _ = header(path)
    except ValueError as error:
        problems.append(Problem(f"{path} is no whole safetensors file", str(error), again))
        return
    if size < needed:
        fact = f"{path} is truncated: {size:,} bytes of {needed:,}"
        problems.append(Problem(fact, "its header promises tensors beyond its end", again))
    elif size > needed:
        fact = f"{path} has {size - needed:,} bytes more than its header describes"
        problems.append(Problem(fact, "it was overwritten or appended to", again))
