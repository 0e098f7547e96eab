"""The catalogue's parameter counts against the count that its shapes imply."""

from __future__ import annotations

import pytest

from workbench.bases.catalogue import CatalogueEntry, entries

#: Norm vectors of the hidden size in a layer, and what the attention adds, by architecture.
NORMS = {"Gemma2ForCausalLM": 4, "Gemma3ForCausalLM": 4, "Glm4ForCausalLM": 4}
QKV_BIAS = {"Qwen2ForCausalLM", "ChatGLMModel", "GlmForCausalLM"}
HEAD_NORMS = {"Qwen3ForCausalLM", "Gemma3ForCausalLM"}
#: Mixtures of experts, vision towers, compressed and linear attention are counted otherwise.
UNCOUNTED = {
    "MixtralForCausalLM",
    "Gemma3ForConditionalGeneration",
    "MiniCPM3ForCausalLM",
    "Qwen3_5ForConditionalGeneration",
}


def implied(entry: CatalogueEntry) -> int | None:
    """Weights of a dense decoder with RMS norms and a gated MLP, from its shape alone."""
    s = entry.shape
    sizes = (s.layers, s.hidden_size, s.intermediate_size, s.heads, s.kv_heads, s.head_dim)
    if None in (*sizes, s.vocab_size, s.tied_embeddings) or entry.architecture in UNCOUNTED:
        return None
    layers, hidden, inner, heads, kv, dim = (int(v or 0) for v in sizes)
    query, key = heads * dim, kv * dim
    layer = 2 * hidden * query + 2 * hidden * key + 3 * hidden * inner
    layer += NORMS.get(str(entry.architecture), 2) * hidden
    if entry.architecture in QKV_BIAS or entry.hub_id.endswith("GLM-4-9B-0414"):
        layer += query + 2 * key
    if entry.architecture in HEAD_NORMS:
        layer += 2 * dim
    if entry.architecture == "Olmo2ForCausalLM":
        layer += query + key
    tables = 1 if s.tied_embeddings else 2
    return tables * int(s.vocab_size or 0) * hidden + layers * layer + hidden


@pytest.mark.parametrize("entry", entries(), ids=lambda e: e.hub_id)
def test_parameters_follow_from_the_shape(entry: CatalogueEntry) -> None:
    count = implied(entry)
    if count is None or entry.rounded:
        pytest.skip("not a dense decoder whose whole shape is known")
    assert entry.parameters == count


def test_most_entries_are_counted() -> None:
    counted = [e for e in entries() if implied(e) is not None and not e.rounded]
    assert len(counted) >= 100
