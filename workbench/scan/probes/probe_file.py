"""Probe files: found by name, run, and told of when they are wrong.

A probe file is Python that this process runs with all the rights of the user who starts the scan,
already when a recipe is checked. Take probe files only from people you would run a script of.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from workbench.errors import Problem, UserError, Where, user_error
from workbench.evaluate.suites import CHECKOUT
from workbench.likely import did_you_mean


def find_file(name: str, beside: Path | None) -> Path:
    """The file of a probe: a name in ``evals/probes``, or the path of a ``.py`` file.

    Names are sought in the working folder and in the checkout; a path beside the recipe first.

    Raises:
        UserError: there is none; the message lists the names there are.
    """
    if name.endswith(".py") or "/" in name or "\\" in name:
        path = resolve(Path(name), beside)
        if path.is_file():
            return path
        raise user_error(f"there is no probe file {name}", "", "check the path")
    known = named_files()
    wanted = name.replace("_", "-")
    if wanted in known:
        return known[wanted]
    raise user_error(
        f"there is no probe called {name!r}",
        f"probes that were found: {', '.join(sorted(known)) or 'none'}",
        did_you_mean(wanted, known)
        or "name one of these, give the path of a .py file, or task:NAME for an lm-eval task",
    )


def named_files() -> dict[str, Path]:
    """Every probe that has a name; those of the working folder win."""
    return {
        path.stem.replace("_", "-"): path
        for root in (CHECKOUT, Path())
        for path in sorted((root / "evals" / "probes").glob("[!_]*.py"))
    }


def resolve(path: Path, beside: Path | None) -> Path:
    """``path`` beside the recipe if it is there, else from the working folder."""
    path = path.expanduser()
    if beside is not None and (beside / path).is_file():
        return beside / path
    return path


def sources(path: Path, module: ModuleType) -> set[Path]:
    """What a probe consists of: its file, the data that bears its name beside it, and modules.

    Of ``module``, the probe file as it was run, those modules count that it imports whole and that
    are no part of Python or of an installed package, such as one that makes the probe's items.
    What it takes single names from (``from … import name``) does not.
    """
    data = {found for found in path.parent.glob(f"{path.stem}.*") if found.suffix != ".pyc"}
    used = {Path(str(each.__file__)) for each in vars(module).values() if _is_ours(each)}
    return {path, *data, *used}


def _is_ours(value: object) -> bool:
    file = getattr(value, "__file__", None)
    if not isinstance(value, ModuleType) or not file:
        return False
    top = value.__name__.partition(".")[0]
    installed = {"site-packages", "dist-packages"} & set(Path(file).parts)
    return top == "workbench" or not (installed or top in sys.stdlib_module_names)


def load(path: Path) -> ModuleType:
    """Run a probe file; the same content is run once a process.

    Raises:
        UserError: it is no Python, or fails while it runs; with the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise user_error(f"{path} cannot be read: {error.strerror}", "", "check the path") from None
    key = hashlib.sha256(str(path.resolve()).encode() + b"\0" + content).hexdigest()[:16]
    name = f"workbench_probe_{path.stem}_{key}"
    if name in sys.modules:
        return sys.modules[name]
    with told(path, "the probe file fails when it is run"):
        spec = importlib.util.spec_from_loader(name, loader=None, origin=str(path))
        assert spec is not None  # a spec without a loader always comes back
        module = importlib.util.module_from_spec(spec)
        # Whole, since a probe finds its data beside it, in whatever folder the process is by then.
        module.__file__ = str(path.resolve())
        # Dataclasses look up their module while it is still being made.
        sys.modules[name] = module
        try:
            exec(compile(content, str(path), "exec", dont_inherit=True), module.__dict__)
        except BaseException:
            del sys.modules[name]
            raise
    return module


@contextmanager
def told(path: Path, doing: str) -> Iterator[None]:
    """Within, any error of a probe file becomes a :class:`UserError` with its line in the file."""
    try:
        yield
    except UserError:
        raise
    except SyntaxError as error:
        where = Where(str(path), (error.lineno or 0) if _same(error.filename, path) else 0)
        raise user_error(
            f"the probe file is no Python: {error.msg}", "", "correct this line", where
        ) from None
    except (Exception, SystemExit) as error:
        lines = [
            frame.lineno or 0
            for frame in traceback.extract_tb(error.__traceback__)
            if _same(frame.filename, path)
        ]
        words = " ".join(str(error).split())[:300]
        raise user_error(
            doing,
            f"{type(error).__name__}: {words}" if words else type(error).__name__,
            "correct the probe file",
            Where(str(path), lines[-1] if lines else 0),
        ) from error


def _same(filename: str | None, path: Path) -> bool:
    return filename is not None and Path(filename).resolve() == path.resolve()


def maker(module: ModuleType, path: Path) -> Callable[..., Any]:
    """The file's ``probe`` function.

    Raises:
        UserError: it has none.
    """
    make = getattr(module, "probe", None)
    if callable(make):
        return typing.cast("Callable[..., Any]", make)
    functions = [n for n, v in vars(module).items() if inspect.isfunction(v) and n[0] != "_"]
    raise user_error(
        "the probe file defines no function probe(...)",
        f"it defines {', '.join(functions)}" if functions else "",
        did_you_mean("probe", functions) or "add `def probe() -> Probe:` that returns the probe",
        Where(str(path)),
    )


def settled(
    make: Callable[..., Any],
    options: Mapping[str, Any],
    *,
    path: Path,
    beside: Path | None,
    where: Where | None = None,
) -> dict[str, Any]:
    """``options`` as ``make`` takes them: checked against its types, files found.

    An option whose type is a ``Path`` is written as text in a recipe and sought beside it.

    Raises:
        UserError: options that ``make`` does not know, of another type, or missing; all at once,
            at ``where``, the recipe's place, or at the function's.
    """
    where = where or Where(str(path), first_line(make))
    parameters = inspect.signature(make).parameters
    with told(path, "the types of the options of probe(...) cannot be read"):
        hints = typing.get_type_hints(make)
    known = [
        n for n, p in parameters.items() if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    any_name = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    problems, values = [], {}
    for name, value in options.items():
        if name not in known and not any_name:
            problems.append(
                Problem(
                    f"unknown option {name!r}",
                    f"this probe knows {', '.join(known)}" if known else "this probe has none",
                    did_you_mean(name, known) or "correct or remove it",
                    where,
                )
            )
            continue
        hint = hints.get(name, Any)
        if isinstance(value, str) and _takes_path(hint):
            values[name] = resolve(Path(value), beside)
            if not values[name].is_file():
                problems.append(
                    Problem(f"option {name}: there is no file {value}", "", "check the path", where)
                )
            continue
        try:
            values[name] = _check(hint, value)
        except ValidationError as error:
            problems += [
                Problem(f"option {name}: {one['msg']}", f"it is {value!r}", "", where)
                for one in error.errors()[:1]
            ]
    for name in known:
        if parameters[name].default is inspect.Parameter.empty and name not in options:
            problems.append(Problem(f"option {name} is missing", "", f"give {name}: …", where))
    if problems:
        raise UserError(problems)
    return values


def _check(hint: Any, value: Any) -> Any:
    if hint is Any:
        return value
    return TypeAdapter(hint, config=ConfigDict(strict=True)).validate_python(value)


def _takes_path(hint: Any) -> bool:
    return hint is Path or Path in typing.get_args(hint)


def first_line(function: Callable[..., Any]) -> int:
    """The line of a function's definition; 0 where it has none."""
    code = getattr(function, "__code__", None)
    return code.co_firstlineno if code is not None else 0
