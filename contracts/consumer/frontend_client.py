"""The page's side in Python: asks what a story says, and reads the answer as the page does.

Independent of the story's request: both this client and the TypeScript one must come to it by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from pydantic import JsonValue

from contracts.api import PREFIX, PROBLEM_JSON
from contracts.cortex import EVENT_STREAM
from contracts.exchange import events

TIMEOUT_S = 10

Reading = dict[str, JsonValue]
"""`value`, `events` or `problem`, whichever came; with a problem `retryAfterS` of its header."""


@dataclass(frozen=True, slots=True)
class FrontendClient:
    """A client with a session; token: None for none."""

    base_url: str
    token: str | None

    def ask(self, operation: str, arguments: Mapping[str, Any]) -> Reading:
        """What an operation's answer says."""
        method, path, body = _OPERATIONS[operation](dict(arguments))
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        url = f"{self.base_url}{path}"
        return read(requests.request(method, url, json=body, headers=headers, timeout=TIMEOUT_S))


def read(answer: requests.Response) -> Reading:
    """What an answer says, by its status and its content type."""
    kind = answer.headers.get("Content-Type", "")
    if not answer.ok:
        assert kind.startswith(PROBLEM_JSON), f"status {answer.status_code} with {kind or 'no content type'}"
        after = answer.headers.get("Retry-After")
        return {"problem": answer.json(), "retryAfterS": None if after is None else int(after)}
    if kind.startswith(EVENT_STREAM):
        return {"events": [{"event": name, "data": data} for name, data in events(answer.content.decode())]}
    return {"value": answer.json() if answer.content else None}


Request = tuple[str, str, Any]


def _post(path: str) -> Callable[[dict[str, Any]], Request]:
    return lambda body: ("POST", f"{PREFIX}{path}", body)


def _get(path: str) -> Callable[[dict[str, Any]], Request]:
    return lambda _: ("GET", path, None)


def _history(method: str) -> Callable[[dict[str, Any]], Request]:
    def request(asked: dict[str, Any]) -> Request:
        limit = f"?limit={asked['limit']}" if "limit" in asked else ""
        return method, f"{PREFIX}/history/{asked['sessionId']}{limit}", None

    return request


_OPERATIONS: Mapping[str, Callable[[dict[str, Any]], Request]] = {
    "issueToken": _post("/session/token"),
    "renewToken": _post("/session/token"),
    "endSession": lambda _: ("DELETE", f"{PREFIX}/session/token", None),
    "chat": _post("/chat"),
    "search": _post("/tools/search"),
    "analyst": _post("/tools/analyst"),
    "analystStream": _post("/tools/analyst"),
    "sql": _post("/tools/sql"),
    "chart": _post("/tools/chart"),
    "unknownTool": _post("/tools/weather"),
    "history": _history("GET"),
    "forgetHistory": _history("DELETE"),
    "reportMetrics": _post("/metrics/report"),
    "leavePage": _post("/metrics/report"),
    "livez": _get("/livez"),
    "readyz": _get("/readyz"),
    "status": _get(f"{PREFIX}/status"),
}
