"""The page: everything is on it, every link leads somewhere, and nothing on it runs or comes from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from contracts.api import ProblemType
from proxy.openapi import page
from proxy.openapi.document import document
from proxy.openapi.operations import OPERATIONS
from proxy.tests.conftest import MakeApp


class Read(HTMLParser):
    """Tags, ids and links of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def all(self, name: str) -> list[str]:
        """Every value of an attribute."""
        return [value for each, value in self.attributes if each == name]


@pytest.fixture(scope="module")
def read() -> Read:
    """The page, read."""
    return Read(page.render())


def test_everything_is_on_it(read: Read) -> None:
    """Each operation, schema and problem type has its place, once."""
    ids = read.all("id")
    wanted = {each.id for each in OPERATIONS} | {f"problem-{kind.value}" for kind in ProblemType}
    wanted |= {f"schema-{name}" for name in document()["components"]["schemas"]}
    assert wanted <= set(ids)
    assert len(ids) == len(set(ids))


def test_schemas_show_an_example() -> None:
    """Each that is no list of values has one, folded away."""
    schemas = document()["components"]["schemas"].values()
    assert page.render().count("<summary>Example</summary>") == sum("enum" not in schema for schema in schemas)


def test_every_link_leads_somewhere(read: Read) -> None:
    """To a place on the page, or to the document beside it."""
    targets = {f"#{each}" for each in read.all("id")} | {"openapi.json"}
    assert set(read.all("href")) <= targets


def test_nothing_runs_and_nothing_comes_from_elsewhere(read: Read) -> None:
    """No scripts, no handlers, no inline styles, no images, fonts or frames."""
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(read.tags)
    names = {name for name, _ in read.attributes}
    assert not {name for name in names if name.startswith("on") or name in ("style", "src")}
    assert "url(" not in page.render()


def test_the_policy_allows_this_style_alone(make_app: MakeApp) -> None:
    """Its hash is that of what stands between the tags."""
    response = make_app().test_client().get("/docs")
    (style,) = re.findall(r"<style>(.*?)</style>", response.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    sent = response.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}';" in sent
    assert "default-src 'none'" in sent
    assert response.content_type == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"$ref": "#/components/schemas/Problem"}, '<a href="#schema-Problem">Problem</a>'),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"anyOf": [{"type": "string"}, {"type": "string", "maxLength": 2}]}, "string"),
        ({"enum": ["a", "<b>"]}, "<code>&#34;a&#34;</code>, <code>&#34;&lt;b&gt;&#34;</code>"),
        ({"const": 0}, "<code>0</code>"),
        ({"type": "array", "items": {"type": "integer"}}, "list of integer"),
        ({"type": "array"}, "list of anything"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object of number"),
        ({"type": "object", "additionalProperties": True}, "object"),
        ({"type": "string", "format": "date-time"}, "date-time"),
        ({"type": "<i>"}, "&lt;i&gt;"),
    ],
)
def test_types_are_told_in_words(schema: dict[str, Any], expected: str) -> None:
    """Few words, links to components, and nothing that a browser would take for markup."""
    assert page.type_of(schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"minLength": 1, "maxLength": 64}, "1 to 64 characters"),
        ({"minimum": 0}, "at least 0"),
        ({"maxItems": 20}, "at most 20 items"),
        ({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 9}, {"type": "null"}]}, "1 to 9"),
        ({"pattern": "^a$", "default": "a"}, '`^a$`, `"a"` when left out'),
        ({"type": "string"}, ""),
    ],
)
def test_bounds_are_told_in_words(schema: dict[str, Any], expected: str) -> None:
    """What narrows a type stands beside it."""
    assert page.bounds(schema) == expected


def test_prose_marks_code_up_and_nothing_else() -> None:
    """Paragraphs and code are known; everything else is text."""
    assert page.prose("a `<b>` c\n\n<i>") == "<p>a <code>&lt;b&gt;</code> c</p><p>&lt;i&gt;</p>"
