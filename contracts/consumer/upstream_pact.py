"""The proxy's pact: exchanges and events in Pact's words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pact import Pact, match
from pydantic import JsonValue

from contracts.consumer.promise import Promise, matchers
from contracts.consumer.upstream import CONSUMER, EXCHANGES, PROVIDER, TOLD, Among, Exchange, Told, headers

FILE_NAME = f"{CONSUMER}-{PROVIDER}.json"
QUERY_EXAMPLES = {"requestId": "0d2f4c1b-8a7e-4f0f-9a3b-5c6d7e8f9a0b"}


def write(folder: Path) -> Path:
    """The file of the whole pact, as Pact writes it."""
    for pact in (pact_of(*EXCHANGES), pact_of_messages(*TOLD)):
        pact.write_file(folder)
    return folder / FILE_NAME


def pact_of(*exchanges: Exchange) -> Pact:
    """A pact of exchanges alone: the mock server of pact_ffi 0.5 falls over when there is a message as well."""
    pact = Pact(CONSUMER, PROVIDER).with_specification("V4")
    for each in exchanges:
        _declare(pact, each)
    return pact


def pact_of_messages(*messages: Told) -> Pact:
    """A pact of messages alone."""
    pact = Pact(CONSUMER, PROVIDER).with_specification("V4")
    for each in messages:
        _tell(pact, each)
    return pact


def _tell(pact: Pact, told: Told) -> None:
    message = pact.upon_receiving(told.name, "Async").given(told.state)
    if isinstance(told.payload, str):
        message.with_body(told.payload, content_type="text/plain")
    else:
        message.with_body(matched(told.payload), content_type="application/json")


def _declare(pact: Pact, exchange: Exchange) -> None:
    interaction = pact.upon_receiving(exchange.name).given(exchange.state, dict(exchange.params))
    path = match.regex(exchange.path, regex=exchange.path_form) if exchange.path_form else exchange.path
    interaction.with_request(exchange.method, path)
    for name, promise in headers(exchange).items():
        interaction.with_header(name, matched(promise))
    for name, form in exchange.query.items():
        interaction.with_query_parameter(name, match.regex(QUERY_EXAMPLES.get(name, form), regex=form))
    if exchange.body is not None:
        interaction.with_body(matched(exchange.body), content_type="application/json")
    interaction.with_generators(_generators(exchange), "Request")
    answer = exchange.answer
    interaction.will_respond_with(answer.status)
    for name, promise in answer.headers.items():
        interaction.with_header(name, matched(promise))
    if answer.body is not None:
        interaction.with_body(matched(answer.body), content_type="application/json")
    elif answer.text is not None:
        interaction.with_body(answer.text, content_type=answer.content_type)
        rule = {"combine": "AND", "matchers": [{"match": "regex", "regex": answer.form}]}
        interaction.with_matching_rules({"body": {"$": rule}}, "Response")


def _generators(exchange: Exchange) -> dict[str, Any]:
    """What of a request comes from the provider's state: its credential, ids, and a request id that is used once."""
    made = exchange.made
    found: dict[str, Any] = {"header": {"Authorization": _from_state("${authorization}")}}
    if "requestId" in exchange.query:
        found["query"] = {"requestId": _from_state("${request_id}")}
    if "path" in made:
        found["path"] = _from_state(made["path"])
    if body := {path: _from_state(made[path], "INTEGER") for path in made if path != "path"}:
        found["body"] = body
    return found


def _from_state(expression: str, kind: str = "STRING") -> dict[str, str]:
    return {"type": "ProviderState", "expression": expression, "dataType": kind}


def sequences() -> dict[str, Mapping[str, JsonValue]]:
    """The sequence rules, by the name of their stream."""
    return {each.name: each.sequence for each in EXCHANGES if each.sequence is not None}


def matched(promise: Promise) -> Any:
    """Pact's form of a promise. Beyond the usual notation a tuple is an array of just these elements."""
    if isinstance(promise, dict):
        return {name: matched(value) for name, value in promise.items()}
    if isinstance(promise, tuple):
        return [matched(value) for value in promise]
    if isinstance(promise, list):
        return match.each_like(matched(promise[0]), min=1)
    if isinstance(promise, Among):
        return match.array_containing([matched(each) for each in promise.elements])
    return matchers(promise)
