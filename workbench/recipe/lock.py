"""``recipe.lock.yaml``: the recipe with everything resolved, for the record and for repetition."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import yaml

from workbench.finetune.config import FinetuneConfig
from workbench.output_config import OutputConfig
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.plan import Node, Plan
from workbench.study.design.plan import StudyPlan


def lock(loaded: LoadedRecipe, plan: Plan) -> str:
    """YAML text: every value with its default, what each name stood for, keys, versions.

    ``recipe`` is itself a recipe: saved to a file of its own, with hub revisions filled in as far
    as they were known when the plan was made, it makes the same outputs.
    """
    from workbench.versions import versions

    data = _data(loaded)
    study = plan.study
    facts = {
        "name": plan.name,
        "key": plan.key,
        "sets": list(loaded.sets),
        "versions": versions(),
        "recipe": _recipe(loaded, data, study),
        "nodes": [_node(node, data) for node in plan.nodes.values()],
        "suite": _suite(plan),
        **({"published": [claim.identity() for claim in plan.claims]} if plan.claims else {}),
        **({"registration": study.registration.hash} if study else {}),
    }
    text = io.StringIO()
    yaml.dump(facts, text, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text.getvalue()


class _Dumper(yaml.SafeDumper):
    """Writes a value that occurs twice twice: an alias would say that the two are one."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _data(loaded: LoadedRecipe) -> dict[str, dict[str, Any]]:
    """The identity of every data set by its config; a file that many outputs share is read once."""
    from workbench.finetune.data import data_identity

    treatment = loaded.recipe.study.treatment if loaded.recipe.study else {}
    outputs = [*loaded.recipe.outputs.values(), *treatment.values()]
    steps = [o.finetune for o in outputs if o.finetune is not None]
    sets = {d.model_dump_json(): d for step in steps for d in step.datasets}
    return {text: data_identity(dataset) for text, dataset in sets.items()}


def _recipe(
    loaded: LoadedRecipe, data: dict[str, dict[str, Any]], study: StudyPlan | None
) -> dict[str, Any]:
    from workbench.bases.identity import identity

    recipe = loaded.recipe
    bases = {}
    for name, base in recipe.bases.items():
        commit = identity(base).get("commit")
        bases[name] = base.model_dump(mode="json", exclude_none=True)
        bases[name] |= {"revision": commit} if commit else {}
    # The study makes its outputs again from what it is.
    unfolded = loaded.matrix.outputs if loaded.matrix else {}
    written = {name: each for name, each in recipe.outputs.items() if name not in unfolded}
    evaluate = recipe.evaluate
    claims = [each.model_dump(mode="json", exclude_none=True) for each in recipe.reproduces]
    return {
        "name": recipe.name,
        "seeds": recipe.seeds,
        "bases": bases,
        "outputs": _outputs(written, data),
        **({"study": _study(study, data)} if study else {}),
        "evaluate": evaluate.model_dump(mode="json", exclude_none=True) if evaluate else None,
        **({"reproduces": claims} if claims else {}),
    }


def _outputs(
    outputs: Mapping[str, OutputConfig], data: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    found = {}
    for name, output in outputs.items():
        step = output.step.model_dump(mode="json", exclude_none=True)
        if isinstance(output.step, FinetuneConfig):
            for entry, dataset in zip(step["datasets"], output.step.datasets, strict=True):
                revision = data[dataset.model_dump_json()].get("revision")
                entry |= {"revision": revision} if revision else {}
        found[name] = {output.kind: step}
    return found


def _study(study: StudyPlan, data: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The study block with what the catalogue said of each base."""
    config = study.config
    bases = {
        name: {
            key: value
            for key in ("group", "family", "compute", "cause")
            if (value := getattr(facts, key)) is not None
        }
        for name, facts in study.bases.items()
    }
    block = config.model_dump(mode="json", exclude_none=True, exclude={"bases", "treatment"})
    return {**block, "bases": bases, "treatment": _outputs(config.treatment, data)}


def _node(node: Node, data: dict[str, dict[str, Any]]) -> dict[str, Any]:
    from workbench.bases.identity import identity

    facts: dict[str, Any] = {"id": node.id, "kind": node.kind, "key": node.key}
    if node.kind == "base":
        facts["identity"] = identity(node.config)
    else:
        facts["parents"] = list(node.parents)
    if node.seed is not None:
        facts["seed"] = node.seed
    if isinstance(node.config, FinetuneConfig):
        facts["data"] = [data[d.model_dump_json()] for d in node.config.datasets]
    return facts


def _suite(plan: Plan) -> dict[str, Any] | None:
    if plan.suite is None:
        return None
    from workbench.evaluate.suites import suite_identity

    return suite_identity(plan.suite)
