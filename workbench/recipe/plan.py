"""The plan: every base and output of a recipe as a node of a graph, with its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from workbench.bases.stack import layer_count
from workbench.errors import UserError
from workbench.finetune.config import DatasetConfig, FinetuneConfig
from workbench.merge.config import MergeConfig, needs_seed
from workbench.recipe.claims import claims_of
from workbench.recipe.graph import parents_of, topological
from workbench.recipe.keys import base_key, digest, output_key
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.schema import Recipe, StepConfig
from workbench.recipe.shapes import shapes
from workbench.recipe.study_plan import study_plan
from workbench.scan.config import ScanConfig

if TYPE_CHECKING:
    from workbench.evaluate.config import EvaluateConfig
    from workbench.evaluate.suites import Suite
    from workbench.leaderboard.reproduce.claim import Claim
    from workbench.study.design.plan import StudyPlan

Kind = Literal["base", "finetune", "relayer", "merge", "scan"]


@dataclass(frozen=True)
class Node:
    """A base, or one making of an output.

    ``id`` is the name, or ``name@seed`` where the recipe has several seeds and this node depends
    on one. ``parents`` are ids. ``layers`` is the number of decoder layers, where it is known.
    ``config`` is a :class:`BaseConfig` or the config of the step.
    """

    id: str
    name: str
    kind: Kind
    seed: int | None
    config: Any
    parents: tuple[str, ...]
    key: str
    layers: int | None


@dataclass(frozen=True)
class Plan:
    """What a recipe comes to. ``nodes`` are in topological order, bases first.

    ``model_configs`` holds the ``config.json`` of every base and output by name, ``None`` where it
    is not known. ``claims`` are the published entries that outputs are held against, ``study`` what
    the recipe's study decided.
    """

    name: str
    key: str
    nodes: dict[str, Node]
    evaluate: EvaluateConfig | None = None
    suite: Suite | None = None
    model_configs: Mapping[str, dict[str, Any] | None] = field(default_factory=dict, repr=False)
    claims: tuple[Claim, ...] = ()
    study: StudyPlan | None = None

    @cached_property
    def by_name(self) -> Mapping[str, list[Node]]:
        """The makings of each base and output by its name: one, or one a seed."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            found.setdefault(node.name, []).append(node)
        return found


def make_plan(loaded: LoadedRecipe) -> Plan:
    """The plan of a recipe.

    Raises:
        UserError: the recipe has faults, or a base, data file, suite or layer path is wrong.
            ``recipe.check.checked_plan`` tells all such problems at once; this tells the first.
    """
    if loaded.faults:
        raise UserError(loaded.faults)
    recipe = loaded.recipe
    configs, problems = shapes(loaded)
    if problems:
        raise UserError(problems)
    nodes = _base_nodes(recipe, configs)
    identities: dict[str, Mapping[str, Any]] = {}
    seeded: dict[str, bool] = {}
    for name in topological(recipe.outputs):
        output = recipe.outputs[name]
        step, kind = output.step, output.kind
        parents = parents_of(step)
        seeded[name] = draws(step) or any(seeded.get(parent, False) for parent in parents)
        data = [_identity(d, identities) for d in _datasets(step)] + _probes(step)
        layers = layer_count(config) if (config := configs.get(name)) else None
        for seed in recipe.seeds if seeded[name] else [None]:
            ids = {p: node_id(p, seed, recipe, seeded.get(p, False)) for p in parents}
            keys = {p: nodes[i].key for p, i in ids.items()}
            own = node_id(name, seed, recipe, seeded[name])
            key = output_key(kind, step, keys, data, seed)
            nodes[own] = Node(own, name, kind, seed, step, tuple(ids.values()), key, layers)
    return _plan(loaded, nodes, configs, identities)


def node_id(name: str, seed: int | None, recipe: Recipe, seeded: bool) -> str:
    """``name``, or ``name@seed`` where several seeds make several of it."""
    return f"{name}@{seed}" if seeded and len(recipe.seeds) > 1 else name


def draws(step: StepConfig) -> bool:
    """Whether ``step`` itself uses the seed."""
    if isinstance(step, MergeConfig):
        return needs_seed(step)
    return isinstance(step, FinetuneConfig)


def _base_nodes(recipe: Recipe, configs: Mapping[str, dict[str, Any] | None]) -> dict[str, Node]:
    from workbench.bases.identity import identity

    nodes = {}
    for name, base in recipe.bases.items():
        layers = layer_count(config) if (config := configs.get(name)) else None
        key = base_key(base, identity(base))
        nodes[name] = Node(name, name, "base", None, base, (), key, layers)
    return nodes


def _datasets(step: StepConfig) -> list[DatasetConfig]:
    return step.datasets if isinstance(step, FinetuneConfig) else []


def _probes(step: StepConfig) -> list[Mapping[str, Any]]:
    """What each probe of a scan is; its file may change under the same name."""
    if not isinstance(step, ScanConfig):
        return []
    from workbench.scan.probes.probe import probe_identity

    return [probe_identity(probe.name, probe.options) for probe in step.probes]


def _identity(dataset: DatasetConfig, known: dict[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The identity of a data set; a file that many outputs share is read once."""
    from workbench.finetune.data import data_identity

    name = dataset.model_dump_json()
    if name not in known:
        known[name] = data_identity(dataset)
    return known[name]


def _plan(
    loaded: LoadedRecipe,
    nodes: dict[str, Node],
    configs: Mapping[str, dict[str, Any] | None],
    identities: dict[str, Mapping[str, Any]],
) -> Plan:
    recipe = loaded.recipe
    evaluate, suite, scoring = recipe.evaluate, None, None
    if evaluate is not None:
        from workbench.evaluate.suites import load_suite, suite_identity

        suite = load_suite(evaluate.suite)
        settings = evaluate.model_dump(mode="json", exclude={"suite"})
        scoring = {"suite": suite_identity(suite), "settings": settings}
    claims = claims_of(recipe, suite)
    facts: dict[str, Any] = {"nodes": {i: n.key for i, n in nodes.items()}, "evaluate": scoring}
    if claims:
        facts["reproduces"] = [claim.identity() for claim in claims]
    study = study_plan(loaded, configs, suite, lambda dataset: _identity(dataset, identities))
    if study is not None:
        facts["study"] = study.registration.content
    return Plan(recipe.name, digest(facts), nodes, evaluate, suite, configs, claims, study)
