"""The document: current, valid, in step with the routes and the models, and every example of it true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from openapi_spec_validator import validate

import contracts
import harness
from contracts.api import PROBLEM_JSON, Problem, ProblemType, ToolName
from contracts.cortex import EVENT_STREAM, Event
from proxy import VERSION
from proxy.openapi import examples
from proxy.openapi.document import as_json, as_yaml, document
from proxy.openapi.operations import ANYWHERE, ELSEWHERE, IN_STREAM, OPERATIONS, Operation
from proxy.problems import CATALOGUE
from proxy.sse import SseDecoder
from proxy.tests.conftest import MakeApp
from proxy.tests.described import conforms, event_conforms
from proxy.tools import TOOLS

EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
COMMITTED = Path(contracts.__file__).with_name("openapi.yaml")
UNDESCRIBED = {"OPTIONS", "HEAD"}


def described(operation: Operation) -> dict[str, Any]:
    """The operation as the document has it."""
    found: dict[str, Any] = document()["paths"][operation.path][operation.method]
    return found


def contents(operation: Operation) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Where, media type and content of every body that the operation takes or gives."""
    wanted = described(operation)
    for media_type, content in wanted.get("requestBody", {"content": {}})["content"].items():
        yield "request", media_type, content
    for status, given in wanted["responses"].items():
        name = given.get("$ref", "").rpartition("/")[2]
        response = document()["components"]["responses"][name] if name else given
        for media_type, content in response.get("content", {}).items():
            yield status, media_type, content


# --- the document --------------------------------------------------------------------------------------------------


def test_the_committed_document_is_current() -> None:
    """Whoever changes a model or an operation commits what that changes for clients."""
    assert COMMITTED.read_text(encoding="utf-8") == as_yaml(), "run 'python3 harness.py contracts openapi'"


def test_the_document_is_valid() -> None:
    """It is OpenAPI 3.1 by the letter."""
    validate(json.loads(as_json()))


def test_both_forms_say_the_same() -> None:
    """What is committed is what is served."""
    assert yaml.safe_load(as_yaml()) == json.loads(as_json())


def test_keys_are_sorted() -> None:
    """Two versions differ in what changed and in nothing else."""
    served = as_json()
    assert served == json.dumps(json.loads(served), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def test_the_version_is_the_proxys() -> None:
    """Document and process tell the same version."""
    assert document()["info"]["version"] == VERSION


def test_names_of_components_are_clean() -> None:
    """Generators make types of them: no module, no mode, no number."""
    names = document()["components"]["schemas"]
    assert [name for name in names if not re.fullmatch(r"([A-Z][a-z]+)+", name)] == []


def test_nothing_refers_to_nowhere() -> None:
    """Every reference has its component, and every component but the problems of elsewhere is referred to."""
    components = document()["components"]
    referred = set(re.findall(r'"#/components/([^"]+)"', as_json()))
    unnamed = {"securitySchemes/session", "securitySchemes/clientKey"}
    present = {f"{kind}/{name}" for kind, group in components.items() for name in group}
    assert referred <= present
    in_streams_only = {f"examples/{kind.value}" for kind in ELSEWHERE | IN_STREAM}
    assert present - referred - unnamed <= in_streams_only


# --- routes --------------------------------------------------------------------------------------------------------


def test_routes_and_document_are_the_same(make_app: MakeApp) -> None:
    """Nothing is served that is not described, and nothing described that is not served."""
    served = set()
    for rule in make_app().url_map.iter_rules():
        paths = [re.sub(r"<session_id>", "{sessionId}", rule.rule)]
        if rule.endpoint == "tools.use_tool":
            paths = [rule.rule.replace("<tool_name>", name) for name in TOOLS]
        served |= {(path, method.lower()) for path in paths for method in (rule.methods or set()) - UNDESCRIBED}
    assert served == {(path, method) for path, item in document()["paths"].items() for method in item}


def test_every_tool_takes_what_it_says() -> None:
    """The registry and the table name the same models and limits."""
    told = {each.id: (each.request, each.policy) for each in OPERATIONS if each.tag == "tools"}
    assert told == {str(name): (tool.request, tool.policy) for name, tool in TOOLS.items()}
    assert set(told) == set(ToolName)


def test_operations_have_names_of_their_own() -> None:
    """Generators make functions of them."""
    ids = [each["operationId"] for item in document()["paths"].values() for each in item.values()]
    assert len(ids) == len(set(ids))


# --- problems ------------------------------------------------------------------------------------------------------


def test_every_problem_has_its_place() -> None:
    """A type that no operation, no stream and no wrong address answers with would be forgotten, or dead."""
    told = {kind for operation in OPERATIONS for kind in operation.all_problems()}
    assert told | IN_STREAM | ELSEWHERE == set(ProblemType)


@EVERY
def test_every_problem_is_under_its_status(operation: Operation) -> None:
    """The statuses follow from the catalogue, and each names its types by examples."""
    found: dict[int, set[str]] = {}
    for status, media_type, content in contents(operation):
        if media_type == PROBLEM_JSON:
            found[int(status)] = set(content["examples"])
    expected: dict[int, set[str]] = {}
    for kind in operation.all_problems():
        expected.setdefault(CATALOGUE[kind].status, set()).add(kind.value)
    assert found == expected
    assert set(operation.all_problems()) >= ANYWHERE


@pytest.mark.parametrize("kind", list(ProblemType))
def test_the_example_of_a_problem_is_one(kind: ProblemType) -> None:
    """It fits the schema, and its fixed parts are the catalogue's."""
    example = examples.PROBLEMS[kind]
    conforms(example, {"$ref": "#/components/schemas/Problem"})
    assert (example["status"], example["title"]) == (CATALOGUE[kind].status, CATALOGUE[kind].title)
    assert Problem.model_validate(example).model_dump(exclude_none=True) == example


# --- examples ------------------------------------------------------------------------------------------------------


@EVERY
def test_every_body_has_an_example_that_fits(operation: Operation) -> None:
    """Requests, answers and problems; streams frame by frame."""
    for where, media_type, content in contents(operation):
        if operation.tag == "document" and where == "200":
            continue  # the document and its page are examples enough
        assert content["examples"], (where, media_type)
        for name, example in content["examples"].items():
            if media_type == EVENT_STREAM:
                _check_transcript(example["value"], content["schema"]["$ref"].rpartition("/")[2])
            elif "$ref" not in example:
                conforms(example["value"], content["schema"])
                if where == "request":
                    assert operation.request is not None
                    operation.request.model_validate_json(json.dumps(example["value"]))
            assert "$ref" in example or example["summary"], name


def _check_transcript(transcript: str, union: str) -> None:
    events = SseDecoder().feed(transcript.encode())
    for event in events:
        event_conforms(event, union)
    assert (events[0].name, events[-1].name) == ("proxy.start", "proxy.end")
    carried = [event for event in events if not event.name.startswith("proxy.") and b"/problems/" not in event.data]
    end = json.loads(events[-1].data)
    assert end["events"] == len(carried)
    assert end["upstreamBytes"] == sum(len(f"event: {each.name}\ndata: \n\n") + len(each.data) for each in carried)


def test_the_check_of_examples_can_fail() -> None:
    """An answer without one of its fields is none."""
    with pytest.raises(Exception, match="'dropped' is a required property"):
        conforms({"accepted": 1}, {"$ref": "#/components/schemas/MetricsReceipt"})


# --- schemas -------------------------------------------------------------------------------------------------------


def test_the_stream_names_every_event_of_the_agent() -> None:
    """What `contracts.cortex` knows is in the union, beside the proxy's own."""
    mapping = document()["components"]["schemas"]["ChatEvent"]["discriminator"]["mapping"]
    assert set(mapping) == {*Event, "proxy.start", "proxy.end"}


def test_answers_have_all_their_fields() -> None:
    """They are sent whole, null for what is not there; problems and the frames of streams are not."""
    schemas = document()["components"]["schemas"]
    assert set(schemas["SqlAnswer"]["required"]) == set(schemas["SqlAnswer"]["properties"])
    assert schemas["Problem"]["required"] == ["type", "title", "status", "detail", "retryable"]
    assert schemas["Problem"]["properties"]["traceId"] == {"type": "string"}


def test_requests_say_what_may_be_left_out() -> None:
    """Unknown fields are refused, and defaults told."""
    request = document()["components"]["schemas"]["SqlRequest"]
    assert request["additionalProperties"] is False
    assert request["required"] == ["statement"]
    assert request["properties"]["maxRows"] == {"default": 1000, "maximum": 10_000, "minimum": 1, "type": "integer"}


# --- served --------------------------------------------------------------------------------------------------------

BOTH = pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/api/v1/openapi.json", "/api/v1/docs"])


@BOTH
def test_it_is_sent_once(make_app: MakeApp, path: str) -> None:
    """Whoever has it gets 304 until there is another."""
    client = make_app().test_client()
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    assert first.headers["Cache-Control"] == "no-cache"


def test_the_document_is_served(make_app: MakeApp) -> None:
    """As it was made, in its own words."""
    response = make_app().test_client().get("/openapi.json")
    assert response.content_type == "application/json"
    assert response.text == as_json()


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("found", "code"), [("current", 0), ("stale", 4), (None, 4)])
def test_the_command_finds_drift(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: str | None, code: int) -> None:
    """`--check` says so by its exit code, and leaves the file as it is."""
    file = tmp_path / "contracts" / "openapi.yaml"
    file.parent.mkdir()
    if found is not None:
        file.write_text(as_yaml() if found == "current" else found, encoding="utf-8")
    before = file.read_bytes() if found else None
    monkeypatch.setattr(harness, "__file__", str(tmp_path / "harness.py"))
    assert CliRunner().invoke(harness.main, ["contracts", "openapi", "--check"]).exit_code == code
    assert (file.read_bytes() if file.exists() else None) == before
    assert CliRunner().invoke(harness.main, ["contracts", "openapi"]).exit_code == 0
    assert file.read_text(encoding="utf-8") == as_yaml()
