"""Finding a stored output by what a person calls it."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import user_error
from workbench.likely import likely
from workbench.store.home import Home
from workbench.store.outputs import OUTPUT_MANIFEST
from workbench.store.seal import read_manifest


def find_output(given: str, home: Home) -> Path:
    """The folder of the output named ``given``: a folder, ``NAME-KEY``, or ``NAME`` if unique.

    ``NAME@SEED`` is a name too, where a recipe has several seeds.

    Raises:
        UserError: there is no such output, or several of that name.
    """
    direct = Path(given)
    if (direct / OUTPUT_MANIFEST).is_file():
        return direct.absolute()
    folders = sorted(
        path.parent for path in home.outputs.glob(f"[!.]*/{OUTPUT_MANIFEST}") if path.is_file()
    )
    found = [folder for folder in folders if folder.name == given]
    called: dict[Path, str] = {}
    if not found:
        # Those of another name are not read: one that is damaged must not hide the rest.
        name = given.partition("@")[0]
        for folder in (f for f in folders if f.name.rpartition("-")[0] == name):
            facts = read_manifest(folder, OUTPUT_MANIFEST)
            if given in (facts["name"], facts["id"]):
                called[folder] = facts["id"]
        found = list(called)
    if len(found) == 1:
        return found[0]
    if found:
        raise user_error(
            f"{len(found)} outputs in {home.outputs} are called {given!r}",
            "each was made from another config, parent or seed",
            "name one of them: "
            + ", ".join(f"{folder.name} ({label})" for folder, label in called.items()),
        )
    names = [folder.name for folder in folders]
    near = likely(given, names, cutoff=0.3)
    raise user_error(
        f"no output {given!r} in {home.outputs}",
        "there are none yet" if not names else "no folder and no output has that name",
        f"did you mean {', '.join(near)}?" if near else "make it with: workbench run RECIPE",
    )
