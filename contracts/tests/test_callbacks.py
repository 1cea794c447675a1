"""Where Pact calls back: a state is set and its values returned, a message is made."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from urllib.request import Request, urlopen

import pytest
from pydantic import JsonValue

from contracts.callbacks import MESSAGE_PATH, Callbacks, Message


def set_state(name: str, params: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Tells what it was given."""
    return {"state": name, "params": dict(params)}


def make_message(description: str) -> Message:
    """Tells what it was given."""
    return Message(f"made for {description}".encode(), "text/plain")


@pytest.fixture
def callbacks() -> Iterator[Callbacks]:
    """Both callbacks, served."""
    with Callbacks(set_state, make_message) as served:
        yield served


def post(url: str, document: object) -> tuple[bytes, Mapping[str, str]]:
    """Body and headers of an answer."""
    request = Request(url, json.dumps(document).encode())  # noqa: S310 - loopback
    with urlopen(request, timeout=20) as response:  # noqa: S310 - loopback
        return response.read(), response.headers


@pytest.mark.parametrize("params", [{"session": "fresh"}, None], ids=["parameters", "none"])
def test_a_state_answers_with_its_values(params: dict[str, str] | None, callbacks: Callbacks) -> None:
    """What the state has made goes back as JSON, for Pact's generators."""
    body, headers = post(callbacks.state_url, {"state": "open", "action": "setup", "params": params})
    assert json.loads(body) == {"state": "open", "params": params or {}}
    assert headers["Content-Type"] == "application/json"


def test_a_message_says_of_what_type_it_is(callbacks: Callbacks) -> None:
    """Pact compares a message's type by its metadata."""
    body, headers = post(f"http://127.0.0.1:{callbacks.port}{MESSAGE_PATH}", {"description": "news"})
    assert (body, headers["Content-Type"]) == (b"made for news", "text/plain")
    assert json.loads(base64.b64decode(headers["Pact-Message-Metadata"])) == {"contentType": "text/plain"}


def test_nobody_listens_afterwards() -> None:
    """The port is given back when the verification is over."""
    with Callbacks(set_state, make_message) as served:
        url = served.state_url
    with pytest.raises(OSError, match="refused"):
        post(url, {})
