"""``--set key.path=value``: changes to the tree, before it is checked like the file."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import Problem, UserError, Where
from workbench.recipe.node import Node
from workbench.recipe.tree import read_tree
from workbench.recipe.words import ALIASES, did_you_mean, fields, model_at

Path = tuple[str | int, ...]


def apply_sets(root: Node, sets: Sequence[str]) -> list[Problem]:
    """Put each ``key.path=value`` into the tree, in order. Returns what could not be put there.

    Names may hold dots (``outputs.qwen2.5.finetune.lora_r``): the longest name that exists wins.
    List items are named by their index, from 0 (``datasets.0.path``).
    """
    problems: list[Problem] = []
    for text in sets:
        where = Where(f"--set {text[:200]}")
        key, equals, value = text.partition("=")
        if not equals or not key.strip("."):
            problems.append(
                Problem(
                    "not of the form KEY.PATH=VALUE",
                    remedy="for example --set outputs.tuned.finetune.lora_r=16",
                    where=where,
                )
            )
            continue
        try:
            node = _value(value, where)
            _put(root, key.strip().split("."), node, where)
        except UserError as error:
            problems += error.problems
    return problems


def _value(text: str, where: Where) -> Node:
    """The YAML value ``text``; every place in it is the ``--set`` itself."""
    if not text.strip():
        return Node("", where, where)
    node, problems = read_tree(text, where.file)
    if problems:
        raise UserError(problems)
    ahead = [node]
    while ahead:
        each = ahead.pop()
        each.where, each.key = where, where
        if isinstance(each.content, dict):
            ahead += each.content.values()
        elif isinstance(each.content, list):
            ahead += each.content
    return node


def _put(root: Node, words: list[str], value: Node, where: Where) -> None:
    node = root
    path: Path = ()
    while True:
        content = node.content
        if isinstance(content, list):
            index = _index(words[0], len(content), where)
            if len(words) == 1:
                content[index] = value
                return
            node, path, words = content[index], (*path, index), words[1:]
            continue
        if not isinstance(content, dict):
            raise _lost(f"{_dotted(path)} is no mapping, so it has no {words[0]!r}", "", where)
        taken = _longest(content, words)
        if taken == len(words):
            content[_ours(".".join(words), path)] = value
            return
        if taken == 0:
            name = words[0]
            if name not in _known(path):
                raise _lost(
                    f"{_dotted(path)} has no {name!r}",
                    did_you_mean(name, list(content)),
                    where,
                )
            content[name] = Node({}, where, where)
            taken = 1
        name = ".".join(words[:taken])
        node, path, words = content[name], (*path, name), words[taken:]


def _longest(content: dict[str, Node], words: list[str]) -> int:
    """How many leading ``words`` make up a key: all of them if what is left may be a new key."""
    for count in range(len(words), 0, -1):
        if ".".join(words[:count]) in content:
            return count
    return 1 if len(words) == 1 else 0


def _ours(name: str, path: Path) -> str:
    model = model_at(path)
    return ALIASES.get(model, {}).get(name, name) if model else name


def _known(path: Path) -> list[str]:
    model = model_at(path)
    return fields(model) if model else []


def _index(word: str, length: int, where: Where) -> int:
    if not word.isascii() or not word.isdigit() or int(word[:9]) >= length:
        raise _lost(f"{word!r} is no item of that list", f"items are 0 to {length - 1}", where)
    return int(word)


def _dotted(path: Path) -> str:
    return ".".join(map(str, path)) or "the recipe"


def _lost(fact: str, remedy: str, where: Where) -> UserError:
    return UserError(Problem(fact, "", remedy, where))
