"""A study's matrix as outputs of the recipe, each of which knows where its treatment is written.

The outputs are put into the tree of the file too, with the places of the treatment: whatever check
finds fault with one of them then points at the line that a person wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from workbench.errors import Problem, Where
from workbench.output_config import OutputConfig
from workbench.recipe.faults import where_at
from workbench.recipe.graph import link, parents_of, topological
from workbench.recipe.names import NAME
from workbench.recipe.node import Node
from workbench.recipe.salvage import pruned
from workbench.recipe.schema import Recipe
from workbench.study.design.chosen import arms_of
from workbench.study.design.config import StudyConfig
from workbench.study.design.matrix import (
    BASE,
    Cell,
    Variant,
    rates_of,
    trained,
    variants,
    with_parents,
)

#: The keys that name a model. mergekit gives ``base`` a meaning where a tokenizer is chosen.
_MODEL_KEYS = ("base_model", "model", "source", "tokenizer_source")
_TREATMENT = ("study", "treatment")


@dataclass(frozen=True)
class Matrix:
    """What a study comes to. ``bases`` are those it is about: all that the recipe declares.

    ``treatments`` says of each output of ``outputs`` which treatment it is, ``implicit`` the bases
    that a treatment names without declaring them.
    """

    bases: tuple[str, ...]
    cells: tuple[Cell, ...]
    outputs: Mapping[str, OutputConfig]
    treatments: Mapping[str, str]
    implicit: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    notices: tuple[Problem, ...] = ()


def unfold(recipe: Recipe, root: Node, path: Any) -> Matrix | None:
    """The matrix of the recipe's study, its outputs put into ``root``; ``None`` without a study."""
    study = recipe.study
    if study is None:
        return None
    written = root.find(_TREATMENT)
    bases = _keys(root, "bases")
    if written is None or not isinstance(written.content, dict):
        return Matrix(tuple(bases), (), {}, {})
    steps = study.treatment
    implicit, problems = _linked(recipe, root, written, path)
    parents = {name: parents_of(output.step) for name, output in steps.items()}
    rated = trained({name: output.step for name, output in steps.items()}, parents)
    probed = with_parents(next(iter(steps), ""), parents)
    work = _Unfolding(root, written.content, recipe)
    ways = variants(study, arms_of(study))
    for base in bases:
        for way in ways:
            names = {BASE: base}
            for name in topological(steps):
                if way.arm and name not in probed:
                    continue
                if name in rated or way.fixed:
                    names[name] = work.make(base, name, way, names)
                else:
                    # No rate and no arm reaches it: it is that of the fixed rate.
                    names[name] = work.fixed[base, name]
    return Matrix(
        tuple(bases),
        tuple(work.cells),
        work.outputs,
        work.treatments,
        implicit,
        (*problems, *work.problems, *work.unfit()),
        tuple(_notices(study, root)),
    )


class _Unfolding:
    """What is made so far, and the tree it is put into."""

    def __init__(self, root: Node, written: Mapping[str, Node], recipe: Recipe) -> None:
        if not isinstance(root.content, dict):
            raise TypeError("a recipe's tree has a mapping at its top")
        self._root, self._written, self._seeds = root, written, recipe.seeds
        self._taken = {name.lower() for s in ("bases", "outputs") for name in _keys(root, s)}
        self._given = set(self._taken)
        place = written[next(iter(written))].where if written else root.where
        outputs = root.content.setdefault("outputs", Node({}, place))
        if not isinstance(outputs.content, dict):
            # What is wrong with it is told where it is validated.
            outputs = Node({}, place)
        self._tree: dict[str, Node] = outputs.content  # type: ignore[assignment]
        self._sound: set[str] = set()
        self._unfit: dict[tuple[str, str], tuple[str, ValidationError]] = {}
        self._same: dict[tuple[str, str, str], str] = {}
        self.cells: list[Cell] = []
        self.outputs: dict[str, OutputConfig] = {}
        self.treatments: dict[str, str] = {}
        self.fixed: dict[tuple[str, str], str] = {}
        self.problems: list[Problem] = []

    def make(self, base: str, treatment: str, way: Variant, names: Mapping[str, str]) -> str:
        """Order one output, or the one that is the same; returns its name."""
        node = self._node(treatment, way, names)
        config = self._config(node, treatment, way)
        text = config.model_dump_json() if config else ""
        name = self._same.get((base, treatment, text)) if config else None
        if name is None:
            name = way.name(base, treatment)
            self._same[base, treatment, text] = name
            if config is not None and self._is_free(name, treatment, way):
                self.outputs[name], self.treatments[name] = config, treatment
                self._tree[name] = node
                self._taken.add(name.lower())
        if way.fixed:
            self.fixed[base, treatment] = name
        if name in self.outputs:
            self.cells.append(
                Cell(name, base, treatment, way.rate, way.arm, way.hypothesis, way.fixed)
            )
        return name

    def _node(self, treatment: str, way: Variant, names: Mapping[str, str]) -> Node:
        node = with_names(self._written[treatment], names)
        if isinstance(node.content, dict) and "finetune" in node.content:
            step = node.content["finetune"]
            if isinstance(step.content, dict):
                step.content |= {k: _plain(v, step.where) for k, v in way.changes.items()}
                data = step.content.get("datasets")
                for each in data.content if data and isinstance(data.content, list) else ():
                    if way.labels is not None and isinstance(each.content, dict):
                        each.content["labels"] = Node(way.labels, each.where)
        return node

    def _config(self, node: Node, treatment: str, way: Variant) -> OutputConfig | None:
        data = node.data()
        try:
            config = OutputConfig.model_validate(data)
        except ValidationError as error:
            if way.arm and treatment in self._sound:
                # Every base and arm would say it again.
                self._unfit.setdefault((way.hypothesis, treatment), (way.arm, error))
                return None
            # The treatment itself is faulty, which is told once, where it is written.
            return pruned(OutputConfig, data)
        self._sound.add(treatment)
        return config

    def unfit(self) -> Iterator[Problem]:
        """The hypotheses whose arms the treatment cannot be trained as."""
        for (hypothesis, treatment), (arm, error) in self._unfit.items():
            first = error.errors(include_url=False)[0]
            yield Problem(
                f"hypothesis {hypothesis} cannot train treatment {treatment} as its arm {arm!r} "
                "wants",
                str(first.get("ctx", {}).get("error", first["msg"])),
                "remove the hypothesis, or change the treatment",
                self._place(treatment),
            )

    def _is_free(self, name: str, treatment: str, way: Variant) -> bool:
        if not NAME.fullmatch(name):
            fact = f"the study would call an output {name[:100]!r}, which is too long for a name"
            remedy = "give the base or the treatment a shorter name: 64 characters are allowed"
            self.problems.append(Problem(fact, "", remedy, self._place(treatment)))
            return False
        if name.lower() not in self._taken:
            return True
        by = "the recipe" if name.lower() in self._given else "another of the study's outputs"
        self.problems.append(
            Problem(
                f"the study would call an output {name!r}, a name taken by {by}",
                "an output of a study is called BASE-TREATMENT, with its rate or arm behind",
                "give the treatment, or what has the name, another one",
                self._place(treatment),
            )
        )
        return False

    def _place(self, treatment: str) -> Where:
        node = self._written[treatment]
        return node.key or node.where


def with_names(node: Node, names: Mapping[str, str], key: str = "", above: str = "") -> Node:
    """A copy of ``node`` in which every model that ``names`` knows has its new name."""
    content = node.content
    if isinstance(content, dict):
        children = {
            word: child if word == "options" else with_names(child, names, word, key)
            for word, child in content.items()
        }
        return Node(children, node.where, node.key)
    if isinstance(content, list):
        return Node([with_names(c, names, key, above) for c in content], node.where, node.key)
    if isinstance(content, str) and key in _MODEL_KEYS and content in names:
        chooses_tokenizer = key == "tokenizer_source" or (key == "source" and above == "tokenizer")
        if not (chooses_tokenizer and content == BASE):
            return Node(names[content], node.where, node.key)
    return Node(content, node.where, node.key)


def _linked(
    recipe: Recipe, root: Node, written: Node, path: Any
) -> tuple[dict[str, Any], list[Problem]]:
    """The bases that a treatment names undeclared, and what is wrong with its parents.

    ``base`` and the names of treatments stand beside the recipe's own, as they do in the file.
    """
    study = recipe.study
    known = {s: root.find((s,)) for s in ("bases", "outputs")}
    names = {s: dict(n.content) for s, n in known.items() if n and isinstance(n.content, dict)}
    treatments = written.content if isinstance(written.content, dict) else {}
    tree = Node(
        {
            "bases": Node({**names.get("bases", {}), BASE: written}, written.where),
            "outputs": Node({**names.get("outputs", {}), **treatments}, written.where),
        },
        written.where,
    )
    return link(study.treatment if study else {}, recipe.bases, tree, path)


def _notices(study: StudyConfig, root: Node) -> Iterator[Problem]:
    rates = rates_of(study)
    if study.learning_rates and rates.fixed and rates.fixed not in study.learning_rates:
        whose = "fixed_rate" if study.fixed_rate else "the treatment's own"
        yield Problem(
            f"{rates.fixed:g} ({whose}) is tried beside the learning_rates",
            where=where_at(root, ("study", "learning_rates"), key=True),
        )


def _keys(root: Node, section: str) -> list[str]:
    node = root.find((section,))
    return list(node.content) if node and isinstance(node.content, dict) else []


def _plain(value: Any, where: Where) -> Node:
    if isinstance(value, Mapping):
        return Node({str(k): _plain(v, where) for k, v in value.items()}, where)
    if isinstance(value, list | tuple):
        return Node([_plain(v, where) for v in value], where)
    return Node(value, where)
