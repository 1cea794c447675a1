"""What the stand-in answers to whoever asks it, beyond what the proxy reads: every field, its type, its closed values.

The proxy's pact is as loose as the proxy. Other clients of the stand-in read more, so each kind of answer is asked for
once, and its fields are compared with `mock_answers.json`, which changes on purpose or not at all. It holds what the
stand-in answers; how sure it is that Snowflake answers so, `docs/cortex-wire.md` says.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from contracts.consumer import upstream
from contracts.cortex import ANALYST_PATH, INLINE_RUN_PATH, RUNS_PATH, STATEMENTS_PATH, THREADS_PATH, Event
from contracts.exchange import events
from contracts.provider.account import STATEMENTS
from mocks.answers import ANSWERS
from mocks.embedded import Session

TIMEOUT_S = 30.0
CLOSED = frozenset(
    {
        "analyst_orchestration_path",
        "code",
        "error_code",
        "event",
        "format",
        "message_type",
        "question_category",
        "role",
        "schema_version",
        "sqlState",
        "status",
        "type",
    }
)
"""Members whose text is one of few values, which clients compare."""

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks a mock, plainly."""

    mock: Session

    def __call__(self, method: str, path: str, body: Any = None, **params: str) -> requests.Response:
        """The answer, whatever its status."""
        return requests.request(
            method, f"{self.mock.url}{path}", json=body, params=params, headers=self.mock.headers, timeout=TIMEOUT_S
        )

    def run(self, text: str, **more: Any) -> requests.Response:
        """A turn of the agent."""
        said = [{"role": "user", "content": [{"type": "text", "text": text}]}]
        return self("POST", upstream.RUN_PATH, {"messages": said, **more})

    def thread(self, **more: Any) -> str:
        """The path of a new thread."""
        made = self("POST", THREADS_PATH, {"origin_application": "cortex_harness", **more}).json()
        return f"{THREADS_PATH}/{made['thread_id']}"

    def used_thread(self) -> str:
        """The path of a thread with a turn in it."""
        path = self.thread(external_id=time.monotonic_ns())
        self.run(upstream.FIRST_QUESTION, thread_id=int(path.rsplit("/", 1)[1]), parent_message_id=0)
        return path

    def background(self, text: str) -> str:
        """The path of a run that goes on by itself."""
        return f"{RUNS_PATH}/{self.in_background(text).json()['metadata']['run_id']}"

    def in_background(self, text: str) -> requests.Response:
        """What is told of a run that goes on by itself, which takes a thread."""
        return self.in_thread(text, background=True, stream=False)

    def in_thread(self, text: str, **more: Any) -> requests.Response:
        """The first turn of a thread."""
        return self.run(text, thread_id=int(self.thread().rsplit("/", 1)[1]), parent_message_id=0, **more)

    def analyst(self, text: str, **more: Any) -> requests.Response:
        """An answer of Cortex Analyst."""
        said = [{"role": "user", "content": [{"type": "text", "text": text}]}]
        return self("POST", ANALYST_PATH, {"messages": said, "semantic_view": upstream.SEMANTIC_VIEW, **more})

    def submit(self, statement: str, **more: Any) -> requests.Response:
        """A statement, waited for as long as the mock waits."""
        params = {"async": str(more.pop("is_async", False)).lower()}
        context = {"database": upstream.DATABASE, "schema": upstream.SCHEMA, "warehouse": upstream.WAREHOUSE}
        return self("POST", STATEMENTS_PATH, {"statement": statement, **context, **more}, **params)

    def handle(self, statement: str) -> str:
        """The path of a statement that runs by itself."""
        return f"{STATEMENTS_PATH}/{self.submit(statement, is_async=True).json()['statementHandle']}"

    def ended(self, statement: str) -> str:
        """The path of a statement that has ended."""
        path, until_s = self.handle(statement), time.monotonic() + TIMEOUT_S
        while self("GET", path).status_code == 202:
            assert time.monotonic() < until_s, f"{statement!r} still runs after {TIMEOUT_S:g} s"
            time.sleep(0.02)
        return path

    def search(self, verb: str, body: Mapping[str, Any]) -> requests.Response:
        """An answer of the search service."""
        return self("POST", f"{SERVICE}:{verb}", body)


SERVICES = f"/api/v2/databases/{upstream.DATABASE}/schemas/{upstream.SCHEMA}/cortex-search-services"
SERVICE = f"{SERVICES}/{upstream.SERVICE}"
AGENTS = f"/api/v2/databases/{upstream.DATABASE}/schemas/{upstream.SCHEMA}/agents"
ROWS = [{"REGION": "EMEA", "NET_SALES": 1250.5}, {"REGION": "APAC", "NET_SALES": 980}]


def _chart(ask: Asker) -> requests.Response:
    texts = ["Draw net sales by region", f"<rows>\n{json.dumps(ROWS)}\n</rows>"]
    return ask(
        "POST",
        INLINE_RUN_PATH,
        {
            "messages": [{"role": "user", "content": [{"type": "text", "text": text} for text in texts]}],
            "tools": [{"tool_spec": {"type": "data_to_chart", "name": "data_to_chart"}}],
            "tool_choice": {"type": "tool", "name": ["data_to_chart"]},
            "stream": False,
        },
    )


def _partition(ask: Asker) -> requests.Response:
    return ask("GET", ask.ended(STATEMENTS["partitioned"]), partition="1")


def _cancelled(ask: Asker) -> requests.Response:
    path = ask.background(upstream.NET_SALES)
    ask("POST", f"{path}/cancel")
    return ask("GET", path)


def _by_external_id(ask: Asker) -> requests.Response:
    found = ask("GET", ask.used_thread()).json()["metadata"]
    return ask("GET", f"{THREADS_PATH}/by-external-id/{found['external_id']}", origin_application="cortex_harness")


Case = Callable[[Asker], requests.Response]

ANSWERED: Mapping[str, Case] = {
    "a run, streamed": lambda ask: ask.run(upstream.NET_SALES),
    "a run, whole": lambda ask: ask.run(upstream.NET_SALES, stream=False),
    "a run in a thread": lambda ask: ask.in_thread(upstream.FIRST_QUESTION),
    "a run with a client-side tool": lambda ask: ask.run(upstream.CLIENT_TOOL),
    "a run in the background": lambda ask: ask.in_background(upstream.NET_SALES),
    "a background run, followed": lambda ask: ask("GET", ask.background(upstream.NET_SALES)),
    "a background run, cancelled too late": lambda ask: ask("POST", f"{ask.background(upstream.NET_SALES)}/cancel"),
    "a run that is none": lambda ask: ask("GET", f"{RUNS_PATH}/1-1"),
    "a chart": _chart,
    "a thread, made": lambda ask: ask("POST", THREADS_PATH, {"origin_application": "cortex_harness"}),
    "a thread, described": lambda ask: ask("GET", ask.used_thread()),
    "a thread by external id": _by_external_id,
    "a thread, changed": lambda ask: ask("POST", ask.thread(), {"thread_name": "Sales"}),
    "a thread, deleted": lambda ask: ask("DELETE", ask.thread()),
    "a thread that is none": lambda ask: ask("GET", f"{THREADS_PATH}/999999"),
    "threads, listed": lambda ask: (ask.used_thread(), ask("GET", THREADS_PATH))[1],
    "threads, searched": lambda ask: (ask.used_thread(), ask("POST", f"{THREADS_PATH}/search", {"query": "sales"}))[1],
    "agents, listed": lambda ask: ask("GET", AGENTS),
    "an agent, described": lambda ask: ask("GET", f"{AGENTS}/{upstream.AGENT}"),
    "a search": lambda ask: ask.search("query", {"query": "refund deadline", "columns": ["DOC_ID"], "limit": 2}),
    "a search for nothing": lambda ask: ask.search("query", {"query": "refund", "columns": ["NOPE"]}),
    "search suggestions": lambda ask: ask.search("suggest", {"query": "refund poli", "columns": ["TITLE"], "limit": 1}),
    "a search service": lambda ask: ask("GET", SERVICE),
    "search services": lambda ask: ask("GET", SERVICES),
    "Analyst, whole": lambda ask: ask.analyst(upstream.NET_SALES),
    "Analyst, streamed": lambda ask: ask.analyst(upstream.NET_SALES, stream=True),
    "Analyst, suggesting": lambda ask: ask.analyst(upstream.AMBIGUOUS),
    "Analyst, suggesting in a stream": lambda ask: ask.analyst(upstream.AMBIGUOUS, stream=True),
    "a statement, at once": lambda ask: ask.submit(STATEMENTS["ended"]),
    "a statement, submitted": lambda ask: ask.submit(STATEMENTS["running"], is_async=True),
    "a statement, running": lambda ask: ask("GET", ask.handle(STATEMENTS["running"])),
    "a statement, ended": lambda ask: ask("GET", ask.ended(STATEMENTS["ended"])),
    "a statement of many types": lambda ask: ask.submit("SELECT * FROM ORDERS LIMIT 1"),
    "a statement, failed": lambda ask: ask.submit(STATEMENTS["failed"]),
    "a statement, cancelled": lambda ask: ask("POST", f"{ask.handle(STATEMENTS['running'])}/cancel"),
    "a statement, cancelled too late": lambda ask: ask("POST", f"{ask.ended(STATEMENTS['ended'])}/cancel"),
    "statements together": lambda ask: ask.submit("SELECT 1; SELECT 2", parameters={"multi_statement_count": "2"}),
    "a partition": _partition,
    "a partition that is none": lambda ask: ask("GET", ask.ended(STATEMENTS["ended"]), partition="9"),
    "a handle that is none": lambda ask: ask("GET", f"{STATEMENTS_PATH}/{upstream.HANDLE}"),
    "models": lambda ask: ask("GET", "/api/v2/cortex/models"),
    "nothing recorded": lambda ask: ask.run("What nobody has ever asked"),
}
"""Asked of a mock that plays at once."""

SLOWLY: Mapping[str, Case] = {"a background run, cancelled": _cancelled}
"""Asked of a mock that will not have begun to answer by then."""

FAILING: Mapping[str, Case] = {name: lambda ask: ask.run(upstream.NET_SALES) for name in ANSWERS}
"""Asked of a mock that gives the answer of that name."""


# --- fields ----------------------------------------------------------------------------------------------------------


def fields(answer: requests.Response) -> Fields:
    """Every field of an answer by its path: a type, or the values of a closed member; several when it has several."""
    found: dict[str, set[str]] = {"status": {str(answer.status_code)}}
    kind = answer.headers.get("Content-Type", "none")
    found["Content-Type"] = {kind}
    for path, said in _said(answer, kind):
        found.setdefault(path, set()).add(said)
    return {path: " | ".join(sorted(said)) for path, said in sorted(found.items())}


def _said(answer: requests.Response, kind: str) -> Iterator[tuple[str, str]]:
    if kind == "application/json":
        yield from walk(answer.json(), "$")
    elif kind == "text/event-stream":
        for name, payload in events(answer.content.decode()):
            yield from walk(payload, name)
            if name == Event.CHART:
                yield f"{name}.chart_spec", "JSON" if isinstance(payload, dict) and payload["chart_spec"] else "none"


def walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Paths and what stands there."""
    if isinstance(value, dict):
        yield path, "object"
        for name, member in value.items():
            yield from walk(member, f"{path}.{name}")
    elif isinstance(value, list):
        yield path, "array"
        for element in value:
            yield from walk(element, f"{path}[]")
    elif isinstance(value, str) and path.rsplit(".", 1)[-1] in CLOSED:
        yield path, json.dumps(value)
    else:
        yield path, _TYPES[type(value)]


_TYPES = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
