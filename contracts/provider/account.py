"""Snowflake, as the suites of its pact use it: asked directly, brought into the states, at one of two addresses."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from pydantic import JsonValue

from contracts.consumer import upstream
from contracts.consumer.upstream import PARAMS, Told
from contracts.cortex import ROLE_HEADER, STATEMENTS_PATH, THREADS_PATH, TOKEN_TYPE_HEADER, WAREHOUSE_HEADER, Event
from contracts.exchange import events
from contracts.pactfile import Interaction
from contracts.verification import Provider
from proxy.keypair import KeyPairSigner

Values = dict[str, JsonValue]
TIMEOUT_S = 60.0
POLL_S = 0.05
STATEMENT_S = 60.0
"""How long the statement of a state may take."""

STATEMENTS: Mapping[str, str] = {
    "running": "CALL SYSTEM$WAIT(20)",
    "ended": "SELECT ORDER_YEAR, COUNT(*) AS ORDERS FROM ORDERS GROUP BY ORDER_YEAR",
    "partitioned": "SELECT ORDER_YEAR, NET_AMOUNT FROM ORDERS ORDER BY ORDER_ID LIMIT 500",
    "failed": "SELECT NO_SUCH_COLUMN FROM ORDERS",
}
"""What is submitted for each state of a statement; all of it reads, nothing writes."""


class StateError(Exception):
    """A state that is none, or that could not be reached; the message names it."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where Snowflake is, or its stand-in, and who asks.

    rehearse: plays a scenario from now on, or what is recorded.   tokens: further credentials, by the value of the
    state's parameter.   threads: those that states have made.
    """

    url: str
    signer: KeyPairSigner
    rehearse: Callable[[str | None], None]
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    threads: list[int] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        """The credential, signed by the proxy's own code, role and warehouse."""
        return {
            "Authorization": f"Bearer {self.signer.token()}",
            TOKEN_TYPE_HEADER: self.signer.token_type,
            ROLE_HEADER: upstream.ROLE,
            WAREHOUSE_HEADER: upstream.WAREHOUSE,
        }

    def post(self, path: str, body: Mapping[str, Any], **params: str) -> requests.Response:
        """An answer.   Raises: StateError for an unsuccessful one."""
        return self._asked("POST", path, json=body, params=params)

    def get(self, path: str) -> requests.Response:
        """An answer.   Raises: StateError for an unsuccessful one."""
        return self._asked("GET", path)

    def release(self) -> None:
        """The threads that states have made are deleted."""
        while self.threads:
            self._asked("DELETE", f"{THREADS_PATH}/{self.threads.pop()}")

    def _asked(self, method: str, path: str, **more: Any) -> requests.Response:
        response = requests.request(method, f"{self.url}{path}", headers=self.headers, timeout=TIMEOUT_S, **more)
        if response.status_code not in (200, 202, 422):
            raise StateError(f"{method} {path} answered {response.status_code}: {response.text[:200]}")
        return response

    # --- states

    def state(self, name: str) -> Callable[[Mapping[str, JsonValue]], Values]:
        """What brings the account into a state: a scenario, or `as_recorded`, and its parameters."""

        made = {"thread": self._threads, "statement": self._statements, "credential": self._credentials}

        def reach(params: Mapping[str, JsonValue]) -> Values:
            for param, value in params.items():
                if value not in PARAMS.get(param, ()):
                    raise StateError(f"state parameter {param}={value!r} is not known; known are {dict(PARAMS)}")
            self.rehearse(None)
            values: Values = {"authorization": self.headers["Authorization"], "request_id": str(uuid.uuid4())}
            for param, value in params.items():
                values |= made[param](str(value))
            if name != upstream.AS_RECORDED:
                self.rehearse(name)
            return values

        return reach

    def _credentials(self, wanted: str) -> Values:
        if wanted not in self.tokens:
            raise StateError(f"nobody has given this account a credential of the kind {wanted!r}")
        return {"authorization": f"Bearer {self.tokens[wanted]}"}

    def _threads(self, wanted: str) -> Values:
        thread_id = self.post(THREADS_PATH, {"origin_application": "cortex_harness"}).json()["thread_id"]
        self.threads.append(thread_id)
        if wanted == "fresh":
            return {"thread_id": thread_id}
        text = upstream.FIRST_QUESTION if wanted == "with_a_turn" else upstream.CLIENT_TOOL
        body = {
            "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}],
            "thread_id": thread_id,
            "parent_message_id": 0,
        }
        told = dict(events(self.post(upstream.RUN_PATH, body).text))
        final: Any = told.get(Event.RESPONSE)
        if final is None:
            raise StateError(f"the turn of thread={wanted!r} had no final object; it ended with {[*told][-1:]}")
        return {"thread_id": thread_id, "message_id": final["metadata"]["assistant_message_id"]}

    def _statements(self, wanted: str) -> Values:
        body = {
            "statement": STATEMENTS[wanted],
            "database": upstream.DATABASE,
            "schema": upstream.SCHEMA,
            "warehouse": upstream.WAREHOUSE,
            "role": upstream.ROLE,
            "timeout": 60,
        }
        query = {"requestId": str(uuid.uuid4()), "async": "true"}
        handle = self.post(STATEMENTS_PATH, body, **query).json()["statementHandle"]
        until_s = time.monotonic() + STATEMENT_S
        while wanted != "running" and self.get(f"{STATEMENTS_PATH}/{handle}").status_code == 202:
            if time.monotonic() > until_s:
                raise StateError(f"statement={wanted!r} still runs after {STATEMENT_S:g} s")
            time.sleep(POLL_S)
        return {"handle": handle}


def provider(account: Account, states: Sequence[str], messages: Sequence[Told]) -> Provider:
    """The account as a provider that is brought into these states and sends these messages."""
    return Provider(
        name=upstream.PROVIDER,
        url=account.url,
        states={name: account.state(name) for name in states},
        messages=_senders(account, messages),
    )


def _senders(account: Account, messages: Sequence[Told]) -> dict[str, Callable[[Interaction], JsonValue]]:
    """What makes the payload of each message: the event of a run, which is asked for once in each state."""
    runs: dict[str, list[tuple[str, JsonValue]]] = {}

    def sender(told: Told) -> Callable[[Interaction], JsonValue]:
        def send(_message: Interaction) -> JsonValue:
            if told.state not in runs:
                body = {"messages": [{"role": "user", "content": [{"type": "text", "text": upstream.NET_SALES}]}]}
                runs[told.state] = list(events(account.post(upstream.RUN_PATH, body).text))
            for name, payload in runs[told.state]:
                if name == told.event:
                    return payload
            raise StateError(
                f"the run had no event {told.event!r}; it had {sorted({each for each, _ in runs[told.state]})}"
            )

        return send

    return {told.name: sender(told) for told in messages}
