"""The console page at the mock's root: its files, and the schema that its fault composer draws a form from."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.cortex import Code
from mocks.answers import ANSWERS
from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.grammar import Fault
from mocks.request import Refusal, Request, json_plan
from mocks.route import Route, Surface, route
from mocks.state import Mock

FOLDER = Path(__file__).parent / "console"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Everything else in the folder is not served."""

POLICY = "; ".join(
    ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'")
)

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class File:
    """One file of the page."""

    kind: str
    body: bytes
    etag: str


@functools.cache
def files() -> Mapping[str, File]:
    """The page's files by name, read once; a request can name nothing else."""
    found = (path for path in FOLDER.iterdir() if path.suffix in TYPES)
    return {path.name: _read(path) for path in sorted(found)}


def _read(path: Path) -> File:
    body = path.read_bytes()
    return File(TYPES[path.suffix], body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


async def index(_mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET /`: the page."""
    return await _served("index.html", request)


async def file(_mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`GET /__mock/console/{name}`: one of its files."""
    return await _served(path[1], request)


async def _served(name: str, request: Request) -> Plan:
    found = (await asyncio.to_thread(files)).get(name)
    if found is None:
        raise Refusal(404, Code.NOT_FOUND, f"The console has no file {name!r}.")
    headers = {**HEADERS, "etag": found.etag}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if found.etag in known or "*" in known:
        return Plan(304, headers, ())
    return Plan(200, {**headers, "content-type": found.kind}, (Frame(0.0, found.body),))


@functools.cache
def _fault_schema() -> dict[str, Any]:
    schema = Fault.model_json_schema()
    schema["$defs"]["Respond"]["properties"]["like"]["examples"] = sorted(ANSWERS)
    return schema


async def fault_schema(_mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock/faults/schema`: the fault grammar as JSON Schema 2020-12, named answers as examples."""
    return json_plan(_fault_schema())


ROUTES: tuple[Route, ...] = (
    route("GET", r"/", index, Surface.ADMIN, public=True),
    route("GET", r"/__mock/console/([a-z0-9-]{1,60}\.[a-z]{2,4})", file, Surface.ADMIN, public=True),
    route("GET", r"/__mock/faults/schema", fault_schema, Surface.ADMIN, public=True),
)
