"""Play the Cortex proxy's recorded answers to a page under test: a small server, and fixtures for pytest-playwright.

    def test_a_cut_answer_can_be_asked_again(page, cortex):
        cortex.scenario = "cut_mid_stream"
        page.goto("http://127.0.0.1:5173/")
        ...

`cortex` leads every request of the page's context that goes to `/api/v1/` to the server, whatever its origin; the page
notices nothing. It is a real server because `route.fulfill` takes no stream: frames come over a socket, each at its own
time, a page that leaves is noticed, and connections really break. Copy this file and `recordings/` beside your tests,
and name it in `conftest.py`: `pytest_plugins = ["cortex_playback"]`.

The same rules as `stage.js`, which the MSW handlers play by: change both.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import struct
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

HERE = Path(__file__).parent
PATTERN = re.compile(r"^[^?#]*/api/v1/|^[^?#]*//[^/]*/(livez|readyz|status)([?#]|$)")
"""Addresses that the proxy answers."""

SESSION = "6b0f1f0e6a144a559d0e3a7a2f1d5c77"
TURN = "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
REQUEST = "2f1d5c776b0f4f0e9d0e3a7a6a144a55"
# The examples of the client API, which recordings hold in the place of what is new each time.

HEARTBEAT, HEARTBEAT_MS = b": heartbeat\n\n", 15_000.0
NEAREST = 3
PROBLEMS = "https://cortex-harness.dev/problems/"
TOOLS = ("search", "analyst", "sql", "chart")
OPEN = ("/livez", "/readyz", "/status")

Json = dict[str, Any]


# --- what there is


@dataclass(frozen=True)
class Catalogue:
    """Every recording of a folder, by kind and name."""

    recordings: Mapping[str, Json]

    @classmethod
    def of(cls, folder: Path) -> Catalogue:
        """All recordings of a folder.   Raises: FileNotFoundError when it holds none."""
        found = [
            json.loads(path.read_text("utf-8")[len("export default ") : -2]) for path in sorted(folder.glob("*.js"))
        ]
        if not found:
            raise FileNotFoundError(
                f"{folder}: no recordings; write them with 'cortex-harness export playwright --out'"
            )
        return cls({f"{each['kind']} {each['name']}": each for each in found})

    def named(self, *kinds: str) -> dict[str, Json]:
        """Recordings of these kinds, by name."""
        return {each["name"]: each for each in self.recordings.values() if each["kind"] in kinds}

    @property
    def scenarios(self) -> list[str]:
        """What can be played."""
        return sorted(self.named("scenario", "problem", "network"))


@lru_cache(maxsize=2)
def catalogue(folder: Path | None = None) -> Catalogue:
    """The recordings beside this file, or those of the repository's MSW package."""
    beside = HERE / "recordings"
    return Catalogue.of(folder or (beside if beside.is_dir() else HERE.parent / "msw" / "recordings"))


# --- what a request says

_CONTROLS = {
    "scenario": ("x-mock-scenario", "mock.scenario", "mock_scenario"),
    "pace": ("x-mock-pace", "mock.pace", "mock_pace"),
    "test_id": ("x-test-id", "test.id", "test_id"),
}


@dataclass
class Asked:
    """A request, its body read. Header names are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes = b""
    path: str = field(init=False)
    body: Any = field(init=False, default_factory=dict)
    is_malformed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self.path, self.query = parts.path, {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            self.body = json.loads(self.content or b"{}")
        except ValueError:
            self.is_malformed = True

    def control(self, name: str) -> str | None:
        """What the request asks of the player: by header, by baggage, by query."""
        header, member, parameter = _CONTROLS[name]
        baggage = (each.split(";")[0].partition("=") for each in self.headers.get("baggage", "").split(","))
        carried = {key.strip(): unquote(value.strip()) for key, equals, value in baggage if equals}
        return self.headers.get(header) or carried.get(member) or self.query.get(parameter)

    @property
    def route(self) -> str:
        """The path as recordings write it."""
        known = ((r"/tools/[^/]+$", "/tools/{toolName}"), (r"/history/[^/]+$", "/history/{sessionId}"))
        for pattern, template in known:
            if re.search(pattern, self.path):
                return re.sub(pattern, template, self.path)
        return self.path

    @property
    def tool(self) -> str | None:
        """Which tool is asked."""
        found = re.search(r"/tools/([^/]+)$", self.path)
        return found[1] if found else None

    @property
    def session(self) -> str | None:
        """The session that it names."""
        found = re.search(r"/history/([^/]+)$", self.path)
        named = found[1] if found else self.member("sessionId")
        return named if isinstance(named, str) else None

    @property
    def request_id(self) -> str | None:
        """The request id that the client wants."""
        found = re.fullmatch(r"[A-Za-z0-9._-]{8,64}", self.headers.get("x-request-id", ""))
        return found[0] if found else None

    @property
    def trace_id(self) -> str | None:
        """The client's trace."""
        found = re.match(r"[0-9a-f]{2}-([0-9a-f]{32})-", self.headers.get("traceparent", ""))
        return found[1] if found else None

    def member(self, name: str) -> Any:
        """A member of the body."""
        return self.body.get(name) if isinstance(self.body, dict) else None

    @property
    def thread(self) -> str | None:
        """Where a turn stands: nowhere, first in a thread of its own, or further on."""
        if self.tool is not None:
            return None
        if self.member("threadId") is not None:
            return "goes-on"
        return "new" if self.member("parentMessageId") == 0 else "none"

    @property
    def threads(self) -> tuple[str | None, ...]:
        """Which recordings fit there; what opened a thread of its own also goes on in another."""
        return ("goes-on", "new") if self.thread == "goes-on" else (self.thread,)

    @property
    def told(self) -> Json:
        """What its recording is found by."""
        if self.tool == "search":
            return {"query": self.member("query")}
        if self.tool == "sql":
            return {"statement": self.member("statement")}
        if self.tool == "analyst":
            messages = self.member("messages")
            last = messages[-1] if isinstance(messages, list) and messages else {}
            return {"question": last.get("text"), "stream": self.member("stream") is True}
        message = self.member("message")
        if isinstance(message, dict):
            return {"toolUseId": message.get("toolResult", {}).get("toolUseId")}
        return {"message": message}

    @property
    def question(self) -> str:
        """The words in it."""
        return next((each for each in self.told.values() if isinstance(each, str)), "")


_INVALID = (400, "invalid-request", "The request is invalid")
_MISSED = (404, "upstream-not-found", "No recorded answer")


# --- what it gets


@dataclass
class Frame:
    """Bytes, and when they are due, in milliseconds since the request."""

    due_ms: float
    data: bytes


@dataclass
class Plan:
    """What a request gets, and when. `ended` is to be told once how many frames left."""

    status: int
    headers: dict[str, str]
    frames: list[Frame]
    head_ms: float = 0.0
    ends: str = "clean"
    ended: Callable[[int], None] = lambda _sent: None

    @property
    def is_stream(self) -> bool:
        """Whether frames leave one by one; any other body leaves as a whole, with its head."""
        return self.headers.get("Content-Type", "").startswith("text/event-stream")


@dataclass
class Stage:
    """Which recorded answer a request gets, and what of it is new each time. Threads may share it."""

    held: Catalogue
    scenario: str | None = None
    pace: float = 1.0
    _sessions: int = 0
    _threads: int = 0
    _turns: int = 0
    _requests: int = 0
    _asked: dict[str, int] = field(default_factory=dict)
    _history: dict[str, list[Json]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, asked: Asked) -> Plan:
        """The plan of an answer."""
        with self._lock:
            return self._answer(asked)

    def reset(self) -> None:
        """Sessions, histories and how often a scenario was asked are forgotten."""
        with self._lock:
            self._sessions = self._threads = self._turns = self._requests = 0
            self._asked.clear()
            self._history.clear()

    def _answer(self, asked: Asked) -> Plan:
        pace = _pace(asked.control("pace"), self.pace)
        if pace is None:
            return self._refuse(asked, _INVALID, "pace is not from 0 to 1000.")
        scene = asked.control("scenario") or self.scenario or "none"
        known = self.held.named("scenario", "problem", "network")
        if scene != "none" and scene not in known:
            near = nearest(scene, list(known))
            detail = f"There is no scenario {json.dumps(scene[:100])}; near ones: {', '.join(near)}."
            return self._refuse(asked, _INVALID, detail, near)
        found = self._find(asked, scene, known.get(scene))
        return found if isinstance(found, Plan) else self._plan(asked, scene, found, pace)

    def _find(self, asked: Asked, scene: str, recording: Json | None) -> Json | Plan:
        if recording is not None:
            exchanges = [each for each in recording["exchanges"] if _is_route(each, asked)]
            if exchanges:
                return _choose(exchanges, asked) or self._unmatched(asked, exchanges, scene)
        if (refusal := _refused(asked)) is not None:
            return cast(Json, self.held.named("problem")[refusal]["exchanges"][0])
        if asked.path == "/api/v1/chat":
            among = [each for story in self.held.named("story").values() for each in story["exchanges"]]
        else:
            part = "tools" if asked.tool else "plain"
            among = [each for each in self.held.named("proxy")[part]["exchanges"] if _is_route(each, asked)]
        return _choose(among, asked) or self._unmatched(asked, among, "none")

    def _plan(self, asked: Asked, scene: str, exchange: Json, pace: float) -> Plan:
        key = json.dumps([asked.control("test_id"), scene, exchange["request"]])
        number = self._asked.get(key, 0)
        self._asked[key] = number + 1
        recorded = exchange["answers"][_step(exchange, number)]
        names, started = self._names(asked, recorded), datetime.now(UTC)
        rename = _renamer(names, recorded.get("place"))
        headers = {name: rename(value) for name, value in recorded["headers"].items()}
        frames = [_frame(each, rename, pace) for each in recorded["frames"]]
        plan = Plan(recorded["status"], headers, frames, recorded.get("headMs", 0.0), recorded.get("ends", "clean"))
        if plan.is_stream:
            plan.frames = _with_heartbeats(frames)
        else:
            self._fill(asked, recorded, plan, started.timestamp())
        plan.ended = _once(lambda sent: self._remember(recorded, names, plan.frames, sent, started))
        return plan

    def _fill(self, asked: Asked, recorded: Json, plan: Plan, now_s: float) -> None:
        """What of a whole body depends on when, and on what was asked before."""
        plan.head_ms = plan.frames[-1].due_ms if plan.frames else 0.0
        if "moments" in recorded:
            moments = {name: _moment(now_s + after_s) for name, after_s in recorded["moments"].items()}
            plan.frames[0].data = _compact({**json.loads(plan.frames[0].data), **moments})
        if asked.route == "/api/v1/history/{sessionId}" and plan.status < 300:
            if asked.method == "DELETE":
                self._history.pop(str(asked.session), None)
            else:
                plan.frames[0].data = self._page(asked, json.loads(plan.frames[0].data))

    def _page(self, asked: Asked, page: Json) -> bytes:
        turns = self._history.get(str(asked.session), [])
        start = int(asked.query.get("cursor", 0))
        end = start + int(asked.query.get("limit", 20))
        return _compact({**page, "turns": turns[start:end], "nextCursor": str(end) if end < len(turns) else None})

    def _names(self, asked: Asked, recorded: Json) -> Json:
        if asked.path == "/api/v1/session/token" and asked.method == "POST" and "authorization" not in asked.headers:
            self._sessions += 1
        names: Json = {SESSION: asked.session or _numbered(SESSION, max(self._sessions - 1, 0)), TURN: TURN}
        names[REQUEST] = asked.request_id or _numbered(REQUEST, self._requests)
        names[TRACE] = asked.trace_id or _numbered(TRACE, self._requests)
        self._requests += 1
        place = recorded.get("place")
        if place is None and "turn" not in recorded:
            return names
        names[TURN] = _numbered(TURN, self._turns)
        if place is not None:
            goes_on, message = asked.member("threadId"), place.get("user_message_id", 0) + 2 * self._turns
            thread = place["thread_id"] + self._threads if goes_on is None else goes_on
            self._threads += goes_on is None
            names["place"] = {"thread_id": thread, "user_message_id": message, "assistant_message_id": message + 1}
        self._turns += 1
        return names

    def _remember(self, recorded: Json, names: Json, frames: list[Frame], sent: int, started: datetime) -> None:
        if "turn" not in recorded:
            return
        turn = dict(recorded["turn"])
        if (place := names.get("place")) is not None:
            turn["threadId"] = place["thread_id"]
            if turn.get("assistantMessageId") is not None:
                turn["assistantMessageId"] = place["assistant_message_id"]
        took_ms = round((datetime.now(UTC) - started).total_seconds() * 1000, 1)
        turn |= {"turnId": names[TURN], "traceId": names[TRACE], "durationMs": took_ms}
        turn["startedAt"] = started.isoformat().replace("+00:00", "Z")
        if turn.get("content") == "streamed":
            turn["content"] = _content(frames)
        if sent < len(frames):
            turn |= {"complete": False, "endReason": "client_gone", "content": None, "usage": None}
            turn["answer"] = "".join(each["text"] for each in _payloads(frames[:sent], "response.text.delta"))
        with self._lock:
            self._history.setdefault(names[SESSION], []).insert(0, turn)

    def _unmatched(self, asked: Asked, among: list[Json], scene: str) -> Plan:
        names = ("message", "question", "query", "statement")
        questions = [text for each in among for name in names if (text := each["request"].get(name)) is not None]
        known = nearest(asked.question, list(dict.fromkeys(questions)))
        within = "" if scene == "none" else f" in scenario {scene}"
        thread = " that goes on there" if asked.path == "/api/v1/chat" and asked.thread == "goes-on" else ""
        listed = ", ".join(_words(each) for each in known) or "nothing"
        detail = f"Nothing is recorded{within} for {_words(asked.question[:300])}{thread}; nearest: {listed}."
        return self._refuse(asked, _MISSED, detail, known)

    def _refuse(self, asked: Asked, told: tuple[int, str, str], detail: str, known: list[str] | None = None) -> Plan:
        status, kind, title = told
        request_id = asked.request_id or _numbered(REQUEST, self._requests)
        trace_id = asked.trace_id or _numbered(TRACE, self._requests)
        self._requests += 1
        problem: Json = {"type": PROBLEMS + kind, "title": title, "status": status, "detail": detail}
        problem |= {"instance": request_id, "traceId": trace_id, "retryable": False}
        problem |= {} if known is None else {"known": known}
        headers = {"Content-Type": "application/problem+json", "X-Request-Id": request_id, "X-Trace-Id": trace_id}
        return Plan(status, headers, [Frame(0.0, _compact(problem))])


def _pace(asked: str | None, usual: float) -> float | None:
    try:
        pace = usual if asked is None else float(asked)
    except ValueError:
        return None
    return pace if 0 <= pace <= 1000 else None


def _refused(asked: Asked) -> str | None:
    """What the proxy refuses before it looks at what is asked."""
    is_issue = (asked.method, asked.path) == ("POST", "/api/v1/session/token")
    is_report = asked.path == "/api/v1/metrics/report" and asked.member("token") is not None
    is_open = asked.path.removeprefix("/api/v1") in OPEN
    if not (is_open or is_issue or is_report) and "authorization" not in asked.headers:
        return "problem/token-missing"
    if asked.is_malformed:
        return "problem/malformed-json"
    return "problem/tool-unknown" if asked.tool is not None and asked.tool not in TOOLS else None


def _is_route(exchange: Json, asked: Asked) -> bool:
    path = exchange["request"]["path"]
    same = path in (asked.route, asked.path) or f"/api/v1{path}" == asked.path
    return bool(same and exchange["request"]["method"] == asked.method)


def _choose(exchanges: list[Json], asked: Asked) -> Json | None:
    anything = next((each for each in exchanges if each["request"].get("anything")), None)
    if anything is not None:
        return anything
    fitting = (each for thread in asked.threads for each in exchanges if _is_asked(each["request"], asked, thread))
    return next(fitting, None)


def _is_asked(request: Json, asked: Asked, thread: str | None) -> bool:
    if request.get("thread", thread) != thread:
        return False
    return all(_is_same(request.get(name), value) for name, value in asked.told.items())


def _is_same(recorded: Any, found: Any) -> bool:
    if isinstance(recorded, str) and isinstance(found, str):
        return canonical(recorded) == canonical(found)
    return bool(recorded == found)


def canonical(question: str) -> str:
    """A question as it is compared: case, white space, Unicode form and closing punctuation do not count."""
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", question).lower())
    return re.sub(r"\s+", " ", folded).strip().rstrip("?!. …？！。")


def _step(exchange: Json, number: int) -> int:
    order: list[int] = exchange.get("order", [0])
    return order[number % len(order) if exchange.get("beginsAgain") else min(number, len(order) - 1)]


def nearest(asked: str, among: list[str]) -> list[str]:
    """Those that read most like it, best first."""
    wanted = _pairs(asked)
    scores = {each: 2 * len(wanted & _pairs(each)) / (len(wanted) + len(_pairs(each)) or 1) for each in among}
    return sorted(among, key=lambda each: -scores[each])[:NEAREST]


def _pairs(words: str) -> set[str]:
    plain = canonical(words)
    return {plain[at : at + 2] for at in range(len(plain) - 1)}


def _words(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _compact(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(int(at_s), UTC).isoformat().replace("+00:00", "Z")


def _numbered(example: str, number: int) -> str:
    """The n-th name after an example: the same but for its last six digits."""
    return example if number == 0 else f"{example[:-6]}{number:06x}"


def _renamer(names: Json, place: Json | None) -> Callable[[str], str]:
    """Puts this request's names in the place of the examples."""
    swaps = [(example, names[example]) for example in (SESSION, TURN, TRACE, REQUEST) if names[example] != example]
    ids = [] if place is None else _id_swaps(place, names["place"])

    def rename(text: str) -> str:
        for example, name in swaps:
            text = text.replace(example, name)
        if ids and re.search(r"^event: (metadata|response|proxy\.start)\r?$", text, re.MULTILINE):
            for pattern, name in ids:
                text = pattern.sub(name, text)
        return text

    return rename


def _id_swaps(here: Json, there: Json) -> list[tuple[re.Pattern[str], str]]:
    if all(there[name] == value for name, value in here.items()):
        return []
    run = f"{here['thread_id']}-{here.get('user_message_id')}"
    swaps = [
        (re.compile(rf'("threadId":|"thread_id":){here["thread_id"]}\b'), rf"\g<1>{there['thread_id']}"),
        (re.compile(rf'("run_id":"){run}"'), rf'\g<1>{there["thread_id"]}-{there["user_message_id"]}"'),
    ]
    messages = (name for name in ("user_message_id", "assistant_message_id") if name in here)
    return swaps + [
        (re.compile(rf'("{name}":|"message_id":){here[name]}\b'), rf"\g<1>{there[name]}") for name in messages
    ]


def _frame(recorded: Json, rename: Callable[[str], str], pace: float) -> Frame:
    due_ms = recorded.get("atMs", 0.0) * pace + recorded.get("heldMs", 0.0)
    if "base64" in recorded:
        return Frame(due_ms, base64.b64decode(recorded["base64"]))
    return Frame(due_ms, rename(recorded["text"]).encode())


def _with_heartbeats(frames: list[Frame]) -> list[Frame]:
    """The proxy fills long silences between whole frames."""
    filled = frames[:1]
    for frame in frames[1:]:
        due_ms = filled[-1].due_ms + HEARTBEAT_MS
        while due_ms < frame.due_ms and filled[-1].data.endswith(b"\n\n"):
            filled.append(Frame(due_ms, HEARTBEAT))
            due_ms += HEARTBEAT_MS
        filled.append(frame)
    return filled


def _payloads(frames: list[Frame], event: str) -> Iterator[Json]:
    for frame in frames:
        if frame.data.startswith(f"event: {event}\n".encode()):
            with suppress(ValueError):
                yield json.loads(frame.data.partition(b"data: ")[2])


def _content(frames: list[Frame]) -> list[Json] | None:
    final = next(_payloads(frames, "response"), {})
    blocks = final.get("content")
    return None if blocks is None else [each for each in blocks if each.get("type") != "thinking"]


def _once(act: Callable[[int], None]) -> Callable[[int], None]:
    done: list[bool] = []

    def acted(sent: int) -> None:
        if not done:
            done.append(True)
            act(sent)

    return acted


# --- the server


class _Handler(BaseHTTPRequestHandler):
    """One connection. Frames leave at absolute deadlines, so that a late one never delays those behind it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        started_s = time.monotonic()
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        plan = self.server.stage.answer(Asked(self.command, self.path, headers, content))
        try:
            self._play(plan, started_s)
        except OSError:  # the page has left
            self.close_connection = True

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the base class looks for these names

    def do_OPTIONS(self) -> None:
        """A preflight: any page may ask, for this server is a test's own."""
        self._head(204, {"Access-Control-Allow-Methods": "GET, POST, DELETE", "Access-Control-Max-Age": "600"}, 0)

    def _play(self, plan: Plan, started_s: float) -> None:
        if plan.ends == "unreachable":
            self._break(reset=False)
            return
        _sleep_until(started_s + plan.head_ms / 1000)
        if not plan.is_stream:
            body = b"".join(frame.data for frame in plan.frames)
            self._head(plan.status, plan.headers, len(body))
            self.wfile.write(body)
            plan.ended(len(plan.frames))
            return
        self._head(plan.status, plan.headers, None)
        sent = 0
        try:
            for frame in plan.frames:
                _sleep_until(started_s + frame.due_ms / 1000)
                self.wfile.write(b"%x\r\n%b\r\n" % (len(frame.data), frame.data))
                sent += 1
        finally:
            plan.ended(sent)
        if plan.ends == "clean":
            self.wfile.write(b"0\r\n\r\n")
        else:
            self._break(reset=plan.ends == "reset")

    def _head(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        elif status != 204:
            self.send_header("Content-Length", str(length))
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
        self.send_header("Access-Control-Allow-Headers", self.headers.get("Access-Control-Request-Headers", "*"))
        self.send_header("Access-Control-Expose-Headers", ", ".join(headers))
        self.end_headers()

    def _break(self, *, reset: bool) -> None:
        if reset:  # an answer that is thrown away is told to the other end at once
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR) if not reset else self.connection.close()
        self.close_connection = True

    def finish(self) -> None:
        """The connection is over; one that was broken off is over already."""
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_args: Any) -> None:
        """Nothing: the test tells what it sees."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stage: Stage) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stage = stage

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that leaves is no error; anything else is told on stderr."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _sleep_until(due_s: float) -> None:
    while (left_s := due_s - time.monotonic()) > 0:
        time.sleep(left_s)


class Playback(Stage):
    """A running server: set `scenario` and `pace`, look at `url`."""

    url: str = ""

    @property
    def scenarios(self) -> list[str]:
        """What can be played."""
        return self.held.scenarios


@contextmanager
def playing(folder: Path | None = None, **options: Any) -> Iterator[Playback]:
    """A server on a free port of this machine, ended on exit.   folder: of recordings, by default those beside this."""
    stage = Playback(catalogue(folder), **options)
    server = _Server(stage)
    stage.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stage
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def lead(context: Any, playback: Playback) -> None:
    """Every request of a browser context to the proxy goes to the server; the page sees the address that it asked."""

    def onward(route: Any) -> None:
        parts = urlsplit(route.request.url)
        query = f"?{parts.query}" if parts.query else ""
        route.continue_(url=f"{playback.url}{parts.path}{query}")

    context.route(PATTERN, onward)


@pytest.fixture(scope="session")
def cortex_server() -> Iterator[Playback]:
    """The server, for the whole run."""
    with playing() as playback:
        yield playback


@pytest.fixture
def cortex(context: Any, cortex_server: Playback) -> Playback:
    """The server, as new, with this test's browser context led to it."""
    cortex_server.reset()
    cortex_server.scenario, cortex_server.pace = None, 1.0
    lead(context, cortex_server)
    return cortex_server
