"""Agent objects and feedback: created, listed, described, replaced, dropped, per test.

Every agent that a cassette answers for exists from the start. Databases and schemas are taken as existing, because only
SQL could tell, and this surface runs none. A created agent runs, too: it answers from cassettes recorded for its path.
"""

from __future__ import annotations

import datetime
import fnmatch
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from contracts.cortex import Code, Wire
from mocks.faults import Plan
from mocks.matching import STORED_RUN, identifier
from mocks.request import Refusal, Request, json_plan
from mocks.route import Route, Surface, route
from mocks.state import Mock

MAX_AGENTS = 500
"""Agents of one test."""

MAX_SPEC_BYTES = 128 * 1024
MAX_LIMIT = 10_000
MAX_NAME_CHARS = 255
CREATE_MODES = ("errorIfExists", "orReplace", "ifNotExists")

_NAME = r'("(?:[^"]|"")+"|[^/":]+)'
_SCHEMA = rf"/api/v2/databases/{_NAME}/schemas/{_NAME}/agents"
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_QUOTED_NAME = re.compile(r'"(?:[^"]|"")+"')
_ABOUT = frozenset({"name", "comment", "profile"})

Key = tuple[str, str, str]
"""Database, schema and name, as the catalogue stores them."""

BENCH_AGENT: Key = ("CORTEX_BENCH_DB", "SALES", "SALES_AGENT")
BENCH_SPEC: dict[str, Any] = {
    "models": {"orchestration": "claude-sonnet-4-6"},
    "instructions": {
        "response": "Answer briefly; money is net of tax and in thousands of EUR.",
        "orchestration": "Figures come from the analyst, rules and deadlines from the documents.",
        "sample_questions": [{"question": "Net sales by region"}, {"question": "What is the refund deadline?"}],
    },
    "tools": [
        {"tool_spec": {"type": "cortex_analyst_text_to_sql", "name": "sales_analyst"}},
        {"tool_spec": {"type": "cortex_search", "name": "sales_docs"}},
        {"tool_spec": {"type": "data_to_chart", "name": "data_to_chart"}},
    ],
    "tool_resources": {
        "sales_analyst": {
            "semantic_view": "CORTEX_BENCH_DB.SALES.SALES_SV",
            "execution_environment": {"type": "warehouse", "warehouse": "CORTEX_BENCH_WH"},
        },
        "sales_docs": {
            "search_service": "CORTEX_BENCH_DB.SALES.SALES_DOCS_SVC",
            "id_column": "DOC_ID",
            "title_column": "TITLE",
        },
    },
}
"""What the benchmark's agent is made of; its recorded answers use these tools."""


class AgentBody(Wire):
    """Body of a replacement; everything but comment and profile becomes the agent's specification."""

    comment: str | None = None
    profile: dict[str, Any] | None = None
    models: dict[str, Any] | None = None
    instructions: dict[str, Any] | None = None
    orchestration: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_resources: dict[str, Any] | None = None

    def spec(self) -> dict[str, Any]:
        """What `agent_spec` holds: the given fields, unknown ones included."""
        return self.model_dump(exclude=set(_ABOUT), exclude_none=True)


class NewAgentBody(AgentBody):
    """Body of a creation."""

    name: str = Field(min_length=1, max_length=MAX_NAME_CHARS + 2)


class FeedbackBody(Wire):
    """Body of feedback on a run. Public material names the run's id in two ways; either is taken, and none."""

    positive: bool
    orig_request_id: str | None = None
    request_id: str | None = None
    feedback_message: str | None = None
    categories: list[str] | None = None
    thread_id: int | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent object. created_on: ISO, UTC."""

    key: Key
    owner: str
    created_on: str
    spec: dict[str, Any]
    comment: str = ""
    profile: dict[str, Any] = field(default_factory=dict)

    def listed(self) -> dict[str, Any]:
        """As a list shows it."""
        database, schema, name = self.key
        return {
            "name": name,
            "database_name": database,
            "schema_name": schema,
            "owner": self.owner,
            "created_on": self.created_on,
            "comment": self.comment,
            "profile": self.profile,
        }

    def described(self) -> dict[str, Any]:
        """As a description shows it: the specification is a JSON string."""
        return {**self.listed(), "agent_spec": json.dumps(self.spec, ensure_ascii=False)}


class Agents:
    """The agents that one test sees. `agents_of` makes it; `seed` has to come first."""

    def __init__(self) -> None:
        self._agents: dict[Key, Agent] | None = None

    def seed(self, keys: Iterable[Key], owner: str) -> None:
        """Put in the agents that exist from the start; later calls change nothing."""
        if self._agents is None:
            self._agents = {key: _recorded(key, owner) for key in keys}

    @property
    def _known(self) -> dict[Key, Agent]:
        assert self._agents is not None, "agents_of seeds before anyone asks"
        return self._agents

    def exists(self, database: str, schema: str, name: str) -> bool:
        """Whether there is such an agent; the parts are identifiers as written, quoted or not."""
        return (identifier(database), identifier(schema), identifier(name)) in self._known

    def find(self, key: Key) -> Agent | None:
        """The agent, if it exists."""
        return self._known.get(key)

    def put(self, agent: Agent) -> None:
        """Create or replace.   Raises: ValueError when a new one is one too many."""
        if agent.key not in self._known and len(self._known) >= MAX_AGENTS:
            raise ValueError(f"one test has at most {MAX_AGENTS} agents")
        self._known[agent.key] = agent

    def drop(self, key: Key) -> bool:
        """Forget the agent; whether there was one."""
        return self._known.pop(key, None) is not None

    def list(self, database: str, schema: str) -> list[Agent]:
        """The agents of a schema, by name."""
        return [agent for key, agent in sorted(self._known.items()) if key[:2] == (database, schema)]


def agents_of(mock: Mock, request: Request) -> Agents:
    """The agents that the request's test sees."""
    agents = mock.of_test(request, Agents)
    agents.seed(map(_key_of_path, mock.agent_paths()), _owner(mock, request))
    return agents


def _key_of_path(run_path: str) -> Key:
    found = re.fullmatch(STORED_RUN, run_path)
    assert found is not None, "agent paths are run paths"
    return _key(found)


def _key(path: re.Match[str]) -> Key:
    database, schema, *rest = map(identifier, path.groups())
    return database, schema, rest[0] if rest else ""


def _owner(mock: Mock, request: Request) -> str:
    return request.role or mock.options.roles[0].upper()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def _recorded(key: Key, owner: str) -> Agent:
    """An agent that cassettes answer for. Cassettes do not hold its object, so all but the benchmark's is bare."""
    bench = key == BENCH_AGENT
    return Agent(
        key,
        owner,
        "2026-01-01T00:00:00.000+00:00",
        BENCH_SPEC if bench else {"models": {"orchestration": "auto"}},
        "Stand-in: answers recorded questions",
        {"display_name": "Sales agent"} if bench else {},
    )


def like(pattern: str, name: str) -> bool:
    r"""Whether a name fits an SQL LIKE pattern, case-insensitively: `%`, `_`, and `\` before a literal one."""
    # fnmatch translates `*` without backtracking, so that no pattern can be slow.
    glob = "".join(
        _glob(literal, wild) for literal, wild in re.findall(r"\\([\s\S])|([\s\S])", pattern.upper()[:MAX_NAME_CHARS])
    )
    return fnmatch.fnmatchcase(name.upper(), glob)


def _glob(literal: str, wild: str) -> str:
    if wild in ("%", "_"):
        return "*" if wild == "%" else "?"
    each = literal or wild
    return f"[{each}]" if each in "*?[" else each


def page(agents: list[Agent], pattern: str | None, from_name: str | None, limit: int) -> list[Agent]:
    """The part of a sorted list that a client asks for.

    from_name: the list goes on behind the first name that begins with it, case-sensitively, as SHOW ... FROM does.
    """
    if pattern is not None:
        agents = [agent for agent in agents if like(pattern, agent.key[2])]
    if from_name is not None:
        names = [agent.key[2] for agent in agents]
        start = next((at for at, name in enumerate(names) if name.startswith(from_name)), len(names))
        agents = agents[start + 1 :]
    return agents[:limit]


def _missing(key: Key, agents: Agents) -> Refusal:
    message = f"Agent '{'.'.join(key)}' does not exist or access is not authorized for the current role."
    known = [".".join(agent.key) for agent in agents.list(*key[:2])]
    return Refusal(404, Code.NOT_FOUND, message, {"known_agents": known})


def _checked_name(name: str) -> str:
    """The name as stored.   Raises: Refusal when it is no identifier."""
    if not (_PLAIN_NAME.fullmatch(name) or _QUOTED_NAME.fullmatch(name)):
        message = f"Invalid identifier {name!r}: quote a name with other characters than letters, digits, _ and $."
        raise Refusal(400, Code.INVALID_PAYLOAD, message)
    return identifier(name)


def _made(mock: Mock, request: Request, key: Key, body: AgentBody, created_on: str) -> Agent:
    size = len(request.body)
    if size > MAX_SPEC_BYTES:
        raise Refusal(400, Code.INVALID_PAYLOAD, f"The agent takes {size} bytes; at most {MAX_SPEC_BYTES} are stored.")
    return Agent(key, _owner(mock, request), created_on, body.spec(), body.comment or "", body.profile or {})


async def _create(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST .../agents?createMode=`."""
    mode = request.query.get("createMode", CREATE_MODES[0])
    if mode not in CREATE_MODES:
        raise Refusal(400, Code.INVALID_PAYLOAD, f"createMode {mode!r} is none of {', '.join(CREATE_MODES)}.")
    body = request.parse(NewAgentBody)
    name, agents = _checked_name(body.name), agents_of(mock, request)
    key = (*_key(path)[:2], name)
    if mode != "orReplace" and agents.find(key) is not None:
        if mode == "ifNotExists":
            return json_plan({"status": f"{name} already exists, statement succeeded."})
        raise Refusal(409, Code.ALREADY_EXISTS, f"Agent '{'.'.join(key)}' already exists.")
    try:
        agents.put(_made(mock, request, key, body, _now()))
    except ValueError as error:
        raise Refusal(400, Code.INVALID_PAYLOAD, str(error)) from error
    return json_plan({"status": f"Agent {name} successfully created."})


async def _list(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`GET .../agents?like=&fromName=&showLimit=`: by name."""
    limit = request.query.get("showLimit", str(MAX_LIMIT))
    if not re.fullmatch(r"[0-9]{1,5}", limit) or not 1 <= int(limit) <= MAX_LIMIT:
        raise Refusal(400, Code.INVALID_PAYLOAD, f"showLimit {limit[:20]!r} is not a number from 1 to {MAX_LIMIT}.")
    found = agents_of(mock, request).list(*_key(path)[:2])
    shown = page(found, request.query.get("like"), request.query.get("fromName"), int(limit))
    return json_plan([agent.listed() for agent in shown])


async def _describe(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`GET .../agents/{name}`."""
    agents, key = agents_of(mock, request), _key(path)
    if (agent := agents.find(key)) is None:
        raise _missing(key, agents)
    return json_plan(agent.described())


async def _replace(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`PUT .../agents/{name}`: everything but the name and the time of creation is new."""
    agents, key = agents_of(mock, request), _key(path)
    if (agent := agents.find(key)) is None:
        raise _missing(key, agents)
    agents.put(_made(mock, request, key, request.parse(AgentBody), agent.created_on))
    return json_plan({"status": f"Agent {key[2]} successfully updated."})


async def _drop(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`DELETE .../agents/{name}?ifExists=`."""
    agents, key = agents_of(mock, request), _key(path)
    if not agents.drop(key) and request.query.get("ifExists", "").lower() != "true":
        raise _missing(key, agents)
    return json_plan({"status": "Request successfully completed"})


async def _feedback(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST .../agents/{name}:feedback`: any run id is taken, as no material says what an unknown one gives."""
    agents, key = agents_of(mock, request), _key(path)
    if agents.find(key) is None:
        raise _missing(key, agents)
    request.parse(FeedbackBody)
    return json_plan({"status": "Feedback recorded"})


ROUTES: tuple[Route, ...] = (
    route("POST", _SCHEMA, _create, Surface.OBJECTS),
    route("GET", _SCHEMA, _list, Surface.OBJECTS),
    route("GET", rf"{_SCHEMA}/{_NAME}", _describe, Surface.OBJECTS),
    route("PUT", rf"{_SCHEMA}/{_NAME}", _replace, Surface.OBJECTS),
    route("DELETE", rf"{_SCHEMA}/{_NAME}", _drop, Surface.OBJECTS),
    route("POST", rf"{_SCHEMA}/{_NAME}:feedback", _feedback, Surface.OBJECTS),
)
