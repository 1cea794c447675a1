"""The document as one page that needs no scripts and nothing from elsewhere; folding is the browser's own."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from contracts.api import PREFIX
from proxy.openapi.document import UNIONS, document
from proxy.openapi.operations import OPERATIONS, TAGS
from proxy.problems import CATALOGUE

Schema = Mapping[str, Any]

_FOLDER = Path(__file__).parent
_RANGES = {
    "characters": ("minLength", "maxLength"),
    "items": ("minItems", "maxItems"),
    "fields": ("minProperties", "maxProperties"),
    "": ("minimum", "maximum"),
}


class Field(NamedTuple):
    """A row of a schema's table."""

    name: str
    type: Markup
    bounds: str
    is_required: bool
    about: str


@cache
def render() -> str:
    """The page."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(prose=prose, marked=marked, pretty=pretty, type=type_of, fields=fields, bounds=bounds)
    described = document()
    return environment.get_template("page.html").render(
        document=described,
        css=Markup(_css()),  # noqa: S704 - our own file
        tags=TAGS,
        operations=[(each, described["paths"][each.path][each.method]) for each in OPERATIONS],
        schemas=sorted(described["components"]["schemas"].items()),
        unions={each.__name__ for each in UNIONS},
        catalogue=CATALOGUE,
        resolve=resolve,
        prefix=PREFIX,
    )


@cache
def policy() -> str:
    """The page's Content-Security-Policy: its one style sheet, by its hash, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_css().encode()).digest()).decode()
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


@cache
def _css() -> str:
    return (_FOLDER / "page.css").read_text(encoding="utf-8")


def resolve(value: Schema) -> Schema:
    """The component behind a reference; anything else as it is."""
    found: Any = value
    while "$ref" in found:
        target = found["$ref"]
        found = document()
        for part in target.removeprefix("#/").split("/"):
            found = found[part]
    return dict(found)


def prose(text: str) -> Markup:
    """Text with its `code` marked up, its paragraphs apart."""
    paragraphs = [marked(each) for each in text.split("\n\n")]
    return Markup("").join(Markup("<p>{}</p>").format(each) for each in paragraphs)


def marked(text: str) -> Markup:
    """A line of text with its `code` marked up."""
    parts = re.split(r"`([^`]+)`", text)
    pieces = [Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)]
    return Markup("").join(pieces)


def pretty(value: Any) -> str:
    """A value as people read it; a stream as it travels."""
    return value.strip() if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def type_of(schema: Schema) -> Markup:
    """What a value may be, in a few words; components are links."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#schema-{0}">{0}</a>').format(name)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return Markup(" or ").join(dict.fromkeys(type_of(each) for each in schema[union]))
    if "const" in schema or "enum" in schema:
        values = schema["enum"] if "enum" in schema else [schema["const"]]
        return Markup(", ").join(Markup("<code>{}</code>").format(json.dumps(each)) for each in values)
    if schema.get("type") == "array":
        return Markup("list of {}").format(type_of(schema.get("items", {})))
    additional = schema.get("additionalProperties")
    if isinstance(additional, dict):
        return Markup("object of {}").format(type_of(additional))
    return escape(schema.get("format") or schema.get("type") or "anything")


def fields(schema: Schema) -> Iterator[Field]:
    """The fields of an object."""
    required = schema.get("required", [])
    for name, each in schema.get("properties", {}).items():
        yield Field(name, type_of(each), bounds(each), name in required, each.get("description", ""))


def bounds(schema: Schema) -> str:
    """What narrows a value's type, in words; empty when nothing does."""
    alternatives = [each for each in schema.get("anyOf", []) if "$ref" not in each]
    return ", ".join(words for part in (schema, *alternatives) for words in _bounds(part))


def _bounds(schema: Schema) -> Iterator[str]:
    for unit, (least, most) in _RANGES.items():
        match schema.get(least), schema.get(most):
            case None, None:
                continue
            case low, None:
                yield f"at least {low} {unit}".strip()
            case None, high:
                yield f"at most {high} {unit}".strip()
            case low, high:
                yield f"{low} to {high} {unit}".strip()
    if "pattern" in schema:
        yield f"`{schema['pattern']}`"
    if "default" in schema:
        yield f"`{json.dumps(schema['default'])}` when left out"
