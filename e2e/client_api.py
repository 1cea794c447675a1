"""Asking as a client of the proxy and as a client of Snowflake; what the suites here share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from contracts.api import PREFIX
from contracts.cortex import Event
from e2e.stack import ACCOUNT, USER, Stack
from mocks.cassette import Interaction
from proxy.keypair import KeyPairSigner

TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Client:
    """A client with a session of its own."""

    proxy_url: str
    session_id: str
    token: str

    @classmethod
    def opened(cls, stack: Stack) -> Client:
        """A client that has just got its token."""
        return cls.opened_at(stack.proxy_url)

    @classmethod
    def opened_at(cls, proxy_url: str) -> Client:
        """A client of the proxy at this address that has just got its token."""
        answer = requests.post(f"{proxy_url}{PREFIX}/session/token", timeout=TIMEOUT_S)
        answer.raise_for_status()
        return cls(proxy_url, answer.json()["sessionId"], answer.json()["token"])

    def chat(self, body: Mapping[str, Any], *, baggage: str = "", **changes: Any) -> requests.Response:
        """One turn, its whole answer read; `changes` go to `requests.post` instead of what would be sent."""
        headers = {"Authorization": f"Bearer {self.token}", "baggage": baggage}
        sent = {"json": {"sessionId": self.session_id, **body}, "headers": headers, **changes}
        return requests.post(f"{self.proxy_url}{PREFIX}/chat", timeout=TIMEOUT_S, **sent)


def ask_mock(
    stack: Stack, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> requests.Response:
    """One run straight at the mock, signed as the proxy would."""
    signer = KeyPairSigner(ACCOUNT, USER, stack.log_dir / "rsa_key.p8")
    sent = {"Authorization": f"Bearer {signer.token()}", "X-Mock-Pace": "0", **(headers or {})}
    return requests.post(f"{stack.mock_url}{path}", json=body, headers=sent, timeout=TIMEOUT_S)


def thread_of(interaction: Interaction) -> int | None:
    """The thread that a recorded answer belongs to."""
    for frame in interaction.frames:
        if frame.data.startswith(f"event: {Event.RESPONSE}\n".encode()):
            final = json.loads(frame.data.split(b"data: ", 1)[1])
            thread: int | None = final["metadata"].get("thread_id")
            return thread
    return None


def snowflake_request(interaction: Interaction) -> dict[str, Any]:
    """A run request that this interaction answers."""
    match = interaction.request.match
    body: dict[str, Any] = {"messages": [{"role": "user", "content": [_content(interaction)]}]}
    if match.model is not None:
        body["model"] = match.model
    if match.parent_message_id is not None:
        body |= {"thread_id": thread_of(interaction), "parent_message_id": match.parent_message_id}
    return body


def client_request(interaction: Interaction) -> dict[str, Any]:
    """The chat request by which the proxy asks what this interaction answers."""
    match, content = interaction.request.match, _content(interaction)
    if match.tool_use_id is None:
        body: dict[str, Any] = {"message": match.last_user_text}
    else:
        result = content["tool_result"]
        body = {"message": {"toolResult": {"toolUseId": result.pop("tool_use_id"), **result}}}
    if match.parent_message_id is not None:
        body |= {"threadId": thread_of(interaction), "parentMessageId": match.parent_message_id}
    return body


def _content(interaction: Interaction) -> dict[str, Any]:
    match = interaction.request.match
    if match.tool_use_id is None:
        return {"type": "text", "text": match.last_user_text}
    answer = [{"type": "json", "json": {"time_zone": "Europe/Berlin", "utc_offset_minutes": 60}}]
    result = {"tool_use_id": match.tool_use_id, "type": "generic", "name": "get_time_zone", "content": answer}
    return {"type": "tool_result", "tool_result": result | {"status": "success"}}
