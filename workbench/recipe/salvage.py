"""What can still be checked of a recipe that has faults, so that one round finds all of them."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from workbench.bases.config import BaseConfig
from workbench.errors import Where
from workbench.evaluate.config import EvaluateConfig
from workbench.leaderboard.reproduce.config import ReproduceConfig
from workbench.recipe.faults import key_path
from workbench.recipe.node import Node
from workbench.recipe.schema import OutputConfig, Recipe
from workbench.study.design.config import StudyBaseConfig, StudyConfig

Config = TypeVar("Config", bound=BaseModel)


def what_is_sound(root: Node, name: str) -> Recipe:
    """The parts of ``root`` that validate, or do without their faulty keys. Never to be run."""
    data = root.data()

    def section(key: str, kind: type[Config]) -> dict[str, Config]:
        given = data.get(key)
        pairs = given.items() if isinstance(given, dict) else ()
        sound = {word: pruned(kind, value) for word, value in pairs}
        return {word: config for word, config in sound.items() if config is not None}

    evaluate = data.get("evaluate")
    given = data.get("reproduces")
    claims = [pruned(ReproduceConfig, each) for each in given] if isinstance(given, list) else []
    return Recipe.model_construct(
        name=name,
        seeds=[0],
        bases=section("bases", BaseConfig),
        outputs=section("outputs", OutputConfig),
        evaluate=None if evaluate is None else pruned(EvaluateConfig, evaluate),
        reproduces=[claim for claim in claims if claim is not None],
        study=_study(data.get("study")),
    )


def _study(given: Any) -> StudyConfig | None:
    """A study with those of its treatments and bases that are sound."""
    if not isinstance(given, dict):
        return None
    parts: dict[str, type[BaseModel]] = {"treatment": OutputConfig, "bases": StudyBaseConfig}
    sound: dict[str, Any] = {}
    for key, kind in parts.items():
        each = given.get(key)
        found = {
            word: pruned(kind, value)
            for word, value in (each.items() if isinstance(each, dict) else ())
        }
        sound[key] = {word: config for word, config in found.items() if config is not None}
    rest = {key: value for key, value in given.items() if key not in parts}
    study = pruned(StudyConfig, {"question": "?", **rest, "treatment": {}})
    return study.model_copy(update=sound) if study is not None else None


def pruned(kind: type[Config], value: Any) -> Config | None:
    """``value`` as ``kind`` without the keys that are wrong, if it holds together without them."""
    root = _plain_node(value)
    for _ in range(3):
        try:
            return kind.model_validate(root.data())
        except ValidationError as error:
            errors = error.errors(include_url=False)
            # A value that fits no member of a union has an error for each: found before any goes.
            places = {key_path(root, each["loc"]): str(each["type"]) for each in errors}
            for where, kind_of_error in places.items():
                if kind_of_error in ("missing", "value_error") or not where:
                    return None
                holder = root.find(where[:-1])
                if holder is None or not isinstance(holder.content, dict):
                    return None
                holder.content.pop(str(where[-1]), None)
    return None


def _plain_node(value: Any) -> Node:
    if isinstance(value, dict):
        return Node({key: _plain_node(child) for key, child in value.items()}, Where(""))
    if isinstance(value, list):
        return Node([_plain_node(child) for child in value], Where(""))
    return Node(value, Where(""))
