"""Merges are mergekit's, bit for bit; what it gets wrong is right here; nothing is left behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from workbench.bases.aligned import align
from workbench.errors import StepFailed, UserError
from workbench.merge.bridge import merge
from workbench.merge.config import MergeConfig
from workbench.merge.methods import METHODS
from workbench.progress import Silent, Tick

Three = Callable[[str], dict[str, Path]]

#: Parameters for each method beyond the weights.
EXTRA: dict[str, dict[str, Any]] = {
    "slerp": {"t": [0.2, 0.8]},
    "nearswap": {"t": 0.01},
    "passthrough": {"scale": [{"filter": "down_proj", "value": 0.5}, {"value": 1.0}]},
    "sce": {"select_topk": 0.5},
    "karcher": {"max_iter": 5},
    "della": {"density": 0.6, "epsilon": 0.1},
    "della_linear": {"density": 0.6, "epsilon": 0.1},
    "breadcrumbs": {"density": 0.7, "gamma": 0.05},
    "breadcrumbs_ties": {"density": 0.7, "gamma": 0.05},
    "ties": {"density": 0.5},
    "dare_ties": {"density": 0.5},
    "dare_linear": {"density": 0.5, "lambda": 0.9},
    "task_arithmetic": {"lambda": 0.7},
}


def block(method: str) -> dict[str, Any]:
    """A merge of a and b (with c as base where three are needed) by ``method``."""
    need = METHODS[method]
    names = ["a", "b", "c"] if need.fewest > 2 or need.fewest_others == 2 else ["a", "b"]
    names = names[: need.most] if need.most else names
    models: list[dict[str, Any]] = []
    for number, name in enumerate(names):
        weighed = "weight" in need.parameters
        models.append(
            {"model": name} | ({"parameters": {"weight": 0.4 + 0.2 * number}} if weighed else {})
        )
    result: dict[str, Any] = {"merge_method": method, "models": models}
    if need.base == "required" or need.fewest_others == 2:
        result["base_model"] = names[0]
    return result | ({"parameters": EXTRA[method]} if method in EXTRA else {})


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {k: v for file in folder.glob("*.safetensors") for k, v in load_file(file).items()}


def same(here: dict[str, torch.Tensor], there: dict[str, torch.Tensor]) -> bool:
    return here.keys() == there.keys() and all(torch.equal(here[k], there[k]) for k in here)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_gives_mergekits_own_bytes(method: str, three: Three, tmp_path: Path) -> None:
    from mergekit.config import MergeConfiguration
    from mergekit.merge import MergeOptions, run_merge

    folders = three("qwen2")
    value = block(method)
    record = merge(MergeConfig(**value), folders, seed=7, out=tmp_path / "ours")
    text = json.dumps(value)
    for name, folder in folders.items():
        text = text.replace(f'"{name}"', json.dumps(str(folder)))
    run_merge(
        MergeConfiguration(**json.loads(text)),
        str(tmp_path / "theirs"),
        MergeOptions(random_seed=7, write_model_card=False, quiet=True),
    )
    assert same(tensors(tmp_path / "ours"), tensors(tmp_path / "theirs"))
    assert record["method"] == method and record["mergekit"] == "0.1.5"
    assert record["seed"] == (7 if METHODS[method].random else None)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "ours")
    assert bool(torch.isfinite(model(torch.arange(8)[None]).logits).all())


def test_against_formulas_written_down_here(three: Three, tmp_path: Path) -> None:
    folders = three("llama")
    a, b, c = (tensors(folders[name]) for name in "abc")
    name = "model.layers.2.mlp.up_proj.weight"

    def merged(**value: Any) -> torch.Tensor:
        out = tmp_path / value["merge_method"]
        merge(MergeConfig(**value), folders, seed=0, out=out)
        return tensors(out)[name]

    weighed = [
        {"model": "a", "parameters": {"weight": 3.0, "density": 0.5}},
        {"model": "b", "parameters": {"weight": 1.0, "density": 0.5}},
    ]
    plain = [
        {"model": m["model"], "parameters": {"weight": w}}
        for m, w in zip(weighed, (3, 1), strict=True)
    ]
    torch.testing.assert_close(
        merged(merge_method="linear", models=plain), (3 * a[name] + b[name]) / 4
    )
    torch.testing.assert_close(
        merged(merge_method="task_arithmetic", models=plain, base_model="c"),
        c[name] + 3 * (a[name] - c[name]) + (b[name] - c[name]),
    )
    deltas = []
    for tensor in (a[name], b[name]):
        delta = tensor - c[name]
        kept = delta.abs().flatten().sort(descending=True).values[: delta.numel() // 2].min()
        deltas.append(torch.where(delta.abs() >= kept, delta, 0))
    weights = torch.tensor([3.0, 1.0])[:, None, None]
    scaled = torch.stack(deltas) * weights
    sign = torch.where(scaled.sum(0) >= 0, 1, -1)
    agree = scaled.sign() == sign
    total = (weights * agree).sum(0)
    torch.testing.assert_close(
        merged(merge_method="ties", models=weighed, base_model="c"),
        c[name] + (scaled * agree).sum(0) / torch.where(total == 0, 1, total),
    )


@pytest.mark.parametrize("arch", ["qwen2", "qwen3", "gemma3", "llama", "mistral", "phi3"])
def test_frankenmerge_is_a_manual_duplicate(
    arch: str, tiny_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tiny_folder(arch)
    ranges = [[0, 4], [2, 6]]
    config = MergeConfig(
        merge_method="passthrough",
        slices=[{"sources": [{"model": "a", "layer_range": r}]} for r in ranges],
    )
    out = tmp_path / "out"
    assert merge(config, {"a": folder}, seed=None, out=out)["layers"] == 8
    path = [0, 1, 2, 3, 2, 3, 4, 5]
    source = AutoConfig.from_pretrained(folder)
    written = AutoConfig.from_pretrained(out)
    if getattr(source, "layer_types", None):
        assert written.layer_types == [source.layer_types[i] for i in path]
    loaded = AutoModelForCausalLM.from_pretrained(out)
    model = AutoModelForCausalLM.from_pretrained(folder)
    layers = torch.nn.ModuleList(deepcopy(model.model.layers[i]) for i in path)
    for index, layer in enumerate(layers):
        layer.self_attn.layer_idx = index
    model.model.layers = layers
    model.config = model.model.config = loaded.config
    tokens = torch.randint(384, (1, 80), generator=torch.Generator().manual_seed(0))
    for either in (loaded, model):
        align(either)  # else the last bit depends on where a file's header ends
    with torch.no_grad():
        logits = [m(tokens, use_cache=False).logits for m in (loaded, model)]
    assert torch.equal(*logits)


def test_layers_of_models_of_unlike_depth(tiny_folder: Callable[..., Path], tmp_path: Path) -> None:
    folders = {"a": tiny_folder("gemma3"), "b": tiny_folder("gemma3", 1, num_hidden_layers=8)}
    kinds = {n: AutoConfig.from_pretrained(f).layer_types for n, f in folders.items()}
    config = MergeConfig(
        merge_method="passthrough",
        slices=[
            {"sources": [{"model": "a", "layer_range": [3, 6]}]},
            {"sources": [{"model": "b", "layer_range": [4, 8]}]},
        ],
    )
    merge(config, folders, seed=None, out=tmp_path / "out")
    written = AutoConfig.from_pretrained(tmp_path / "out").layer_types
    assert written == kinds["a"][3:6] + kinds["b"][4:8]


def test_layer_count_of_an_architecture_that_mergekit_infers(tmp_path: Path) -> None:
    from transformers import GlmConfig, GlmForCausalLM

    torch.manual_seed(0)
    size = GlmConfig(
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        vocab_size=100,
        pad_token_id=0,
        eos_token_id=1,
    )
    GlmForCausalLM(size).save_pretrained(tmp_path / "glm")
    config = MergeConfig(
        merge_method="passthrough",
        slices=[{"sources": [{"model": "g", "layer_range": r}]} for r in ([0, 3], [1, 4])],
    )
    record = merge(config, {"g": tmp_path / "glm"}, seed=None, out=tmp_path / "out")
    assert record["layers"] == 6
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out").config.num_hidden_layers == 6


@pytest.mark.parametrize("source", ["union", "base"])
def test_padded_vocabulary_stays_padded(
    source: str, tiny_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folders = {"a": tiny_folder("qwen2", 0, vocab_size=448), "b": tmp_path / "b+x@y"}
    shutil.copytree(tiny_folder("qwen2", 1, vocab_size=448), folders["b"])
    tokenizer = AutoTokenizer.from_pretrained(folders["b"])
    tokenizer.add_tokens(["<new>"])
    tokenizer.save_pretrained(folders["b"])
    config = MergeConfig(
        merge_method="linear",
        models=[{"model": n, "parameters": {"weight": 1}} for n in "ab"],
        tokenizer={"source": source},
        base_model="a",
    )
    record = merge(config, folders, seed=None, out=tmp_path / "out")["vocabulary"]
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    merged = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert record["rows"] == model.get_input_embeddings().weight.shape[0] == 448
    assert record["tokens"] == len(merged) == 384 + (source == "union")
    assert record["models"]["a"]["moved"] == record["models"]["b"]["moved"] == 0
    assert record["models"]["a"]["absent"] == (source == "union")
    expected = tensors(folders["b"])["model.embed_tokens.weight"]
    if source == "union":
        row = merged.convert_tokens_to_ids("<new>")
        got = tensors(tmp_path / "out")["model.embed_tokens.weight"][row]
        torch.testing.assert_close(got, expected[tokenizer.convert_tokens_to_ids("<new>")])


def test_tied_with_untied_comes_out_untied(
    tiny_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folders = {
        "tied": tiny_folder("qwen2"),
        "untied": tiny_folder("qwen2", 1, tie_word_embeddings=False),
    }
    config = MergeConfig(
        merge_method="linear",
        models=[{"model": n, "parameters": {"weight": 1}} for n in folders],
    )
    record = merge(config, folders, seed=None, out=tmp_path / "out")
    assert record["tie_word_embeddings"] is False
    tied, untied = (tensors(f) for f in folders.values())
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    head = (tied["model.embed_tokens.weight"] + untied["lm_head.weight"]) / 2
    torch.testing.assert_close(model.lm_head.weight.detach(), head)


def test_output_names_no_path_and_carries_the_template(three: Three, tmp_path: Path) -> None:
    folders = dict(three("qwen2"))
    bare = tmp_path / "bare"
    shutil.copytree(folders["c"], bare)
    (bare / "chat_template.jinja").unlink()
    folders["c"] = bare
    out = tmp_path / "out"
    config = MergeConfig(**(block("ties") | {"base_model": "c"}))
    record = merge(config, folders, seed=0, out=out)
    assert record["donor"] == "c" and record["chat_template_from"] == "a"
    template = (folders["a"] / "chat_template.jinja").read_text()
    assert AutoTokenizer.from_pretrained(out).chat_template == template
    assert not (out / "README.md").exists()
    for file in (*out.glob("*.json"), *out.glob("*.yml")):
        text = file.read_text()
        assert not any(str(folder) in text for folder in folders.values()), file
    assert "model: a" in (out / "mergekit_config.yml").read_text()


def test_failures_leave_nothing_behind(
    three: Three, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mergekit.io import tensor_writer

    folders = three("qwen2")
    out = tmp_path / "out"
    out.mkdir()
    (out / "kept").write_text("")

    def files() -> list[str]:
        return sorted(path.name for path in out.iterdir())

    broken = tmp_path / "broken"
    shutil.copytree(folders["b"], broken)
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"][3] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StepFailed, match="NaN or infinity"):
        merge(MergeConfig(**block("linear")), folders | {"b": broken}, seed=0, out=out)
    assert files() == ["kept"]
    del weights["model.layers.3.mlp.up_proj.weight"]
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StepFailed, match="could not merge with linear") as caught:
        merge(MergeConfig(**block("linear")), folders | {"b": broken}, seed=0, out=out)
    assert "model.layers.3.mlp.up_proj.weight" in caught.value.problems[0].cause
    assert files() == ["kept"]

    def interrupted(*_: object) -> None:
        (out / "model-1.safetensors").write_text("")
        raise KeyboardInterrupt

    monkeypatch.setattr(tensor_writer.TensorWriter, "finalize", interrupted)
    with pytest.raises(KeyboardInterrupt):
        merge(MergeConfig(**block("linear")), folders, seed=0, out=out)
    assert files() == ["kept"]


def test_refused_before_any_work(
    three: Three, tiny_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folders = three("qwen2")
    with pytest.raises(UserError, match="no seed"):
        merge(MergeConfig(**block("dare_ties")), folders, seed=None, out=tmp_path / "x")
    mixed = folders | {"b": tiny_folder("llama")}
    with pytest.raises(UserError, match="a is a Qwen2ForCausalLM and b a LlamaForCausalLM"):
        merge(MergeConfig(**block("linear")), mixed, seed=0, out=tmp_path / "x")
    pickled = tmp_path / "pickled"
    shutil.copytree(folders["b"], pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(UserError, match="no safetensors"):
        merge(MergeConfig(**block("linear")), folders | {"b": pickled}, seed=0, out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_equal_bytes_in_every_process(three: Three, tmp_path: Path) -> None:
    """Sets of texts are ordered anew in each process; no file may depend on it."""
    folders = {name: str(folder) for name, folder in three("qwen3").items()}
    code = (
        "import sys, json\nfrom pathlib import Path\n"
        "from workbench.merge.config import MergeConfig\nfrom workbench.merge.bridge import merge\n"
        "blocks, folders, out = json.loads(sys.argv[1])\n"
        "for n, b in enumerate(blocks):\n"
        "    merge(MergeConfig(**b), {k: Path(v) for k, v in folders.items()}, seed=3,"
        " out=Path(out) / str(n))\n"
    )
    union = block("linear") | {"tokenizer": {"source": "union"}}
    blocks = [block("dare_linear"), block("multislerp"), union]
    # A salt unlike this process's own, whatever that is.
    subprocess.run(
        [sys.executable, "-c", code, json.dumps([blocks, folders, str(tmp_path / "1")])],
        env={**os.environ, "PYTHONHASHSEED": "1234"},
        check=True,
    )
    for number, value in enumerate(blocks):
        merge(MergeConfig(**value), three("qwen3"), seed=3, out=tmp_path / "2" / str(number))
    for file in (tmp_path / "1").rglob("*.*"):
        other = tmp_path / "2" / file.relative_to(tmp_path / "1")
        assert file.read_bytes() == other.read_bytes(), file
    one = merge(MergeConfig(**blocks[0]), three("qwen3"), seed=4, out=tmp_path / "3")
    assert one["seed"] == 4
    assert not same(tensors(tmp_path / "3"), tensors(tmp_path / "1" / "0"))


@pytest.mark.parametrize("source", [None, "union"])
def test_it_stops_where_each_parent_stops(source: str | None, three: Three, tmp_path: Path) -> None:
    """``b`` was taught to end its answers with a token of its own; ``a`` gives the tokenizer."""
    folders = {"a": three("qwen2")["a"], "b": tmp_path / "b"}
    shutil.copytree(three("qwen2")["b"], folders["b"])
    tokenizer = AutoTokenizer.from_pretrained(folders["b"])
    usual, taught = tokenizer.eos_token, tokenizer.convert_ids_to_tokens(65)
    tokenizer.eos_token = taught
    tokenizer.save_pretrained(folders["b"])
    value = block("linear") | ({"tokenizer": {"source": source}} if source else {})
    merge(MergeConfig(**value), folders, seed=None, out=tmp_path / "out")
    stops = AutoModelForCausalLM.from_pretrained(tmp_path / "out").generation_config.eos_token_id
    names = AutoTokenizer.from_pretrained(tmp_path / "out").convert_ids_to_tokens(stops)
    assert names == [usual, taught]


def test_the_bar_ends_where_it_should(three: Three, tmp_path: Path) -> None:
    class Counted(Silent):
        total = done = 0

        @contextmanager
        def bar(self, label: str, total: int) -> Iterator[Tick]:
            def tick(advance: int = 1, note: str = "") -> None:
                self.done += advance

            self.total = total
            yield tick

    counted = Counted()
    config = MergeConfig(**block("linear"))
    merge(config, three("qwen2"), seed=None, out=tmp_path / "out", progress=counted)
    assert counted.done == counted.total > 0
