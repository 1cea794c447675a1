"""What runbooks may name of the proxy and the front door: settings with their defaults, constants, commands.

Read from the source, not imported: whoever checks dashboards has none of the proxy's libraries.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).parent.parent
PREFIX = "CORTEX_PROXY_"

Words = tuple[str, ...]

UNKNOWN = object()
"""A default or a constant that is worked out when the program runs."""

_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = MappingProxyType(
    {ast.Mult: operator.mul, ast.Add: operator.add, ast.Sub: operator.sub, ast.Pow: operator.pow}
)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _value(node: ast.AST | None, names: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """What a node says when it is a literal, a sum or a product of some, or a name that is known; else UNKNOWN."""
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return names.get(node.id, UNKNOWN)
        case ast.Attribute():
            return node.attr.lower()  # a member of an enumeration of words
        case ast.BinOp() if type(node.op) in _OPERATORS:
            left, right = _value(node.left, names), _value(node.right, names)
            is_known = UNKNOWN not in (left, right)
            return _OPERATORS[type(node.op)](left, right) if is_known else UNKNOWN
    return UNKNOWN


# --- settings


@cache
def settings(root: Path = ROOT) -> Mapping[str, Any]:
    """Every variable that the proxy reads, with its default; UNKNOWN for one without, or that is worked out."""
    found = {
        PREFIX + name.upper(): _default(node) for name, node in _fields(root / "proxy" / "settings.py", "Settings")
    }
    return MappingProxyType(found | dict(_policies(root / "proxy" / "policies.py")))


def _fields(path: Path, name: str) -> Iterator[tuple[str, ast.expr | None]]:
    """The annotated fields of a class, and what each is set to."""
    for node in _tree(path).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            for each in node.body:
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                    yield each.target.id, each.value


def _default(node: ast.expr | None, names: Mapping[str, Any] = MappingProxyType({})) -> Any:
    if isinstance(node, ast.Call):  # Field(default=...)
        given = {each.arg: each.value for each in node.keywords}
        return _value(given.get("default"), names)
    return _value(node, names)


def _policies(path: Path) -> Iterator[tuple[str, Any]]:
    """A cell for each policy and each of its fields, as `CORTEX_PROXY_POLICIES__CHAT__RATE`."""
    names = constants(path)
    usual = {name: _default(node, names) for name, node in _fields(path, "Policy")}
    unary = {name: value for name, value in _returned(path, "_unary").items() if name in usual}
    for policy, node in _fields(path, "Policies"):
        if isinstance(node, ast.Call):
            given = {each.arg: _value(each.value, names) for each in node.keywords if each.arg}
            is_unary = isinstance(node.func, ast.Name) and node.func.id == "_unary"
            row = usual | (unary if is_unary else {}) | given
            for field, value in row.items():
                yield f"{PREFIX}POLICIES__{policy.upper()}__{field.upper()}", value


def _returned(path: Path, name: str) -> dict[str, Any]:
    """The dictionary literal within a function."""
    for node in _tree(path).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            for each in ast.walk(node):
                if isinstance(each, ast.Dict):
                    return {str(_value(key)): _value(value) for key, value in zip(each.keys, each.values, strict=True)}
    return {}


# --- constants


def constants(path: Path) -> dict[str, Any]:
    """The constants of a module, and of its classes as `Class.NAME`."""
    found: dict[str, Any] = {}
    _constants(_tree(path).body, "", found)
    return found


def _constants(body: list[ast.stmt], prefix: str, found: dict[str, Any]) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            _constants(node.body, f"{node.name}.", found)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                _assign(target, node.value, prefix, found)
        elif isinstance(node, ast.AnnAssign):
            _assign(node.target, node.value, prefix, found)


def _assign(target: ast.expr, value: ast.expr | None, prefix: str, found: dict[str, Any]) -> None:
    if isinstance(target, ast.Name):
        found[prefix + target.id] = _value(value, found)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=True):
            _assign(one, its, prefix, found)


def constant(name: str, root: Path = ROOT) -> Any:
    """The value of a constant of the proxy, as `breaker.OPEN_S`; UNKNOWN for one that is not there, or no literal."""
    module, _, rest = name.partition(".")
    for path in (root / "proxy" / f"{module}.py", root / "proxy" / module / "__init__.py"):
        if path.exists():
            return constants(path).get(rest, UNKNOWN)
    return UNKNOWN


# --- commands


@cache
def commands(root: Path = ROOT) -> Mapping[Words, frozenset[str]]:
    """Every command of `cortex-harness` by its words, with its options; a group's are none."""
    found: dict[Words, frozenset[str]] = {(): frozenset(["--help", "--version", "-h"])}
    groups: dict[str, Words] = {"main": ()}
    for node in _tree(root / "harness.py").body:
        if not isinstance(node, ast.FunctionDef):
            continue
        calls = [each for each in node.decorator_list if isinstance(each, ast.Call)]
        for call in calls:
            owner = _owner(call)
            if owner in groups and _attribute(call) in ("command", "group"):
                words = (*groups[owner], _command_name(node, call))
                groups[node.name] = words
                found[words] = frozenset(["--help", "-h", *(name for each in calls for name in _options(each))])
    return MappingProxyType(found)


def _attribute(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _owner(call: ast.Call) -> str:
    is_name = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
    return call.func.value.id if is_name else ""  # type: ignore[attr-defined]


def _command_name(node: ast.FunctionDef, call: ast.Call) -> str:
    places = [*call.args, *(each.value for each in call.keywords if each.arg == "name")]
    given = [each.value for each in places if isinstance(each, ast.Constant)]
    return str(given[0]) if given else node.name.replace("_", "-")


def _options(call: ast.Call) -> Iterator[str]:
    if _attribute(call) == "option":
        for each in call.args:
            if isinstance(each, ast.Constant) and str(each.value).startswith("-"):
                yield from str(each.value).split("/")


def takes_anything(words: Words) -> bool:
    """Whether what follows a command is another program's."""
    return words[:1] == ("test",)


# --- Snowflake's own names


@cache
def snowflake_names(root: Path = ROOT) -> frozenset[str]:
    """What the set-up creates in Snowflake whose name begins as our settings' do."""
    text = (root / "proxy" / "deploy" / "snowflake_setup.sql").read_text(encoding="utf-8")
    return frozenset(re.findall(rf"\b{PREFIX}[A-Z_]+", text))
