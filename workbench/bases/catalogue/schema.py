"""What the catalogue knows of a base. A field that is ``None`` is not known, and stays so."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from workbench.schema import Strict

Count = Annotated[int, Field(gt=0)]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")]
Url = Annotated[str, Field(pattern=r"^https://[^\s<>\"']+$")]
HubId = Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]

#: What a clause of a licence is about.
ClauseKind = Literal[
    "commercial", "users", "registration", "naming", "notice", "use-policy", "outputs", "territory"
]


class Clause(Strict):
    """One thing a licence asks of whoever uses, changes or passes on the weights."""

    kind: ClauseKind
    text: str


class Licence(Strict):
    """A licence, its name on the hub (``hub_tag``), and what it restricts.

    ``carries_on`` says whether a fine-tune or merge that is passed on stays under these terms.
    The clauses summarise; the text at ``url`` is what binds.
    """

    id: str
    name: str
    url: Url
    hub_tag: str
    carries_on: bool
    attribution: str | None = None
    clauses: list[Clause] = Field(default_factory=list)


class Lab(Strict):
    """Who made the weights; ``country`` (ISO 3166-1 alpha-2) is that of the lab's seat."""

    name: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    country_name: str
    note: str | None = None


class Chat(Strict):
    """What the tokenizer that comes with the weights knows of conversations.

    ``end_of_turn`` is the token that closes a turn, whether or not it is the tokenizer's EOS.
    """

    template: bool | None = None
    format: str | None = None
    system_role: bool | None = None
    end_of_turn: str | None = None
    note: str | None = None


class Shape(Strict):
    """The sizes in ``config.json`` (of the text model, where there is a vision tower too).

    ``context_length`` is ``max_position_embeddings`` as shipped, before any extension of the
    rotary embedding that a model card describes.
    """

    layers: Count | None = None
    hidden_size: Count | None = None
    intermediate_size: Count | None = None
    heads: Count | None = None
    kv_heads: Count | None = None
    head_dim: Count | None = None
    vocab_size: Count | None = None
    context_length: Count | None = None
    tied_embeddings: bool | None = None


class CatalogueEntry(Strict):
    """One checkpoint on the hub.

    ``base_of_instruct`` is the pretrained checkpoint that an instruct model was made from, where
    the lab has published it. ``parameters`` is the number of weights; with ``rounded`` it is the
    lab's own round figure. ``active_parameters`` is set for mixtures of experts only.
    ``training_tokens`` are those of the pretraining, in billions, as the lab states them.
    """

    hub_id: HubId
    aliases: list[HubId] = Field(default_factory=list)
    kind: Literal["base", "instruct"]
    base_of_instruct: HubId | None = None
    family: str
    lab: Lab
    parameters: Count | None
    rounded: bool = False
    active_parameters: Count | None = None
    training_tokens: Annotated[float, Field(gt=0)] | None = None
    architecture: str | None
    shape: Shape
    remote_code: bool = False
    gated: bool | None = None
    licence: Licence
    licence_note: str | None = None
    released: Date | None
    chat: Chat
    note: str | None = None
    sources: list[Url]

    @property
    def layers(self) -> int | None:
        """The number of decoder layers."""
        return self.shape.layers

    @property
    def country(self) -> str:
        """The country of the lab (ISO 3166-1 alpha-2)."""
        return self.lab.country
