"""Whether a value is what the document says it is."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from contracts.cortex import DONE
from proxy.openapi.document import as_json
from proxy.sse import SseEvent


def conforms(value: Any, schema: dict[str, Any]) -> None:
    """The value fits a schema of the document.   Raises: ValidationError."""
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:document#/'))
    Draft202012Validator(absolute, registry=_registry()).validate(value)


def event_conforms(event: SseEvent, union: str) -> None:
    """The event is one of the union's, as a client makes an object of it.   Raises: ValidationError, ValueError."""
    text = event.data.decode()
    value = {"event": event.name, "data": text if text == DONE else json.loads(text)}
    conforms(value, {"$ref": f"#/components/schemas/{union}"})


@cache
def _registry() -> Registry[Any]:
    whole: Resource[Any] = Resource.from_contents(json.loads(as_json()), default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:document", whole)
    return registry
