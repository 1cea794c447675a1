"""Files from the disk as documents: which they are is told by what is in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dashboards.check.model import Documents, mapping

OURS = Path(__file__).resolve().parents[1]
DEFAULT = tuple(OURS / name for name in ("generated", "provisioning", "runbooks", "tests/rules"))
"""What is checked when nothing is named: what the build writes, and what goes with it."""

LINT = ".lint"
_KINDS = {".json", ".yaml", ".yml", ".md"}
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unreadable(Exception):
    """A file that is missing, cannot be read, or is not what its name says."""


@dataclass(slots=True)
class Loaded:
    """What was found.

    rule_files, rule_tests: for promtool, which reads them itself.   passed_over: files that are none of ours.
    """

    documents: Documents
    rule_files: list[Path] = field(default_factory=list)
    rule_tests: list[Path] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def files(self) -> int:
        """How many files are checked."""
        found = self.documents
        parts = (found.dashboards, found.rules, found.provisioning, found.runbooks)
        return sum(len(each) for each in parts) + len(self.rule_tests)


def load(paths: Iterable[Path]) -> Loaded:
    """The files, and those in the folders, as documents. What cannot be read is among the errors, all of it."""
    given = [Path(each) for each in paths]
    named = given or [each for each in DEFAULT if each.exists()]
    loaded, kinds = Loaded(Documents()), _Kinds()
    if not named:
        loaded.errors.append("nothing is built yet: run `cortex-harness dashboards build`")
    for path in named:
        for each in _within(path) if path.is_dir() else [path]:
            _take(each, loaded, kinds, is_named=not path.is_dir())
    folders = [each.resolve() for each in named if each.is_dir()]
    lints = _exclusion_files(named)
    is_whole = not given or all(any(folder in lint.parents for folder in folders) for lint in lints)
    exclusions = dict(_exclusions(lints, loaded.errors))
    loaded.documents = Documents(
        kinds.dashboards, kinds.rules, kinds.provisioning, kinds.runbooks, exclusions, is_whole=is_whole
    )
    return loaded


@dataclass(slots=True)
class _Kinds:
    dashboards: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    provisioning: dict[str, Any] = field(default_factory=dict)
    runbooks: dict[str, str] = field(default_factory=dict)


def shown(path: Path) -> str:
    """The path as it is shown: from here, where it lies below."""
    full = path.resolve()
    return full.relative_to(Path.cwd()).as_posix() if full.is_relative_to(Path.cwd()) else full.as_posix()


def _within(folder: Path) -> Iterator[Path]:
    hidden = (each for each in sorted(folder.rglob("*")) if each.is_file() and each.suffix in _KINDS)
    return (each for each in hidden if not any(part.startswith(".") for part in each.relative_to(folder).parts))


def _take(path: Path, loaded: Loaded, kinds: _Kinds, *, is_named: bool) -> None:
    name = shown(path)
    try:
        if path.suffix == ".md":
            _take_page(path, name, kinds, is_named=is_named)
            return
        document = read(path)
        kind = _kind(document, path)
    except Unreadable as error:
        loaded.errors.append(str(error))
        return
    if kind == "dashboard":
        kinds.dashboards[name] = _classic(document)
    elif kind == "rules":
        kinds.rules[name] = document
        loaded.rule_files.append(path)
    elif kind == "tests":
        loaded.rule_tests.append(path)
    elif kind == "provisioning":
        kinds.provisioning[name] = document
    elif is_named:
        loaded.errors.append(f"{name}: neither a dashboard, rules, their tests nor provisioning")
    else:
        loaded.passed_over.append(name)


def _take_page(path: Path, name: str, kinds: _Kinds, *, is_named: bool) -> None:
    if is_named or "runbooks" in path.parent.name:
        kinds.runbooks[name] = _text(path)


def read(path: Path) -> Any:
    """The parsed file.   Raises: Unreadable, saying what it should be."""
    text, name = _text(path), shown(path)
    try:
        parse: Callable[[str], Any] = json.loads if path.suffix == ".json" else _yaml
        return parse(text)
    except json.JSONDecodeError as error:
        raise Unreadable(f"{name}: not JSON: {error}") from error
    except RecursionError as error:
        raise Unreadable(f"{name}: nested too deep") from error
    except yaml.YAMLError as error:
        raise Unreadable(f"{name}: not YAML: {' '.join(str(error).split())}") from error


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, the faster one where libyaml is there


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise Unreadable(f"{shown(path)}: no such file or folder") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{shown(path)}: cannot be read: {error}") from error


def _kind(document: object, path: Path) -> str:
    """What a document is, by its keys; empty for none of ours.   Raises: Unreadable for a newer form of dashboard."""
    raw = mapping(document)
    if str(raw.get("apiVersion", "")).startswith("dashboard.grafana.app/v2"):
        raise Unreadable(f"{shown(path)}: a dashboard of schema v2; export it as classic, for that is what is checked")
    board = mapping(_classic(raw))
    if {"panels", "rows", "templating"} & set(board) or "schemaVersion" in board:
        return "dashboard"
    if "rule_files" in raw and "tests" in raw:
        return "tests"
    if {"datasources", "providers", "scrape_configs"} & set(raw) or ("groups" in raw and "apiVersion" in raw):
        return "provisioning"
    return "rules" if "groups" in raw else ""


def _classic(document: Any) -> Any:
    """The dashboard itself, out of what Grafana's APIs wrap around it."""
    raw: Mapping[str, Any] = mapping(document)
    for key in ("dashboard", "spec"):
        if inner := mapping(raw.get(key)):
            return inner
    return document


def _exclusion_files(named: list[Path]) -> list[Path]:
    """The files of exceptions: within the folders that were named, and beside what was."""
    places = {lint for path in named if path.is_dir() for lint in path.rglob(LINT)}
    places |= {path.parent / LINT for path in named}
    return sorted({each.resolve() for each in places if each.is_file()})


def _exclusions(lints: list[Path], errors: list[str]) -> Iterator[tuple[str, Any]]:
    for path in lints:
        try:
            yield shown(path), read(path)
        except Unreadable as error:
            errors.append(str(error))
