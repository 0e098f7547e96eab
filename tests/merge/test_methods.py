"""The method table is mergekit's registry, and needs no torch to read."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from workbench.merge.methods import DELLA_EPSILON, METHODS

merge_methods = pytest.importorskip("mergekit.merge_methods")

# What torch draws for: bernoulli masks (DARE, DELLA), and a sample of large tensors' quantiles.
RANDOM = {"dare_ties", "dare_linear", "della", "della_linear", "arcee_fusion"}


def test_table_equals_the_registry() -> None:
    registry = {method.spec.name: method.spec for method in merge_methods.registered_methods()}
    assert set(METHODS) == set(registry)
    assert {name for name, method in METHODS.items() if method.random} == RANDOM
    for name, spec in registry.items():
        ours, contract = METHODS[name], spec.contract
        assert (ours.base, ours.fewest, ours.most, ours.fewest_others, ours.most_others) == (
            contract.base.value,
            contract.min_inputs,
            contract.max_inputs,
            contract.min_non_base,
            contract.max_non_base,
        ), name
        read = {
            p.name: ((get_args(p.value_type) or (p.value_type,))[0], p.scope.value, p.required)
            for p in spec.parameters
        }
        assert {k: (p.type, p.scope, p.required) for k, p in ours.parameters.items()} == read, name
    epsilons = {p.name: p.default for p in registry["della"].parameters}
    assert epsilons["epsilon"] == DELLA_EPSILON


def test_checking_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from workbench.merge.config import MergeConfig\n"
        "from workbench.merge.checks import check\n"
        "c = MergeConfig(merge_method='passthrough',"
        " slices=[{'sources': [{'model': 'a', 'layer_range': [0, 2]}]}])\n"
        "check(c, {'a': {'architectures': ['Qwen2ForCausalLM'], 'model_type': 'qwen2'}})\n"
        "heavy = {'torch', 'transformers', 'mergekit', 'peft'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
