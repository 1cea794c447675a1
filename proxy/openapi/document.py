"""The OpenAPI 3.1 document: schemas from the pydantic models, operations from their table.

`document()` is the same on every machine and in every process; `as_json` and `as_yaml` write it with sorted keys.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, cast

import yaml
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from contracts.api import PROBLEM_JSON, Api, Problem, ProblemType, Sparse
from contracts.events import AnalystEvent, ChatEvent
from contracts.examples import REQUEST_ID, SNOWFLAKE_ID, TRACE_ID, Examples
from contracts.examples import SESSION_ID as A_SESSION_ID
from proxy import VERSION
from proxy.history import DEFAULT_LIMIT, SESSION_ID
from proxy.openapi import examples
from proxy.openapi.operations import OPERATIONS, TAGS, Access, Answer, Operation
from proxy.problems import CATALOGUE
from proxy.tokens import CLIENT_KEY_HEADER

Schema = dict[str, Any]

ABOUT = """\
The client API of the proxy between a page and Snowflake Cortex.

JSON is camelCase. Requests refuse what they do not know, by name and by type; answers may gain fields.

Every error is a problem (RFC 9457, `application/problem+json`): its `type` is stable, its `detail` is for people. \
Those with `retryable` may go away by themselves; `Retry-After` says when to ask again.

Limits count per user, and are told in `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).

Send `X-Request-Id` (8 to 64 of `A-Z a-z 0-9 . _ -`) to find a request in the log by your own id, and `traceparent` to \
have it in your trace. A token never travels in an address.\
"""
GENERATED = """\
# Generated from contracts/api.py, contracts/events.py and proxy/openapi by `python3 harness.py contracts openapi`.
# Change those, then run it again; a test fails while this file is stale.
"""

UNIONS: tuple[type[BaseModel], ...] = (ChatEvent, AnalystEvent)
"""What streams consist of."""

NULL = {"type": "null"}
_RETRY_STATUSES = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_FROM_THE_SERVER = frozenset(
    {
        ProblemType.MALFORMED_REQUEST,
        ProblemType.ADDRESS_TOO_LONG,
        ProblemType.HEADERS_TOO_LARGE,
        ProblemType.REQUEST_TIMEOUT,
    }
)
"""Refused before the application sees the request: they have no ids."""

_SECURITY: Mapping[Access, list[dict[str, list[str]]]] = {
    Access.OPEN: [],
    Access.SESSION: [{"session": []}],
    Access.REPORT: [{"session": []}, {}],
    Access.ISSUE: [{}, {"clientKey": []}, {"session": []}],
}


class _Schemas(GenerateJsonSchema):
    """Schemas as the wire has them, without what repeats a name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        """Never: the name says it."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Defaults of requests alone, and no null, which is what leaving out means."""
        made = super().default_schema(schema)
        if self.mode == "serialization" or made.get("default", ...) is None:
            made.pop("default", None)
        return made

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """An answer is sent whole, so all of its fields are there; a sparse one never says null."""
        made = super().model_schema(schema)
        made.pop("title", None)
        if "description" in made:
            made["description"] = _reflowed(made["description"])
        if made.get("additionalProperties") is True:
            del made["additionalProperties"]  # as everywhere where it is not forbidden
        properties = made.get("properties", {})
        if issubclass(schema["cls"], Sparse):
            made["required"] = [name for name, each in properties.items() if NULL not in each.get("anyOf", [])]
            made["properties"] = {name: _never_null(each) for name, each in properties.items()}
        elif self.mode == "serialization" and issubclass(schema["cls"], Api) and properties:
            made["required"] = list(properties)
        return made

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """The values, and what they are for."""
        made = super().enum_schema(schema)
        made.pop("title", None)
        return made


def _reflowed(text: str) -> str:
    """Paragraphs in one line each: source code's line ends mean nothing."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _never_null(schema: Schema) -> Schema:
    alternatives = [each for each in schema.get("anyOf", []) if each != NULL]
    if not alternatives:
        return schema
    others = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**alternatives[0], **others} if len(alternatives) == 1 else {**others, "anyOf": alternatives}


@cache
def document() -> Schema:
    """The whole document; callers share it, and leave it as it is."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cortex proxy",
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
        "paths": _paths(),
        "components": {
            "schemas": _component_schemas(),
            "responses": _component_responses(),
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "examples": {
                kind.value: {"summary": CATALOGUE[kind].title, "value": examples.PROBLEMS[kind]} for kind in ProblemType
            },
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def as_json() -> str:
    """The document on one line."""
    return json.dumps(document(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def as_yaml() -> str:
    """The document as it is committed."""
    return GENERATED + yaml.dump(
        json.loads(as_json()), Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=120, default_flow_style=False
    )


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)

# --- components ----------------------------------------------------------------------------------------------------

SECURITY_SCHEMES: Schema = {
    "session": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A session token of `POST /api/v1/session/token`. Its content is nobody's business.",
    },
    "clientKey": {
        "type": "apiKey",
        "in": "header",
        "name": CLIENT_KEY_HEADER,
        "description": "Held by a backend, never by a page.",
    },
}

PARAMETERS: Schema = {
    "SessionId": {
        "name": "sessionId",
        "in": "path",
        "required": True,
        "description": "A session of the caller's.",
        "schema": {"type": "string", "pattern": f"^{SESSION_ID.pattern}$"},
        "example": A_SESSION_ID,
    },
    "Limit": {
        "name": "limit",
        "in": "query",
        "description": "Most turns in the page.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": DEFAULT_LIMIT},
    },
    "Cursor": {
        "name": "cursor",
        "in": "query",
        "description": "`nextCursor` of the page before, unchanged.",
        "schema": {"type": "string", "minLength": 1},
    },
}


def _header(about: str, example: Any, kind: str = "string") -> Schema:
    return {"description": about, "schema": {"type": kind}, "example": example}


HEADERS: Schema = {
    "X-Request-Id": _header("This request, in the log; a problem's `instance`.", REQUEST_ID),
    "X-Trace-Id": _header("This request's trace.", TRACE_ID),
    "X-Upstream-Request-Id": _header("Snowflake's name for the request, for its support.", SNOWFLAKE_ID),
    "RateLimit-Policy": _header(
        "Every limit of the endpoint, where there are any.",
        '"chat";q=30;w=60, "chat-burst";q=6;w=2, "chat-at-once";q=4;qu="concurrent-requests"',
    ),
    "RateLimit": _header("What is left of them.", '"chat";r=29;t=60, "chat-burst";r=5;t=2'),
    "Retry-After": _header("Seconds after which to ask again.", 2, "integer"),
    "WWW-Authenticate": _header("What is wanted.", 'Bearer error="invalid_token"'),
    "ETag": _header("The document's version.", '"8a1f0c2e"'),
}


def _schema_ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _header_refs(names: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _component_schemas() -> Schema:
    asked: set[type[BaseModel]] = {operation.request for operation in OPERATIONS if operation.request}
    told = {each.shape for operation in OPERATIONS for each in operation.answers if isinstance(each.shape, type)}
    written: set[type[BaseModel]] = {*told, Problem, *UNIONS}
    modes: tuple[tuple[set[type[BaseModel]], JsonSchemaMode], ...] = ((asked, "validation"), (written, "serialization"))
    models = [(model, mode) for group, mode in modes for model in sorted(group, key=lambda each: each.__name__)]
    _, found = models_json_schema(models, ref_template="#/components/schemas/{model}", schema_generator=_Schemas)
    return cast("Schema", found["$defs"])


# --- problems ------------------------------------------------------------------------------------------------------


def _component_responses() -> Schema:
    """Problems that are the only ones of their status somewhere."""
    return {
        _response_name(kinds[0]): _problem_response(status, kinds)
        for operation in OPERATIONS
        for status, kinds in _by_status(operation.all_problems()).items()
        if len(kinds) == 1
    }


def _response_name(kind: ProblemType) -> str:
    return "".join(part.capitalize() for part in kind.split("-"))


def _by_status(kinds: Iterable[ProblemType]) -> dict[int, list[ProblemType]]:
    found: dict[int, list[ProblemType]] = defaultdict(list)
    for kind in kinds:
        found[CATALOGUE[kind].status].append(kind)
    return found


def _problem_response(status: int, kinds: list[ProblemType]) -> Schema:
    of_ours = ["X-Request-Id", "X-Trace-Id", "RateLimit", "RateLimit-Policy"]
    headers = [] if set(kinds) <= _FROM_THE_SERVER else of_ours
    headers += ["Retry-After"] if status in _RETRY_STATUSES else []
    headers += ["WWW-Authenticate"] if status == HTTPStatus.UNAUTHORIZED else []
    shown = {kind.value: {"$ref": f"#/components/examples/{kind.value}"} for kind in kinds}
    response: Schema = {
        "description": " ".join(f"`{kind.value}`: {CATALOGUE[kind].title}." for kind in kinds),
        "content": {PROBLEM_JSON: {"schema": _schema_ref(Problem.__name__), "examples": shown}},
    }
    return response | ({"headers": _header_refs(headers)} if headers else {})


# --- operations ----------------------------------------------------------------------------------------------------


def _paths() -> Schema:
    paths: Schema = defaultdict(dict)
    for operation in OPERATIONS:
        paths[operation.path][operation.method] = _operation(operation, operation.id)
        if operation.also:
            paths[operation.also][operation.method] = _operation(operation, f"{operation.id}BelowPrefix")
    return dict(paths)


def _operation(operation: Operation, operation_id: str) -> Schema:
    made: Schema = {
        "operationId": operation_id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.about,
        "security": _SECURITY[operation.access],
        "responses": _responses(operation),
    }
    if operation.parameters:
        made["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in operation.parameters]
    if operation.request:
        body = {
            "schema": _schema_ref(operation.request.__name__),
            "examples": _examples(operation.request.examples()),
        }
        made["requestBody"] = {
            "required": operation.request_is_required,
            "content": dict.fromkeys(operation.request_types, body),
        }
    return made


def _responses(operation: Operation) -> Schema:
    made: Schema = {}
    for answer in operation.answers:
        response = made.setdefault(str(answer.status), {"description": answer.about})
        names = ["X-Request-Id", "X-Trace-Id", *answer.headers]
        names += ["RateLimit", "RateLimit-Policy"] if operation.policy else []
        response["headers"] = response.get("headers", {}) | _header_refs(names)
        if answer.shape is not None:
            response.setdefault("content", {})[answer.media_type] = _content(answer)
    for status, kinds in _by_status(operation.all_problems()).items():
        shared = {"$ref": f"#/components/responses/{_response_name(kinds[0])}"}
        made[str(status)] = shared if len(kinds) == 1 else _problem_response(status, kinds)
    return made


def _content(answer: Answer) -> Schema:
    shape = answer.shape
    if isinstance(shape, str):
        return {"schema": _schema_ref(shape), "examples": _examples(examples.STREAMS[shape])}
    if isinstance(shape, type):
        shown = shape.examples() if answer.status < 400 else examples.NOT_READY
        return {"schema": _schema_ref(shape.__name__), "examples": _examples(shown)}
    return {"schema": shape}


def _examples(shown: Examples) -> Schema:
    return {re.sub(r"\W+", "-", name.lower()): {"summary": name, "value": value} for name, value in shown.items()}
