"""What is asked of the proxy to record its front door: stories, scenarios, tools, refusals."""

from __future__ import annotations

import json
import random
import re
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import requests

from contracts.api import PREFIX, PROBLEM_JSON, ProblemType
from contracts.cortex import agent_run_path
from contracts.examples import HANDLE, SESSION_ID
from e2e.client_api import Client, client_request
from e2e.hearing import (
    ANSWER_S,
    CHAT,
    EXAMPLE_TOKEN,
    OK,
    TRIES,
    Ask,
    Floor,
    FrontDoorError,
    Guest,
    Heard,
    Perform,
    answer_of,
    document_of,
    with_examples,
)
from mocks.cassette import Cassette, Frame, Interaction, is_event_stream
from mocks.export import Answer, Exchange
from mocks.ids import read
from mocks.route import Surface
from mocks.scenario import Scenario, fitting
from mocks.snowflake.threads import FIRST_MESSAGE_ID
from proxy.backoff import MAX_TRIES

LONGEST_ORDER = 10
"""How many requests of a scenario are asked in which chance decides."""

QUESTION = "Net sales by region"
RUN_PATH = agent_run_path("CORTEX_BENCH_DB", "SALES", "SALES_AGENT")


# --- stories


def stories_alone(floor: Floor, tape: Cassette) -> list[Exchange]:
    """Each answer of a cassette that the configured agent gives outside a thread."""
    found = []
    for number, each in enumerate(_mine(tape)):
        if each.request.match.parent_message_id is None:
            answers = floor.timed(f"{tape.name}:{number}:alone", _alone(each))
            found.append(Exchange({**_chat_told(each), "thread": "none"}, tuple(answers)))
    return found


def stories_in_thread(floor: Floor, tape: Cassette) -> list[Exchange]:
    """Each answer of a cassette in a thread of its own, or in that of the answer before it."""
    found = []
    for number, chain in enumerate(_chains(_mine(tape))):
        answers = floor.timed(f"{tape.name}:{number}:thread", partial(_in_thread, chain=chain))
        for position, (each, answer) in enumerate(zip(chain, answers, strict=True)):
            told = {**_chat_told(each), "thread": "goes-on" if position else "new"}
            found.append(Exchange(told, (answer,)))
    return found


def _mine(tape: Cassette) -> list[Interaction]:
    return [each for each in tape.interactions if each.request.path == RUN_PATH]


def _chains(interactions: Sequence[Interaction]) -> list[list[Interaction]]:
    """Runs of interactions that each continue the thread of the one before."""
    chains: list[list[Interaction]] = []
    for each in interactions:
        match = each.request.match
        if chains and (match.parent_message_id is not None or match.tool_use_id is not None):
            chains[-1].append(each)
        else:
            chains.append([each])
    return chains


def _chat_told(interaction: Interaction) -> dict[str, Any]:
    match = interaction.request.match
    named = {"message": match.last_user_text, "toolUseId": match.tool_use_id}
    told = {key: value for key, value in named.items() if value is not None}
    return {"method": "POST", "path": CHAT, **told}


def _alone(interaction: Interaction) -> Perform:
    return lambda guest: [guest.chat(client_request(interaction))]


def _in_thread(guest: Guest, chain: Sequence[Interaction]) -> list[Heard]:
    heard: list[Heard] = []
    place: dict[str, Any] = {"parentMessageId": 0}
    for each in chain:
        heard.append(guest.chat({"message": client_request(each)["message"], **place}))
        place = _continued(heard[-1])
    return heard


def _continued(heard: Heard) -> dict[str, Any]:
    """Where a follow-up stands."""
    frames = tuple(Frame(0.0, each + b"\n\n") for each in heard.body.split(b"\n\n")[:-1])
    start = json.loads(frames[0].payload)
    return {"threadId": start.get("threadId"), "parentMessageId": read(frames).ids.get("assistant_message_id")}


# --- scenarios


BUDGET_WINDOW_S = 11.0
MAX_RETRIES = 7
GOOD_ANSWERS = 5
PATIENCE = 6


class Lane:
    """Where failures are played: one by one, with a proxy of their own, so that they wear out nobody's retry budget
    and open nobody's breaker.
    """

    def __init__(self) -> None:
        self._retried_s: list[float] = []

    def alone(self, floor: Floor, scenario: Scenario, tapes: Sequence[Cassette]) -> list[Exchange]:
        """What a scenario shows in which every request is refused, on the surface that it is about."""
        while sum(each > time.monotonic() - BUDGET_WINDOW_S for each in self._retried_s) > MAX_RETRIES:
            time.sleep(0.1)
        for _ in range(GOOD_ANSWERS):
            Client.opened(floor.stack).chat({"message": QUESTION}, baggage="mock.scenario=none,mock.pace=0")
        tries: list[int] = []
        found = _refused(floor, scenario, tapes, tries)
        self._retried_s += [time.monotonic()] * sum(tries)
        return found


def is_refused(scenario: Scenario) -> bool:
    """Whether every request gets an answer that has nothing to do with the question."""
    faults = [] if scenario.fault is None else list(scenario.fault.flat())
    if not all(each.always_hits for each in faults):
        return False
    ends = [each.cut or each.reset for each in faults]
    return any(each.respond or each.content_type for each in faults) or any(
        each is not None and each.after == "request" for each in ends
    )


def _refused(floor: Floor, scenario: Scenario, tapes: Sequence[Cassette], tries: list[int]) -> list[Exchange]:
    body: dict[str, Any]
    if scenario.concerns(Surface.AGENT):
        path, body = CHAT, {"message": _tape(scenario, tapes).interactions[0].request.match.last_user_text}
    else:
        tool, body = next(TOOLS[each] for each in TOOLS if scenario.concerns(each))
        path = f"{PREFIX}/tools/{tool}"

    def perform(guest: Guest) -> list[Heard]:
        session = {"sessionId": guest.client.session_id} if path == CHAT else {}
        heard = guest.ask(Ask("POST", path, body={**session, **body}))
        tries.append(max(len(heard.entries) - 1, 0))
        _check(scenario, heard)
        return [heard]

    answers = floor.timed(scenario.scenario, perform, scenario.scenario)
    if any(is_event_stream(each.headers) for each in answers):
        raise FrontDoorError(f"scenario {scenario.scenario} was to refuse every request, and streamed")
    return [Exchange({"method": "POST", "path": path, "anything": True}, tuple(answers))]


def _tape(scenario: Scenario, tapes: Sequence[Cassette]) -> Cassette:
    tape = fitting(scenario, tapes)
    if tape is None:
        raise FrontDoorError(f"scenario {scenario.scenario} fits none of the cassettes that {RUN_PATH} plays")
    return tape


def chats(floor: Floor, scenario: Scenario, tapes: Sequence[Cassette], thread: str) -> list[Exchange]:
    """What a scenario shows of one question, outside a thread ("none") or as the first turn of one ("new")."""
    first = _tape(scenario, tapes).interactions[0]
    place = {"parentMessageId": 0} if thread == "new" else {}
    times, begins_again = times_of(scenario)

    def perform(guest: Guest) -> list[Heard]:
        heard = []
        for _ in range(times):
            guest.client = Client.opened(guest.stack)  # or the proxy's own limits would be met
            heard.append(guest.chat({"message": first.request.match.last_user_text, **place}))
            _forget_threads(guest)
            if scenario.client.status == OK and _was_given_up(heard[-1]):
                raise _BudgetSpent
        _check(scenario, heard[scenario.asks - 1])
        return heard

    answers = _patiently(lambda: floor.timed(f"{scenario.scenario}:{thread}", perform, scenario.scenario))
    answers = [_first_of_all(each) for each in answers]
    return [_ordered({**_chat_told(first), "thread": thread}, answers, begins_again=begins_again)]


def _first_of_all(answer: Answer) -> Answer:
    """The answer with the message ids of a first try; each try of the proxy's takes new ones."""
    if answer.place is None or answer.place.get("user_message_id", FIRST_MESSAGE_ID) == FIRST_MESSAGE_ID:
        return answer
    here = answer.place
    there = {"user_message_id": FIRST_MESSAGE_ID, "assistant_message_id": FIRST_MESSAGE_ID + 1}
    thread = here["thread_id"]
    swaps = {f'"run_id":"{thread}-{here["user_message_id"]}"': f'"run_id":"{thread}-{FIRST_MESSAGE_ID}"'}
    for name, number in there.items():
        if name in here:
            swaps |= {f'"{key}":{here[name]},': f'"{key}":{number},' for key in (name, "message_id")}
            swaps |= {f'"{key}":{here[name]}}}': f'"{key}":{number}}}' for key in (name, "message_id")}
    frames = tuple(replace(each, data=with_examples(each.data, swaps)) for each in answer.frames)
    turn = None if answer.turn is None else {**answer.turn}
    if turn is not None and turn.get("assistantMessageId") is not None:
        turn["assistantMessageId"] = FIRST_MESSAGE_ID + 1
    return replace(answer, frames=frames, place={**here, **{k: v for k, v in there.items() if k in here}}, turn=turn)


class _BudgetSpent(Exception):
    """The proxy would have tried again, and its budget for that was spent by other recordings."""


def _was_given_up(heard: Heard) -> bool:
    """Whether a refusal that is worth another try was passed on before the last one."""
    tries = len([each for each in heard.entries if each["surface"] == Surface.AGENT])
    return heard.status in (429, 503) and tries < MAX_TRIES


def _patiently(perform: Callable[[], list[Answer]]) -> list[Answer]:
    """The same, begun again when the budget is full again."""
    for _ in range(PATIENCE):
        try:
            return perform()
        except _BudgetSpent:
            time.sleep(BUDGET_WINDOW_S * random.uniform(1, 2))  # noqa: S311 - so that not all come back together
    raise FrontDoorError("the proxy's retry budget stays spent; is another load on this machine?")


def times_of(scenario: Scenario) -> tuple[int, bool]:
    """How many requests tell all there is to see, and whether it begins again then."""
    faults = [] if scenario.fault is None else list(scenario.fault.flat())
    if any(each.probability is not None for each in faults):
        return LONGEST_ORDER, True
    hit = [each.skip + (each.times or 0) for each in faults if each.skip or each.times is not None]
    return max([scenario.asks, *hit]) + (1 if hit else 0), False


def _ordered(told: dict[str, Any], answers: Sequence[Answer], *, begins_again: bool) -> Exchange:
    """Each answer once, and in which order they come."""
    different: list[Answer] = []
    order = []
    for each in answers:
        same = next((number for number, known in enumerate(different) if known == each), None)
        if same is None:
            different.append(each)
        order.append(len(different) - 1 if same is None else same)
    if len(different) == 1:
        order = [0]
    while not begins_again and len(order) > 1 and order[-1] == order[-2]:
        order.pop()
    return Exchange(told, tuple(different), tuple(order), begins_again and len(different) > 1)


def _forget_threads(guest: Guest) -> None:
    """The next thread has the ids of this one."""
    url, headers = f"{guest.stack.mock_url}/__mock/reset", {"X-Test-Id": guest.test_id}
    requests.post(url, json={"only": ["threads"]}, headers=headers, timeout=ANSWER_S).raise_for_status()


def _check(scenario: Scenario, heard: Heard) -> None:
    """What was heard is what the scenario's file promises.   Raises: FrontDoorError."""
    problem = _problem(heard)
    if (heard.status, problem) != (scenario.client.status, scenario.client.problem):
        raise FrontDoorError(
            f"scenario {scenario.scenario}: its file promises {scenario.client.status} {scenario.client.problem}, "
            f"the front door showed {heard.status} {problem}; is another load on this machine?"
        )


def _problem(heard: Heard) -> str | None:
    if heard.headers.get("Content-Type") == PROBLEM_JSON:
        return str(json.loads(heard.body)["type"]).rpartition("/")[2]
    own = re.findall(rb'event: error\ndata: \{"type":"[^"]*/([^"/]+)"', heard.body)
    return own[-1].decode() if own else None


TOOLS: Mapping[Surface, tuple[str, dict[str, Any]]] = {
    Surface.SQL: ("sql", {"statement": "SELECT 1"}),
    Surface.SEARCH: ("search", {"query": "refund deadline"}),
    Surface.ANALYST: ("analyst", {"messages": [{"role": "user", "text": "Net sales by region"}]}),
}
"""What is asked of a surface that has a scenario of its own."""


SEARCHES = ("refund deadline", "warranty", "price rules")
ANALYST_QUESTIONS = ("Net sales by region", "Net sales by country in 2025", "Who are our best customers?")
CHART_INTENT = "net sales by region, as bars"


def tools(floor: Floor) -> list[Exchange]:
    """What each tool answers: searches, questions to Cortex Analyst in both forms, their SQL, and a chart."""
    asks = [_search(query) for query in SEARCHES]
    asks += [_analyst(question, stream=stream) for question in ANALYST_QUESTIONS for stream in (False, True)]
    found = [_exchange(floor, ask) for ask in asks]
    statements = [sql for each in found if (sql := _sql_of(each)) is not None]
    found += [_exchange(floor, _sql(statement)) for statement in dict.fromkeys(statements)]
    return [*found, _chart(floor, statements[0])]


def _exchange(floor: Floor, ask: Ask) -> Exchange:
    name = f"tools:{zlib.crc32(json.dumps(ask.as_json()).encode())}"
    return Exchange(ask.as_json(), tuple(floor.timed(name, lambda guest: [guest.ask(ask)])))


def _search(query: str) -> Ask:
    return Ask("POST", f"{PREFIX}/tools/search", {"query": query}, {"query": query})


def _analyst(question: str, *, stream: bool) -> Ask:
    body = {"messages": [{"role": "user", "text": question}], "stream": stream}
    return Ask("POST", f"{PREFIX}/tools/analyst", {"question": question, "stream": stream}, body)


def _sql(statement: str) -> Ask:
    return Ask("POST", f"{PREFIX}/tools/sql", {"statement": statement}, {"statement": statement})


def _sql_of(exchange: Exchange) -> str | None:
    document = document_of(exchange.answers[0].frames[0].data)
    sql = document.get("sql") if isinstance(document, dict) else None
    return None if sql is None else str(sql)


def _chart(floor: Floor, statement: str) -> Exchange:
    told = {"method": "POST", "path": f"{PREFIX}/tools/chart", "anything": True}

    def perform(guest: Guest) -> list[Heard]:
        handle = json.loads(guest.ask(_sql(statement)).body)["statementHandle"]
        body = {"intent": CHART_INTENT, "statementHandle": handle}
        return [guest.ask(Ask("POST", told["path"], told, body))]  # type: ignore[arg-type]  # paths are text

    return Exchange(told, tuple(floor.timed("chart", perform)))


def plain(floor: Floor) -> list[Exchange]:
    """What needs no story: sessions, an empty history, a report, health."""
    asks = [
        Ask("POST", f"{PREFIX}/session/token", changes={"headers": {"Authorization": None}}),
        Ask("GET", f"{PREFIX}/history/{{sessionId}}"),
        Ask("DELETE", f"{PREFIX}/history/{{sessionId}}"),
        Ask("POST", f"{PREFIX}/metrics/report", body={"metrics": [{"name": "time_to_first_token_s", "value": 0.4}]}),
        Ask("DELETE", f"{PREFIX}/session/token"),
        *(Ask("GET", path) for path in ("/livez", "/readyz", "/status")),
    ]
    guest = Guest(floor.stack, "plain", 0.0)
    found = []
    for ask in asks:
        sent = replace(ask, path=ask.path.replace("{sessionId}", guest.client.session_id))
        heard = guest.ask(sent)
        found.append(Exchange(ask.as_json(), (answer_of(heard, heard),)))
    return found


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal of the proxy's own, and the request that meets it; `before`: so many of the same came first."""

    problem: ProblemType
    ask: Ask
    before: int = 0


_TURN = {"sessionId": SESSION_ID, "message": "Net sales by region"}
REFUSALS = (
    Refused(ProblemType.TOKEN_MISSING, Ask("POST", CHAT, body=_TURN, changes={"headers": {"Authorization": None}})),
    Refused(
        ProblemType.TOKEN_INVALID,
        Ask("POST", CHAT, body=_TURN, changes={"headers": {"Authorization": f"Bearer {EXAMPLE_TOKEN}"}}),
    ),
    Refused(ProblemType.MALFORMED_JSON, Ask("POST", CHAT, changes={"data": b'{"message": '})),
    Refused(ProblemType.UNSUPPORTED_MEDIA_TYPE, Ask("POST", CHAT, changes={"data": b"message=hello"})),
    Refused(ProblemType.INVALID_REQUEST, Ask("POST", CHAT, body={**_TURN, "message": 7})),
    Refused(ProblemType.SESSION_MISMATCH, Ask("POST", CHAT, body=_TURN)),
    Refused(ProblemType.RATE_LIMITED, Ask("POST", CHAT, changes={"data": b"{"}), before=6),
    Refused(ProblemType.TOOL_UNKNOWN, Ask("POST", f"{PREFIX}/tools/weather", body={})),
    Refused(
        ProblemType.COLUMN_UNKNOWN,
        Ask("POST", f"{PREFIX}/tools/search", body={"query": "refund deadline", "columns": ["PRICE"]}),
    ),
    Refused(ProblemType.SQL_REFUSED, Ask("POST", f"{PREFIX}/tools/sql", body={"statement": "DROP TABLE orders"})),
    Refused(
        ProblemType.SQL_FAILED, Ask("POST", f"{PREFIX}/tools/sql", body={"statement": "SELECT price FROM nowhere"})
    ),
    Refused(
        ProblemType.RESULT_NOT_FOUND,
        Ask("POST", f"{PREFIX}/tools/chart", body={"intent": CHART_INTENT, "statementHandle": HANDLE}),
    ),
    Refused(ProblemType.SESSION_NOT_FOUND, Ask("GET", f"{PREFIX}/history/{SESSION_ID}")),
)
"""What the proxy refuses by itself."""

_JSON = {"Content-Type": "application/json"}


def refusal(floor: Floor, refused: Refused) -> list[Exchange]:
    """What a client that is refused so reads.   Raises: FrontDoorError when it is refused otherwise."""
    ask = refused.ask
    if "data" in ask.changes and refused.problem is not ProblemType.UNSUPPORTED_MEDIA_TYPE:
        ask = replace(ask, changes={**ask.changes, "headers": _JSON})
    heard = _soon_refused(floor, refused, ask)
    if _problem(heard) != refused.problem:
        raise FrontDoorError(f"{refused.problem} was to be met, the front door showed {heard.status} {heard.body!r}")
    told = {"method": ask.method, "path": _route(ask.path), "anything": True}
    return [Exchange(told, (answer_of(heard, heard),))]


def _soon_refused(floor: Floor, refused: Refused, ask: Ask) -> Heard:
    """What the last of the requests meets, when they followed each other closely.

    The wait that a full window tells is what is left of it, in whole seconds: on a busy machine another one.
    """
    for _ in range(TRIES):
        guest = Guest(floor.stack, f"refused:{refused.problem}", 0.0)
        began_s = time.monotonic()
        heard = [guest.ask(ask) for _ in range(refused.before + 1)][-1]
        if refused.before == 0 or time.monotonic() - began_s < 1.0:
            break
    return heard


def _route(path: str) -> str:
    return path.replace(SESSION_ID, "{sessionId}").replace("/tools/weather", "/tools/{toolName}")
