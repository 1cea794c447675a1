"""Where Pact's verifier calls back into a suite: for a state before each interaction, and for each message.

pact-python has such servers, too. They answer a state with nothing, so that an interaction cannot use what its state
has made (the id of a thread, a token); they look for a free port and bind it later; and they leave sockets open.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import JsonValue

from contracts.loopback import Loopback

STATE_PATH = "/state"
MESSAGE_PATH = "/message"
SetState = Callable[[str, Mapping[str, JsonValue]], Mapping[str, JsonValue]]
MakeMessage = Callable[[str], "Message"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it would be sent."""

    content: bytes
    content_type: str


class Callbacks(Loopback["_Server"]):
    """Serves both on a free port of this machine, while it is entered.

    set_state: brings the provider into a state of such parameters, and returns the values that it has made.
    make_message: the message of a description.   Neither may raise.
    """

    def __init__(self, set_state: SetState, make_message: MakeMessage) -> None:
        answers = {STATE_PATH: _state_answer(set_state), MESSAGE_PATH: _message_answer(make_message)}
        super().__init__(_Server(("127.0.0.1", 0), _Handler))
        self._server.answers = answers

    @property
    def state_url(self) -> str:
        """Where states are asked for."""
        return f"http://127.0.0.1:{self.port}{STATE_PATH}"


Reply = tuple[bytes, dict[str, str]]


class _Server(ThreadingHTTPServer):
    answers: Mapping[str, Callable[[dict[str, Any]], Reply]]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        """Answer one call."""
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body, headers = self.server.answers[self.path](document)
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing: the verification tells what went wrong."""


def _state_answer(set_state: SetState) -> Callable[[dict[str, Any]], Reply]:
    def answer(document: dict[str, Any]) -> Reply:
        values = set_state(document["state"], document["params"] or {})
        return json.dumps(values).encode(), {"Content-Type": "application/json"}

    return answer


def _message_answer(make_message: MakeMessage) -> Callable[[dict[str, Any]], Reply]:
    def answer(document: dict[str, Any]) -> Reply:
        message = make_message(document["description"])
        metadata = base64.b64encode(json.dumps({"contentType": message.content_type}).encode()).decode()
        return message.content, {"Content-Type": message.content_type, "Pact-Message-Metadata": metadata}

    return answer
