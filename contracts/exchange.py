"""Performs the exchange of a pact's stream, and reads its events: what a sequence rule is checked against."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from pydantic import JsonValue

from contracts.pactfile import Interaction

TIMEOUT_S = 30.0
EXPRESSION = re.compile(r"\$\{([^}]+)\}")
LINE_END = re.compile(r"\r\n|\n|\r")


class ExchangeError(Exception):
    """An exchange whose answer is no event stream."""


def needed(interaction: Interaction) -> set[str]:
    """The names of the values of its state that an interaction's request is made with."""
    generators = interaction.document.get("request", {}).get("generators", {})
    made = [generators["path"]] if "path" in generators else []
    made += [each for part in ("header", "query", "body") for each in generators.get(part, {}).values()]
    return {name for each in made for name in EXPRESSION.findall(each.get("expression", ""))}


def filled(interaction: Interaction, values: Mapping[str, JsonValue]) -> Interaction:
    """The interaction with the values of its state, of which there are all `needed`, in its request."""
    request = json.loads(json.dumps(interaction.document["request"]))
    generators = request.get("generators", {})
    if "path" in generators:
        request["path"] = _value(generators["path"], values)
    for name, generator in generators.get("header", {}).items():
        request["headers"][name] = [_value(generator, values)]
    for name, generator in generators.get("query", {}).items():
        request["query"][name] = [_value(generator, values)]
    for path, generator in generators.get("body", {}).items():
        _put(request["body"]["content"], path, _value(generator, values))
    return replace(interaction, document={**interaction.document, "request": request})


def _value(generator: Mapping[str, Any], values: Mapping[str, JsonValue]) -> Any:
    expression = generator["expression"]
    whole = EXPRESSION.fullmatch(expression)
    return values[whole.group(1)] if whole else EXPRESSION.sub(lambda found: str(values[found.group(1)]), expression)


def _put(content: Any, path: str, value: Any) -> None:
    """Put a value at a place of JSON.   path: `$.a.b` or `$.a[0].b`."""
    steps = [int(each) if each.isdigit() else each for each in re.findall(r"[^.\[\]]+", path.removeprefix("$"))]
    for step in steps[:-1]:
        content = content[step]
    content[steps[-1]] = value


def perform(url: str, interaction: Interaction, headers: Mapping[str, str]) -> list[tuple[str, JsonValue]]:
    """The events that a provider answers with: names, and data as JSON or as text.

    headers: instead of the pact's own of those names.   Raises: ExchangeError, OSError, http.client.HTTPException.
    """
    request, at = interaction.document["request"], urlsplit(url)
    path = f"{at.path.rstrip('/')}{request['path']}"
    query = urlencode(request.get("query", {}), doseq=True)
    body = json.dumps(request["body"]["content"]) if "body" in request else None
    own = {name: ", ".join(values) for name, values in request.get("headers", {}).items()}
    replaced = {name.lower() for name in headers}
    sent = {**{name: value for name, value in own.items() if name.lower() not in replaced}, **headers}
    kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
    with closing(kind(at.hostname or "", at.port, timeout=TIMEOUT_S)) as connection:
        connection.request(request["method"], f"{path}?{query}" if query else path, body, sent)
        response = connection.getresponse()
        answer = response.read()
    found = response.headers.get("Content-Type", "no content type")
    if not found.startswith("text/event-stream"):
        raise ExchangeError(f"status {response.status}, {found}: {answer[:200]!r}")
    return list(events(answer.decode()))


def events(text: str) -> Iterator[tuple[str, JsonValue]]:
    """The events of a whole stream.   Source: WHATWG HTML, event stream interpretation; ids and times are passed over.

    An event that the stream's end has cut is none.
    """
    name, data = "message", list[str]()
    for line in LINE_END.split(text)[:-1]:  # what stands after the last line end is no line yet
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield name, _payload("\n".join(data))
            name, data = "message", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)


def _payload(data: str) -> JsonValue:
    try:
        found: JsonValue = json.loads(data)
    except ValueError:
        return data
    return found
