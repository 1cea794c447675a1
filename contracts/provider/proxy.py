"""The proxy as a provider: brought into each state of the page's pact, on a stand-in for Snowflake."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from pydantic import JsonValue

from contracts.api import PREFIX
from contracts.exchange import events
from contracts.pactfile import Interaction, PactFile
from contracts.verification import Provider
from e2e.client_api import TIMEOUT_S, Client
from e2e.stack import ACCOUNT, USER, Stack
from proxy.settings import Settings
from proxy.tokens import TokenService

NAME = "cortex-proxy"
AS_RECORDED = "as_recorded"
SESSION_LIMIT_S = 300
"""The shortest that settings allow."""

CHATS_A_MINUTE = 12
AT_ONCE = 2
PRECONDITIONS: Mapping[str, JsonValue] = {"idle_timeout_s": 1, "largest_report_bytes": 1024}
"""Settings that interactions may name as parameters of their state; the running proxy has them."""

_MANY = {f"{row}__{cell}": 100_000 for row in ("TOKEN", "TOOL_ANALYST", "TOOL_CHART") for cell in ("RATE", "BURST")}
ENVIRONMENT: Mapping[str, str] = {
    f"CORTEX_PROXY_POLICIES__{name}": str(value)
    for name, value in {
        **_MANY,
        "CHAT__RATE": CHATS_A_MINUTE,
        "CHAT__BURST": 100_000,
        "CHAT__AT_ONCE": AT_ONCE,
        "TOOL_ANALYST__AT_ONCE": AT_ONCE,
        "CHAT__IDLE_TIMEOUT_S": PRECONDITIONS["idle_timeout_s"],
        "REPORT__BODY_BYTES": PRECONDITIONS["largest_report_bytes"],
    }.items()
}
"""Of the proxy under verification: limits that can be reached in a moment, and none that the verification reaches."""

NET_SALES = "Net sales by region"
IN_THREAD = "How did net sales develop from 2023 to 2024?"
CLIENT_TOOL = "When do the daily figures close in my time zone?"
STATEMENT = (
    "SELECT region, SUM(net_amount) AS net_sales FROM CORTEX_BENCH_DB.SALES.ORDERS "
    "WHERE order_year = 2025 AND region IS NOT NULL GROUP BY region"
)
OLDER, OLDER_MODEL = "older_chat", "claude-3-5-sonnet"
"""A chat with an agent of the form before agents were stored, and the model by which such a recording is found."""

SLOWLY = "mock.pace=20"
"""Stretches every pause of a recording, so that a stream lasts longer than what is asked beside it."""

Values = dict[str, JsonValue]


class StateError(Exception):
    """A state that the proxy cannot be brought into."""


@dataclass
class ProxyUnderTest:
    """A running proxy, its stand-in, and the clients that states need.

    url: where the proxy is asked; in front of it something else may stand.
    older_url: of one more proxy, which asks an agent of the older form; with the same keys.
    """

    stack: Stack
    url: str
    older_url: str = ""
    _held: list[requests.Response] = field(default_factory=list)
    _played: dict[tuple[JsonValue, ...], list[tuple[str, JsonValue]]] = field(default_factory=dict)

    def provider(self, pact: PactFile) -> Provider:
        """The proxy as the provider of a pact: every state that is a scenario, a handler for every message."""
        known = {AS_RECORDED, *self.scenarios()}
        states = {name: self._state(name) for name in sorted(pact.states() & known)}
        messages = {each.description: self._message for each in pact.interactions if each.kind == "message"}
        return Provider(NAME, self.url, states, messages)

    def scenarios(self) -> list[str]:
        """The names of the stand-in's scenarios."""
        answer = requests.get(f"{self.stack.mock_url}/__mock/scenarios", timeout=TIMEOUT_S)
        return [each["scenario"] for each in answer.json()]

    def activate(self, scenario: str) -> None:
        """From now on everybody is answered by this scenario."""
        body = {"scenario": None if scenario == AS_RECORDED else scenario}
        url = f"{self.stack.mock_url}/__mock/scenarios/active"
        requests.put(url, json=body, timeout=TIMEOUT_S).raise_for_status()

    def _state(self, scenario: str) -> Callable[[Mapping[str, JsonValue]], Values]:
        def enter(params: Mapping[str, JsonValue]) -> Values:
            self.release()
            self.activate(AS_RECORDED)
            values = self._session(params)
            self.activate(scenario)
            return values

        return enter

    def _session(self, params: Mapping[str, JsonValue]) -> Values:
        for name, value in params.items():
            if name in PRECONDITIONS and value != PRECONDITIONS[name]:
                raise StateError(f"{name} is {PRECONDITIONS[name]!r} here, not {value!r}")
            if name not in (*PRECONDITIONS, "session", "endpoint", "asks", "having"):
                raise StateError(f"parameter {name!r} is not known")
        name = str(params.get("session", "none"))
        if name not in SESSIONS:
            raise StateError(f"session {name!r} is not known; known are {', '.join(SESSIONS)}")
        return SESSIONS[name](self)

    def _message(self, interaction: Interaction) -> JsonValue:
        """The event of the real stream that the interaction's state names, as a client makes it of its frame."""
        state, name = interaction.states[0], interaction.document["contents"]["content"]["event"]
        told = self.play(state.name, str(state.params["endpoint"]), str(state.params["asks"]))
        having = state.params["having"]
        assert isinstance(having, dict), "values by JSON pointer"
        for event, data in told:
            if event == name and all(_at(data, pointer) == value for pointer, value in having.items()):
                return {"event": event, "data": data}
        came = ", ".join(dict.fromkeys(event for event, _ in told))
        raise StateError(f"the stream has no event {name} having {having}; it has {came}")

    def play(self, state: str, endpoint: str, question: str) -> list[tuple[str, JsonValue]]:
        """The events of the proxy's stream for a question; asked once. The state must have been entered."""
        key = (state, endpoint, question)
        if key not in self._played:
            fresh = Client.opened(self.stack)
            url = self.older_url if endpoint == OLDER else self.url
            if not url:
                raise StateError("no proxy is running here that asks an agent of the older form")
            client = Client(url, fresh.session_id, fresh.token)
            path, body = _ASKING[endpoint](client, question)
            self._played[key] = list(events(_post(client, path, body).content.decode()))
        return self._played[key]

    def hold(self, client: Client, endpoint: str) -> None:
        """A stream that goes on until the next state."""
        headers = {"Authorization": f"Bearer {client.token}", "baggage": SLOWLY}
        path, body = _ASKING[endpoint](client, NET_SALES)
        url = f"{self.stack.proxy_url}{PREFIX}{path}"
        answer = requests.post(url, json=body, headers=headers, stream=True, timeout=TIMEOUT_S)
        answer.raise_for_status()
        self._held.append(answer)

    def release(self) -> None:
        """End the streams that are held."""
        while self._held:
            self._held.pop().close()

    def token_service(self, at_s: float) -> TokenService:
        """What issues tokens as the proxy did at a time; seconds since the epoch."""
        key = self.stack.log_dir / "session.key"
        settings = Settings(
            environment="development",
            snowflake_url=self.stack.mock_url,
            account=ACCOUNT,
            user=USER,
            private_key_file=self.stack.log_dir / "rsa_key.p8",
            session_key_file=key,
            session_limit_s=SESSION_LIMIT_S,
        )
        return TokenService(settings, clock=lambda: at_s)


def _at(data: JsonValue, pointer: str) -> JsonValue:
    """The value at a JSON pointer, None where there is none."""
    for step in pointer.split("/")[1:]:
        if isinstance(data, list):
            data = data[int(step)] if int(step) < len(data) else None
        else:
            data = data.get(step) if isinstance(data, dict) else None
    return data


def _post(client: Client, path: str, body: Mapping[str, Any]) -> requests.Response:
    headers = {"Authorization": f"Bearer {client.token}"}
    return requests.post(f"{client.proxy_url}{PREFIX}{path}", json=body, headers=headers, timeout=TIMEOUT_S)


_ASKING: Mapping[str, Callable[[Client, str], tuple[str, dict[str, Any]]]] = {
    "chat": lambda client, question: (
        "/chat",
        {"sessionId": client.session_id, "message": question, "parentMessageId": 0},
    ),
    "analyst": lambda _, question: (
        "/tools/analyst",
        {"messages": [{"role": "user", "text": question}], "stream": True},
    ),
    OLDER: lambda client, question: ("/chat", {"sessionId": client.session_id, "message": question}),
}
"""How each kind of stream is asked for."""

# --- sessions: what a client has done before -------------------------------------------------------------------------


def _of(client: Client, **more: JsonValue) -> Values:
    return {"token": client.token, "sessionId": client.session_id, **more}


def _fresh(proxy: ProxyUnderTest) -> Values:
    return _of(Client.opened(proxy.stack))


def _with_a_turn(proxy: ProxyUnderTest, question: str = NET_SALES) -> Values:
    client = Client.opened(proxy.stack)
    answer = client.chat({"message": question, "parentMessageId": 0})
    told = dict(events(answer.content.decode()))
    final = told["response"]
    assert isinstance(final, dict), f"{question!r} was not answered: {answer.text[-400:]}"
    ids = final["metadata"]
    assert isinstance(ids, dict), "a turn in a thread"
    return _of(client, threadId=ids["thread_id"], messageId=ids["assistant_message_id"])


def _with_a_result(proxy: ProxyUnderTest) -> Values:
    client = Client.opened(proxy.stack)
    answer = _post(client, "/tools/sql", {"statement": STATEMENT})
    answer.raise_for_status()
    return _of(client, statementHandle=answer.json()["statementHandle"])


def _ended(proxy: ProxyUnderTest) -> Values:
    client = Client.opened(proxy.stack)
    headers = {"Authorization": f"Bearer {client.token}"}
    url = f"{proxy.stack.proxy_url}{PREFIX}/session/token"
    requests.delete(url, headers=headers, timeout=TIMEOUT_S).raise_for_status()
    return _of(client)


def _expired(proxy: ProxyUnderTest) -> Values:
    made = proxy.token_service(time.time() - 3600).open_session()
    return {"token": made.token, "sessionId": made.session_id}


def _at_its_limit(proxy: ProxyUnderTest) -> Values:
    """A token that is still accepted, by the leeway of clocks, in a session that is over."""
    made = proxy.token_service(time.time() - SESSION_LIMIT_S - 1).open_session()
    return {"token": made.token, "sessionId": made.session_id}


def _used_up(proxy: ProxyUnderTest) -> Values:
    client = Client.opened(proxy.stack)
    for _ in range(CHATS_A_MINUTE):
        client.chat({"message": NET_SALES}).raise_for_status()
    return _of(client)


def _all_at_once(proxy: ProxyUnderTest) -> Values:
    client = Client.opened(proxy.stack)
    for endpoint in ("chat", "analyst"):
        for _ in range(AT_ONCE):
            proxy.hold(client, endpoint)
    return _of(client)


SESSIONS: Mapping[str, Callable[[ProxyUnderTest], Values]] = {
    "none": lambda _: {},
    "fresh": _fresh,
    "with_a_turn": _with_a_turn,
    "in_a_thread": lambda proxy: _with_a_turn(proxy, IN_THREAD),
    "asked_back": lambda proxy: _with_a_turn(proxy, CLIENT_TOOL),
    "with_a_result": _with_a_result,
    "ended": _ended,
    "expired": _expired,
    "at_its_limit": _at_its_limit,
    "used_up": _used_up,
    "all_at_once": _all_at_once,
}
"""Every session that a client can be in, by the name that interactions use."""
