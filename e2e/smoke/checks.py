"""Every check of the smoke, in the order it is told: one small function each, that says what it found or raises.

Those of one wave run at the same time, and a wave begins when the one before has ended: a page that is used asks for
an answer and its tools at once, too, and so a live account's slow answers fit into a minute together.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from pydantic import BaseModel

from contracts.api import (
    AnalystAnswer,
    ChartAnswer,
    EndReason,
    Health,
    HistoryPage,
    SearchAnswer,
    SessionToken,
    SqlAnswer,
    Status,
    ToolName,
)
from contracts.compat import Document, DocumentError, Severity, compare, load
from contracts.compat.documents import parse
from contracts.examples import QUESTION
from e2e.smoke import line
from e2e.smoke.turn import listen
from e2e.smoke.visit import (
    CONNECT_TIMEOUT_S,
    Answer,
    Ask,
    NotApplicable,
    Refused,
    Trouble,
    Visit,
    expect,
    parsed,
    payload_of,
)

CLOCK_TOLERANCE_S = 5.0
"""As the proxy's own leeway for its tokens; Snowflake bears less than a minute."""

HISTORY_SETTLE_S = 2.0
"""Between processes that share a Redis a turn may be there a moment later."""

LONG_ENOUGH_MS = 1500.0
"""A turn must last so long after its first event to tell a stream from one that was held back."""

SLOW_S = 40.0
"""For what Snowflake answers. An agent may take longer: the question should be a short one."""

HELD_BACK_MS = 2000.0
"""An event that comes this much later than the proxy sent it was held back; of a short turn, half of it will do."""

SHOWN_FAULTS = 3
HSTS_LEAST_S = 15_552_000  # half a year
LIVE_QUESTION = "In one sentence: about which data can you answer questions?"

GOOD_TLS = {"TLSv1.2", "TLSv1.3"}


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of a deployment.

    about: what holds when it passes.   look: says what was found; raises Trouble or NotApplicable.
    needs: checks without whose success it has no meaning.
    """

    name: str
    about: str
    look: Callable[[Ask], str]
    needs: tuple[str, ...] = ()
    timeout_s: float = 10.0


# --- the line ------------------------------------------------------------------------------------------------------


def connection(ask: Ask) -> str:
    """Name, TCP and TLS lead to the target."""
    visit = ask.visit
    options = visit.options
    ask.asked.append(f"connect to {options.target}")
    try:
        found = line.connect(
            options.target,
            min(CONNECT_TIMEOUT_S, ask.left_s()),
            ca_file=options.ca_file,
            is_direct=options.is_local,
        )
    except line.LineError as error:
        raise Trouble(error.found, error.do) from error
    visit.line = found
    through = f" through {found.via}" if found.via else ""
    return f"connected{through} in {found.took_ms:.0f} ms, {found.tls or 'without TLS'}"


def certificate(ask: Ask) -> str:
    """The certificate is trusted, for this name, and lasts."""
    visit = ask.visit
    found, least = _tls_line(visit), visit.options.min_days
    days = found.days_left(time.time())
    told = f"{days:.0f} days left, from {found.issuer}, for {', '.join(found.names[:3])}"
    if days < least:
        raise Trouble(f"{told}; at least {least} are wanted", "renew it; see why its renewal did not run by itself")
    return told


def tls(ask: Ask) -> str:
    """TLS 1.2 or newer is spoken."""
    visit = ask.visit
    found = _tls_line(visit)
    if found.tls not in GOOD_TLS:
        raise Trouble(f"{found.tls} ({found.cipher})", "switch off what is older than TLS 1.2 on the gateway")
    return f"{found.tls} ({found.cipher})"


def hsts(ask: Ask) -> str:
    """Browsers are told to keep to TLS."""
    visit = ask.visit
    _tls_line(visit)
    field = ask.get("/livez").headers.get("Strict-Transport-Security")
    if field is None:
        raise Trouble(
            "no Strict-Transport-Security",
            "let the gateway send X-Forwarded-Proto and set CORTEX_PROXY_TRUSTED_PROXIES, or set it at the gateway",
        )
    age = re.search(r"max-age=\"?(\d+)", field)
    if age is None or int(age[1]) < HSTS_LEAST_S:
        raise Trouble(f"Strict-Transport-Security: {field}", f"a max-age of {HSTS_LEAST_S} at least")
    return field


def _tls_line(visit: Visit) -> line.Line:
    if not visit.options.is_https or visit.line is None:
        raise NotApplicable("the target is asked without TLS")
    return visit.line


# --- health --------------------------------------------------------------------------------------------------------


def livez(ask: Ask) -> str:
    """A process of the proxy answers."""
    return ask.model(Health, "GET", "/livez").status


def readyz(ask: Ask) -> str:
    """The proxy can serve."""
    answer = ask.get("/readyz")
    if answer.status_code != 503 or not _is_json(answer):
        expect(answer, 200)
    found = parsed(Health, answer)
    if answer.status_code == 503:
        told = "; ".join(f"{name}: {said}" for name, said in found.checks.items() if said != "ok")
        raise Trouble(f"503, {told}", "the check's name is the setting or part to look at; the proxy logs 'not ready'")
    return ", ".join(found.checks)


def _is_json(answer: requests.Response) -> bool:
    return answer.headers.get("Content-Type", "").partition(";")[0] == "application/json"


def status(ask: Ask) -> str:
    """Nothing is suspended or draining, and the upstream is the expected one."""
    visit = ask.visit
    found = ask.model(Status, "GET", "/status")
    visit.status = found
    told = f"proxy {found.version}, {found.mode}, {found.environment}, store {found.store}"
    opened = [surface for surface, state in found.breakers.items() if state == "open"]
    if opened:
        raise Trouble(
            f"{told}; calls are suspended to: {', '.join(opened)}",
            "Snowflake failed on these surfaces a moment ago: see the dashboard Upstream and Snowflake's status page",
        )
    if found.draining:
        raise Trouble(f"{told}; draining", "this process is being replaced; try again in a minute")
    if visit.options.expect_live and found.mode != "live":
        raise Trouble(f"{told}; live was expected", "the proxy's CORTEX_PROXY_SNOWFLAKE_URL leads to a stand-in")
    return told


def contract(ask: Ask) -> str:
    """The target keeps what our clients rely on."""
    visit = ask.visit
    ours = _document(visit.options.contract)
    answer = ask.get("/openapi.json")
    expect(answer, 200)
    try:
        theirs = parse(answer.text, "the target's openapi.json")
    except DocumentError as error:
        raise Trouble(str(error), "see which service answers; a gateway may also have changed it") from error
    versions = f"theirs is {theirs['info'].get('version')}, ours {ours['info'].get('version')}"
    breaks = [each.sentence for each in compare(ours, theirs) if each.severity is Severity.BREAKING]
    if breaks:
        raise Trouble(
            f"{len(breaks)} break{'s' * (len(breaks) > 1)} ({versions}): {_some(breaks)}",
            "clients of our version will fail there: deploy the matching proxy, or name its document by --contract; "
            "all of them: save the target's openapi.json and run 'cortex-harness contracts compat'",
        )
    return f"nothing breaks; {versions}"


def _document(source: str) -> Document:
    try:
        return load(source)
    except DocumentError as error:
        raise Trouble(str(error), "name a readable document by --contract") from error


# --- headers and clocks ----------------------------------------------------------------------------------------------


def clock(ask: Ask) -> str:
    """Their clock agrees with ours."""
    began_s = time.time()
    answer = ask.get("/livez")
    field, now_s = answer.headers.get("Date"), (began_s + time.time()) / 2
    if field is None:
        raise Trouble("no Date", "see which gateway takes it away")
    try:
        ahead_s = parsedate_to_datetime(field).timestamp() - now_s
    except ValueError as error:
        raise Trouble(f"Date: {field}", "see what writes it") from error
    return _agreed("their clock", ahead_s)


def token_clock(ask: Ask) -> str:
    """The token's times agree with our clock and with its answer."""
    visit = ask.visit
    assert visit.token is not None, "needs the token"
    claims = payload_of(visit.token.token)
    issued, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int | float) or not isinstance(ends, int | float):
        raise Trouble("the token says neither iat nor exp", "see which service answers /session/token")
    answer = visit.answers["POST /api/v1/session/token"]
    told = visit.token
    lasts_s, late_s = ends - issued, ends - told.expires_at.timestamp()
    if abs(lasts_s - told.expires_in_s) > 1 or abs(late_s) > 1:
        raise Trouble(
            f"the token lasts {lasts_s:.0f} s, its answer says {told.expires_in_s} s; "
            f"it ends {abs(late_s):.0f} s {'after' if late_s > 0 else 'before'} the answer's expiresAt",
            "pages refresh by the answer: see who has changed it",
        )
    said = _agreed("the token's iat", issued - (answer.asked_s + answer.answered_s) / 2)
    return f"{said}; lasts {told.expires_in_s} s"


def _agreed(what: str, ahead_s: float) -> str:
    way = "ahead of" if ahead_s > 0 else "behind"
    if abs(ahead_s) > CLOCK_TOLERANCE_S:
        raise Trouble(
            f"{what} is {abs(ahead_s):.0f} s {way} ours; {CLOCK_TOLERANCE_S:.0f} s are borne",
            "see NTP on both machines ('timedatectl' here); Snowflake refuses key-pair tokens of a wrong clock",
        )
    return f"{what} agrees with ours within {max(1.0, abs(ahead_s)):.0f} s"


def headers(ask: Ask) -> str:
    """Every answer has its security headers, and tells no server's version."""
    visit = ask.visit
    answers = visit.of_proxy()
    faults = [f"{answer.what}: {fault}" for answer in answers for fault in _lacking(answer)]
    if faults:
        raise Trouble(_some(faults), "the proxy sends them all: see what the gateway drops, replaces or adds")
    return f"as promised on {len(answers)} answers"


def _lacking(answer: Answer) -> Iterator[str]:
    given = answer.headers
    wanted = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
    for name, value in wanted.items():
        if given.get(name) != value:
            yield f"{name} is {given.get(name)!r}, not {value}"
    if "frame-ancestors" not in given.get("Content-Security-Policy", ""):
        yield "no Content-Security-Policy that forbids framing"
    if not re.search(r"no-store|no-cache", _caching(answer)):
        yield f"Cache-Control is {_caching(answer)!r}, so caches may keep it"
    for name in ("Server", "X-Powered-By", "X-AspNet-Version"):
        if re.search(r"/\d|\d+\.\d+", given.get(name, "")):
            yield f"{name} tells a version: {given[name]}"


def _caching(answer: Answer) -> str:
    return answer.headers.get("Cache-Control", "")


def ids(ask: Ask) -> str:
    """Request id and trace id come back on every answer."""
    visit = ask.visit
    faults, answers = list[str](), visit.of_proxy()
    for answer in answers:
        request_id, trace_id = answer.headers.get("X-Request-Id"), answer.headers.get("X-Trace-Id")
        if request_id != answer.request_id:
            faults.append(f"{answer.what}: X-Request-Id came back as {request_id!r}, not as it was sent")
        if trace_id != visit.trace_id:
            faults.append(f"{answer.what}: X-Trace-Id is {trace_id!r}, not that of our traceparent")
    if faults:
        raise Trouble(
            _some(faults), "the gateway drops or replaces X-Request-Id or traceparent: nobody finds a request"
        )
    return f"request id and trace id came back on {len(answers)} answers"


QUOTA = re.compile(r'"(?P<name>[^"]+)"(?P<rest>(?:;[a-z]+=(?:\d+|"[^"]*"))+)')


def rate_limits(ask: Ask) -> str:
    """Answers tell the quotas that the status tells."""
    visit = ask.visit
    told = []
    for endpoint, what in {"token": "POST /api/v1/session/token", "chat": "POST /api/v1/chat"}.items():
        answer = visit.answers.get(what)
        if answer is None or answer.status >= 300:
            continue
        policy, state = (_quotas(answer, field) for field in ("RateLimit-Policy", "RateLimit"))
        _compare_quotas(visit, endpoint, policy, state)
        told.append(f"{endpoint} {state[endpoint]['r']} of {policy[endpoint]['q']} left")
    return ", ".join(told)


def _quotas(answer: Answer, field: str) -> dict[str, dict[str, int]]:
    value = answer.headers.get(field)
    if value is None:
        raise Trouble(
            f"{answer.what}: no {field}", "the proxy sends it: see what the gateway drops; pages slow down by it"
        )
    found = {}
    for each in QUOTA.finditer(value):
        numbers = re.findall(r";([a-z]+)=(\d+)", each["rest"])
        found[each["name"]] = {name: int(number) for name, number in numbers}
    return found


def _compare_quotas(
    visit: Visit, endpoint: str, policy: dict[str, dict[str, int]], state: dict[str, dict[str, int]]
) -> None:
    for name in (endpoint, f"{endpoint}-burst"):
        quota, left = policy.get(name, {}).get("q"), state.get(name, {}).get("r")
        if quota is None or left is None or left >= quota:
            raise Trouble(
                f"{name}: {left} left of {quota}; this request should be counted", "see what counts, and its Redis"
            )
    said = visit.status.endpoints.get(endpoint) if visit.status else None
    if said and policy[endpoint] != {"q": said.requests, "w": said.window_s}:
        raise Trouble(
            f"{endpoint}: the policy is {policy[endpoint]}, status says {said.requests} in {said.window_s} s",
            "two versions or settings answer behind one address: see the deployment",
        )


# --- session, turn, tools, history ---------------------------------------------------------------------------------


def refusal(ask: Ask) -> str:
    """Without a token nothing is answered, and problems come through as JSON."""
    visit = ask.visit
    answer = ask.send("GET", f"/history/{visit.trace_id}", as_client=False)
    if _refusal_of(answer) == "token-missing":
        return "401 token-missing, as a problem"
    raise Trouble(f"{answer.status_code} without a token", "the door is open: see who answers in the proxy's place")


def _refusal_of(answer: requests.Response) -> str:
    """The kind of a refusal, empty when it is none.   Raises: Trouble when it is no problem."""
    if answer.status_code < 400:
        return ""
    try:
        expect(answer)
    except Refused as refused:
        return refused.kind
    raise AssertionError("expect raises for every status that it is not told")


def token(ask: Ask) -> str:
    """A session is opened."""
    visit = ask.visit
    found = visit.token = ask.model(SessionToken, "POST", "/session/token")
    return f"a session of {found.expires_in_s} s"


def turn(ask: Ask) -> str:
    """A turn streams whole and in order, each event as its contract has it."""
    visit = ask.visit
    assert visit.token is not None, "needs the token"
    question = visit.options.question or (LIVE_QUESTION if _is_live(visit) else QUESTION)
    began_s = time.monotonic()
    body = {"sessionId": visit.token.session_id, "message": question}
    answer = ask.send("POST", "/chat", body=body, stream=True)
    if answer.status_code != 200 or not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
        answer._content = answer.raw.read1(4096, decode_content=True)
        expect(answer)
    heard = visit.heard = listen(ask.reader(answer), began_s, ask.until_s)
    if not heard.is_whole:
        last = heard.events[-1][0] if heard.events else "nothing"
        raise Trouble(
            f"no end within {time.monotonic() - began_s:.0f} s; {len(heard.events)} events came, the last was {last}",
            "ask something shorter by --question; or the agent is slow or stuck: look at the trace",
        )
    end, count = heard.end, len(heard.events)
    if end is not None and end.reason is not EndReason.COMPLETED:
        said = heard.problem or "without a word why"
        raise Trouble(f"the turn ended as {end.reason} after {count} events: {said}", _TURN_BROKE)
    faults = heard.faults()
    if faults:
        raise Trouble(_some(faults), _TURN_BROKE)
    assert end is not None, "the rule was kept"
    if end.usage is None:
        raise Trouble(
            "the turn came whole, but proxy.end does not tell the tokens that were used",
            "of a live agent costs and tokens are not seen then; a stand-in reports none for a question that nobody "
            "recorded: ask one that somebody did",
        )
    text = sum(1 for name, _ in heard.events if name == "response.text.delta")
    return f"{count} events, {text} of text, {end.usage.output_tokens} tokens, {end.duration_ms:.0f} ms"


_TURN_BROKE = "look at the run's trace; whoever cuts or changes streams between here and the proxy shows here, too"


def _is_live(visit: Visit) -> bool:
    return visit.status is not None and visit.status.mode == "live"


def streaming(ask: Ask) -> str:
    """The stream is neither held back, nor compressed, nor cached."""
    visit = ask.visit
    answer, heard = visit.answers["POST /api/v1/chat"], visit.heard
    assert heard is not None, "needs the turn"
    faults = [
        f"{name} is {answer.headers[name]!r}"
        for name in ("Content-Encoding", "Content-Length")
        if name in answer.headers
    ]
    if "no-transform" not in _caching(answer):
        faults.append(f"Cache-Control is {_caching(answer)!r}, without no-transform")
    do = "switch off buffering, caching and compression of /api/v1/chat on the gateway (proxy/deploy/nginx.conf)"
    if faults:
        raise Trouble(_some(faults), do)
    held_ms, lasted_ms = heard.held_back_ms(), heard.lasted_ms()
    if held_ms is None or lasted_ms is None:
        raise NotApplicable("the proxy did not say when its first event came")
    if lasted_ms < LONG_ENOUGH_MS:
        return f"headers as promised; the turn was too short ({lasted_ms:.0f} ms) to tell whether it is held back"
    if held_ms > min(HELD_BACK_MS, lasted_ms / 2):
        raise Trouble(
            f"the first event came {held_ms:.0f} ms after the proxy sent it, of {lasted_ms:.0f} ms in all", do
        )
    return f"the first event came {max(0.0, held_ms):.0f} ms after the proxy had it"


def _tool(name: ToolName, model: type[BaseModel], body: Callable[[Visit], Any], says: Callable[[Any], str]) -> Check:
    def look(ask: Ask) -> str:
        visit = ask.visit
        if name in visit.options.without:
            raise NotApplicable("left out by --without")
        try:
            return says(ask.model(model, "POST", f"/tools/{name}", body=body(visit)))
        except Refused as refused:
            if refused.kind == "tool-unknown":
                raise NotApplicable(f"the target does not offer it ({refused.found})") from refused
            if refused.kind in ("upstream-not-found", "upstream-forbidden"):
                raise Trouble(refused.found, f"{refused.do}; or leave it out by --without {name}") from refused
            raise

    return Check(f"tool_{name}", f"The tool {name} answers as its contract has it.", look, ("token",), SLOW_S)


ROWS = [{"REGION": "EMEA", "NET_SALES": 2}, {"REGION": "APAC", "NET_SALES": 1}]
"""Made up, tiny, and no query: what the chart is drawn of."""


def _one(answer: SqlAnswer) -> str:
    if answer.rows != [["1"]]:
        raise Trouble(f"SELECT 1 gave {answer.rows}", "see the warehouse, and what stands between")
    return "SELECT 1 gave 1"


def _chart(answer: ChartAnswer) -> str:
    return f"a chart with {', '.join(sorted(answer.chart))}"


TOOLS = (
    _tool(
        ToolName.SEARCH,
        SearchAnswer,
        lambda visit: {"query": visit.options.search_query, "limit": 1},
        lambda answer: f"{len(answer.results)} documents",
    ),
    _tool(
        ToolName.ANALYST,
        AnalystAnswer,
        lambda visit: {"messages": [{"role": "user", "text": visit.options.analyst_question}]},
        lambda answer: "a statement" if answer.sql else f"{len(answer.suggestions)} suggestions",
    ),
    _tool(ToolName.SQL, SqlAnswer, lambda _visit: {"statement": "SELECT 1 AS ONE", "maxRows": 1}, _one),
    _tool(ToolName.CHART, ChartAnswer, lambda _visit: {"intent": "net sales by region, as bars", "rows": ROWS}, _chart),
)


def history(ask: Ask) -> str:
    """The turn is kept as it was streamed."""
    visit = ask.visit
    assert visit.token is not None, "needs the token"
    assert visit.heard is not None, "needs the turn"
    start = visit.heard.start
    assert start is not None, "the turn keeps its rule"
    until_s = time.monotonic() + HISTORY_SETTLE_S
    while True:
        page = ask.model(HistoryPage, "GET", f"/history/{visit.token.session_id}")
        kept = next((each for each in page.turns if each.turn_id == start.turn_id), None)
        if kept is not None or time.monotonic() > until_s:
            break
        time.sleep(0.2)
    if kept is None:
        raise Trouble(
            f"the turn is not among the {len(page.turns)} kept ones, {HISTORY_SETTLE_S:.0f} s after its end",
            "see the proxy's log for 'the history failed'; several processes need one Redis",
        )
    if not kept.complete or not kept.answer or kept.trace_id != visit.trace_id:
        raise Trouble(
            f"kept as complete={kept.complete}, {len(kept.answer)} characters, trace {kept.trace_id}",
            "what is kept is not what was streamed: look at the trace",
        )
    return f"the turn is kept whole, {len(kept.answer)} characters"


def goodbye(ask: Ask) -> str:
    """Our own turn and session can be deleted, and are."""
    visit = ask.visit
    assert visit.token is not None, "needs the token"
    session = f"/history/{visit.token.session_id}"
    expect(ask.send("DELETE", session), 204)
    expect(ask.send("DELETE", "/session/token"), 204)
    if _refusal_of(ask.get(session)) == "token-invalid":
        return "our turn is deleted, our session ended, its token refused"
    raise Trouble("the token still works after its session's end", "ended sessions are not shared: see the Redis")


# --- all of them -----------------------------------------------------------------------------------------------------


def _some(faults: list[str]) -> str:
    more = len(faults) - SHOWN_FAULTS
    return "; ".join(faults[:SHOWN_FAULTS]) + (f"; and {more} more" if more > 0 else "")


def _check(look: Callable[[Ask], str], *needs: str, timeout_s: float = 10.0) -> Check:
    return Check(look.__name__, (look.__doc__ or "").splitlines()[0], look, needs, timeout_s)


WAVES: tuple[tuple[Check, ...], ...] = (
    (_check(connection),),
    (
        _check(certificate, "connection"),
        _check(tls, "connection"),
        _check(hsts, "connection"),
        _check(livez, "connection"),
        _check(readyz, "connection"),
        _check(status, "connection"),
        _check(contract, "connection"),
        _check(clock, "connection"),
        _check(refusal, "connection"),
        _check(token, "connection"),
    ),
    (_check(turn, "token", timeout_s=SLOW_S), *TOOLS),
    (_check(token_clock, "token"), _check(streaming, "turn"), _check(history, "turn")),
    (_check(headers, "connection"), _check(ids, "connection"), _check(rate_limits, "token")),
    (_check(goodbye, "token"),),
)

CHECKS: tuple[Check, ...] = tuple(check for wave in WAVES for check in wave)
