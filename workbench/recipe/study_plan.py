"""The plan of a recipe's study: bases' facts, what counts, and what was decided beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.finetune.config import DatasetConfig
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.sizes import base_size
from workbench.recipe.study_tasks import counted
from workbench.store.seal import sha256_of
from workbench.study.design.chosen import Chosen, chosen_of
from workbench.study.design.config import StudyConfig
from workbench.study.design.groups import BaseFacts, facts_of
from workbench.study.design.matrix import rates_of
from workbench.study.design.plan import Registered, StudyPlan
from workbench.study.design.registration import ANALYSIS_VERSION, identity_of

if TYPE_CHECKING:
    from workbench.evaluate.suites import Suite

Identify = Callable[[DatasetConfig], Mapping[str, Any]]


def study_plan(
    loaded: LoadedRecipe,
    configs: Mapping[str, dict[str, Any] | None],
    suite: Suite | None,
    identify: Identify,
) -> StudyPlan | None:
    """The study of a recipe that passed its checks; ``None`` where it has none.

    ``configs`` are those of ``shapes``; ``identify`` says what a data set is.

    Raises:
        UserError: a data file or a file of items is missing.
    """
    study, matrix = loaded.recipe.study, loaded.matrix
    if study is None or matrix is None:
        return None
    facts = base_facts(loaded, configs)
    chosen = chosen_of(study)
    files = {key: item_file(getattr(study, key)) for key in ("suspect", "fresh")}
    items = {
        key: {"sha256": sha256_of(file)} if file else {"task": getattr(study, key)}
        for key, file in files.items()
        if getattr(study, key) is not None
    }
    rates = rates_of(study)
    content = _decided(loaded, study, facts, chosen, items, suite, identify)
    return StudyPlan(
        config=study,
        cells=matrix.cells,
        bases=facts,
        treatments=tuple(study.treatment),
        tasks=counted(suite, study.tasks) if suite else (),
        hypotheses={each.name: each.options for each in chosen},
        registered=tuple(each.name for each in chosen if each.registered),
        suspect=files["suspect"],
        fresh=files["fresh"],
        item_identity=items,
        rates=rates.tried,
        fixed_rate=rates.fixed,
        seeds=tuple(loaded.recipe.seeds),
        registration=Registered(identity_of(content), content),
    )


def base_facts(
    loaded: LoadedRecipe, configs: Mapping[str, dict[str, Any] | None]
) -> dict[str, BaseFacts]:
    """The facts of every base that the study is about; empty words where nobody says."""
    study, matrix = loaded.recipe.study, loaded.matrix
    if study is None or matrix is None:
        return {}
    bases = {n: loaded.recipe.bases[n] for n in matrix.bases if n in loaded.recipe.bases}
    counted: dict[str, int | None] = {}
    for name, base in bases.items():
        size = base_size(base, configs.get(name))
        counted[name] = size.parameters if size else None
    return facts_of(study, bases, counted)


def item_file(given: str | None) -> Path | None:
    """The file that ``suspect`` or ``fresh`` names, if it is one that is there."""
    if given is None:
        return None
    try:
        path = Path(given).expanduser()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _decided(
    loaded: LoadedRecipe,
    study: StudyConfig,
    facts: Mapping[str, BaseFacts],
    chosen: tuple[Chosen, ...],
    items: Mapping[str, Any],
    suite: Suite | None,
    identify: Identify,
) -> dict[str, Any]:
    """All that a study decides before its first result, as plain values.

    A hub model counts by the revision asked for: which commit that was is in the outputs' keys, and
    is not known before it is downloaded.
    """
    from workbench.evaluate.suites import suite_identity

    recipe = loaded.recipe
    skipped = {"bases", "treatment", "hypotheses", "explore", "suspect", "fresh"}
    block = study.model_dump(mode="json", exclude_none=True, exclude=skipped)
    bases = {}
    for name, each in facts.items():
        said = {k: getattr(each, k) for k in ("group", "family", "compute", "cause")}
        model = recipe.bases[name].model_dump(mode="json", exclude_none=True)
        bases[name] = model | {k: v for k, v in said.items() if v is not None}
    evaluate = recipe.evaluate
    return {
        "study": {**block, **items, "treatment": _treatment(study, identify)},
        "bases": bases,
        "seeds": list(recipe.seeds),
        "suite": suite_identity(suite) if suite else None,
        "evaluate": evaluate.model_dump(mode="json", exclude={"suite"}) if evaluate else None,
        "hypotheses": {
            each.name: {
                "registered": each.registered,
                "version": each.hypothesis.version,
                "options": _plain(each.options),
            }
            for each in chosen
        },
        "analysis": ANALYSIS_VERSION,
    }


def _treatment(study: StudyConfig, identify: Identify) -> dict[str, Any]:
    """The treatment, every data set standing for what it holds and not where it lies."""
    found: dict[str, Any] = {}
    for name, output in study.treatment.items():
        step = output.step.model_dump(mode="json", exclude_none=True)
        if output.finetune is not None:
            for entry, dataset in zip(step["datasets"], output.finetune.datasets, strict=True):
                entry["path"] = _data(dataset, identify)
        found[name] = {output.kind: step}
    return found


def _data(dataset: DatasetConfig, identify: Identify) -> Mapping[str, Any]:
    facts = identify(dataset)
    # The commit that the cache happens to hold is not what was decided.
    return {**facts, "revision": dataset.revision} if "hub" in facts else facts


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
