"""What the suites' own tasks ask of a model, counted from their files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.evaluate.task_files import TaskFile
from workbench.recipe.rows import CHARACTERS, SMALL_VOCABULARY
from workbench.recipe.scoring_tasks import TaskFacts

#: So many items are read to learn how long one is; all are counted.
SAMPLE = 200
#: lm-eval's own limits where a task sets none: tokens generated, and what stands before a choice.
MOST, DELIMITER = 256, " "

_FIELD = re.compile(r"\{\{\s*(\w+)[^{}]*\}\}")


def local_facts(file: TaskFile, vocabulary: int) -> TaskFacts | None:
    """The facts of a task with its items beside it; ``None`` where they cannot be counted."""
    test = str(file.settings.get("test_split") or file.settings.get("validation_split") or "")
    splits = file.data_files()
    paths = splits.get(test) or [path for paths in splits.values() for path in paths]
    counted = [found for path in paths if (found := _items(path, _stamp(path))) is not None]
    if not counted or len(counted) < len(paths):
        return None
    items = [item for _, sample in counted for item in sample]
    character = 1.0 if vocabulary < SMALL_VOCABULARY else 1 / CHARACTERS
    settings = file.settings
    question = _mean(len(_rendered(settings.get("doc_to_text"), item)) for item in items)
    facts: dict[str, Any] = {
        "task": file.name,
        "data": "",
        "items": sum(number for number, _ in counted),
        "shots": int(settings.get("num_fewshot") or 0),
        "question": max(1.0, question * character),
    }
    if settings.get("output_type") == "multiple_choice":
        delimiter = str(settings.get("target_delimiter", DELIMITER))
        told = [_choices(settings.get("doc_to_choice"), item, delimiter) for item in items]
        answer = _mean(len(choice) for choices in told for choice in choices) * character
        facts["answer"] = answer
        facts["choices"] = max(1.0, _mean(len(choices) for choices in told))
        facts["passes"] = max(1.0, _mean(_passes(choices, vocabulary) for choices in told))
    else:
        generation = settings.get("generation_kwargs") or {}
        most = int(generation.get("max_gen_toks", MOST))
        answer = _mean(len(_rendered(settings.get("doc_to_target"), item)) for item in items)
        # The token that ends the answer is generated too.
        facts["generated"] = min(most, answer * character + 1)
        facts["most"] = most
    facts["shot"] = facts["question"] + answer * character
    return TaskFacts(**facts)


def _passes(choices: list[str], vocabulary: int) -> int:
    """Answers that differ in their last token only are read off one pass."""
    if vocabulary < SMALL_VOCABULARY:
        return len({choice[:-1] for choice in choices})
    single = all(len(choice.strip()) <= 1 for choice in choices)
    return 1 if single else len(choices)


def _choices(given: object, item: Mapping[str, Any], delimiter: str) -> list[str]:
    found = given
    if isinstance(given, str):
        name = _FIELD.fullmatch(given.strip())
        found = item.get(name[1] if name else given)
    texts = [str(each) for each in found] if isinstance(found, list) else [""]
    return [delimiter + text for text in texts]


def _rendered(template: object, item: Mapping[str, Any]) -> str:
    """The text of an item: fields put into a plain template; all its texts where it is no such."""
    if isinstance(template, str) and not template.startswith("!") and "{%" not in template:
        if template in item:
            return str(item[template])
        if all(name in item for name in _FIELD.findall(template)):
            return _FIELD.sub(lambda found: str(item[found[1]]), template)
    return " ".join(str(value) for value in item.values())


def _mean(numbers: Iterator[float] | Iterator[int]) -> float:
    listed = list(numbers)
    return sum(listed) / len(listed) if listed else 0.0


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


# The stamp is in the key so that an edited file is read anew.
@lru_cache(maxsize=64)
def _items(path: Path, stamp: tuple[int, int]) -> tuple[int, list[dict[str, Any]]] | None:
    """How many items a JSON-lines file has, and the first of them; ``None`` where it is none."""
    if path.suffix != ".jsonl":
        return None
    sample: list[dict[str, Any]] = []
    number = 0
    try:
        with path.open("rb") as lines:
            for line in lines:
                if not line.strip():
                    continue
                number += 1
                if len(sample) < SAMPLE and isinstance(item := json.loads(line), dict):
                    sample.append(item)
    except (OSError, ValueError):
        return None
    return (number, sample) if number else None
