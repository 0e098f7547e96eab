"""What an output says it was made from holds when its home, or the working folder, changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.bases.config import BaseConfig
from workbench.bases.spec import AdapterStep, ModelSpec
from workbench.engine.find import find_output
from workbench.engine.lineage import lineage_of, spec_of_folder
from workbench.errors import UserError
from workbench.store.home import Home
from workbench.store.outputs import OUTPUT_MANIFEST
from workbench.store.seal import seal


def _adapter_on(base: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    spec = ModelSpec(BaseConfig(base_model=base), (AdapterStep(folder),), folder)
    seal(folder, OUTPUT_MANIFEST, {"lineage": lineage_of(spec, folder)})


def test_an_adapter_on_a_merged_model_moves_with_its_home(tmp_path: Path) -> None:
    merged = tmp_path / "home/adapters/merged-0123456789ab"
    merged.mkdir(parents=True)
    root = BaseConfig(base_model=str(merged), load_in_4bit=True)
    seal(merged, OUTPUT_MANIFEST, {"lineage": lineage_of(ModelSpec(root), merged)})
    _adapter_on(str(merged), merged.with_name("tuned-0123456789ab"))
    home = (tmp_path / "home").rename(tmp_path / "elsewhere")
    spec = spec_of_folder(home / "adapters/tuned-0123456789ab")
    assert spec.root.base_model == str(home / "adapters" / merged.name)
    assert str(tmp_path) not in (home / "adapters/tuned-0123456789ab/output.json").read_text()


def test_a_local_base_is_found_from_another_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models/base").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    _adapter_on("models/base", tmp_path / "adapters/tuned-0123456789ab")
    monkeypatch.chdir(tmp_path / "models")
    spec = spec_of_folder(tmp_path / "adapters/tuned-0123456789ab")
    assert spec.root.base_model == str(tmp_path / "models/base")


def test_a_folder_from_anybody_does_not_say_whose_code_is_run(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    folder = tmp_path / "adapters/tuned-0123456789ab"
    folder.mkdir(parents=True)
    base = str(tmp_path / "base")
    spec = ModelSpec(BaseConfig(base_model=base, trust_remote_code=True), (AdapterStep(folder),))
    seal(folder, OUTPUT_MANIFEST, {"lineage": lineage_of(spec, folder)})
    with pytest.raises(UserError, match="brings its own code"):
        spec_of_folder(folder)
    with pytest.raises(UserError, match="brings its own code"):
        spec_of_folder(folder, trusted={"another/base"})
    assert spec_of_folder(folder, trusted={base}) == spec_of_folder(folder, trusted=None) == spec


def test_an_output_is_found_by_the_name_that_the_table_of_seeds_shows(tmp_path: Path) -> None:
    for seed in (0, 1):
        folder = tmp_path / f"adapters/tuned-{seed:012d}"
        folder.mkdir(parents=True)
        seal(folder, OUTPUT_MANIFEST, {"name": "tuned", "id": f"tuned@{seed}"})
    damaged = tmp_path / "adapters/other-000000000002"
    damaged.mkdir()
    (damaged / OUTPUT_MANIFEST).write_text("{}")
    assert find_output("tuned@1", Home(tmp_path)).name == "tuned-000000000001"
    with pytest.raises(UserError, match=r"tuned-000000000001 \(tuned@1\)"):
        find_output("tuned", Home(tmp_path))
