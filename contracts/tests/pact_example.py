"""A small pact, and a provider that keeps it: what the tests of the verification change one thing of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from contracts.loopback import Loopback

Json = dict[str, Any]

STREAM = 'event: part\ndata: {"text":"Net"}\n\nevent: end\ndata: [DONE]\n\n'
RULE: Json = {"sequence": 1, "events": {"part": {"times": [1, None]}, "end": {"times": [1, 1]}}, "last": "end"}


def http(description: str, path: str, body: Any, *, state: str = "open", **more: Any) -> Json:
    """An interaction that answers with JSON."""
    return {
        "type": "Synchronous/HTTP",
        "description": description,
        "pending": False,
        "providerStates": [{"name": state}],
        "request": {"method": "GET", "path": path, "headers": {"Authorization": ["Bearer x"]}},
        "response": {
            "status": 200,
            "headers": {"Content-Type": ["application/json"]},
            "body": {"content": body, "contentType": "application/json", "encoded": False},
        },
        **more,
    }


def stream(description: str, path: str) -> Json:
    """An interaction that answers with an event stream, whatever its text."""
    rule = {"combine": "AND", "matchers": [{"match": "regex", "regex": r"[\s\S]*"}]}
    made = http(description, path, None)
    made["response"] = {
        "status": 200,
        "headers": {"Content-Type": ["text/event-stream"]},
        "body": {"content": STREAM, "contentType": "text/event-stream", "encoded": False},
        "matchingRules": {"body": {"$": rule}},
    }
    return made


def message(description: str, content: Any, *, kind: str = "application/json") -> Json:
    """A message."""
    return {
        "type": "Asynchronous/Messages",
        "description": description,
        "pending": False,
        "providerStates": [{"name": "open"}],
        "contents": {"content": content, "contentType": kind, "encoded": False},
    }


def pact(*interactions: Json, sequences: Mapping[str, Json] | None = None, provider: str = "shop") -> Json:
    """A pact's document."""
    return {
        "consumer": {"name": "page"},
        "provider": {"name": provider},
        "interactions": list(interactions),
        "metadata": {
            "pactSpecification": {"version": "4.0"},
            "cortex-harness": {"sequences": dict(sequences or {})},
        },
    }


def write(document: Json, folder: Path) -> Path:
    """The file of a pact."""
    file = folder / "page-shop.json"
    file.write_text(json.dumps(document), "utf-8")
    return file


class Shop(Loopback["_Server"]):
    """A provider: `answers` by path, JSON or the text of a stream; `seen` holds paths and credentials."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"/price": {"price": 7, "unit": "EUR"}, "/talk": STREAM}
        self.seen: list[tuple[str, str | None]] = []
        super().__init__(_Server(("127.0.0.1", 0), _Handler))
        self._server.shop = self


class _Server(ThreadingHTTPServer):
    shop: Shop


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Answer what stands at the path."""
        shop = self.server.shop
        shop.seen.append((self.path, self.headers.get("Authorization")))
        found = shop.answers.get(self.path)
        is_stream = isinstance(found, str)
        data = str(found).encode() if is_stream else json.dumps(found).encode()
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Type", "text/event-stream" if is_stream else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Says nothing."""
