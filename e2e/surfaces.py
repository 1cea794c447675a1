"""Clients of the surfaces that play the proxy's answers, and how what they hear is compared.

A surface is told as play.mjs wants it: `{"msw": <entry>}`, `{"playback": <server.js>}` or `{"url": ...}`.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from contracts import nodejs
from contracts.api import PREFIX
from contracts.examples import REQUEST_ID, SESSION_ID, TRACE_ID, TURN_ID
from e2e.client_api import TIMEOUT_S, Client
from e2e.stack import Stack
from mocks import export
from mocks.playwright.cortex_playback import catalogue

HERE = Path(__file__).parent / "conformance"
PLAY, SERVER = HERE / "play.mjs", export.PLAYWRIGHT / "server.js"

Json = dict[str, Any]
Surface = Mapping[str, str]
THE_SERVER: Surface = {"playback": str(SERVER)}
"""Of the TypeScript fixture."""

QUESTION = "Net sales by region"
CHAT = f"{PREFIX}/chat"
MOST_OFF_MS = 5
"""Between a gap and the recorded one; so no two surfaces are further than 10 ms apart."""

TIMED = ("none", "stall_mid_stream", "slow_start", "heartbeat_only")
"""Scenarios whose gaps are measured: an answer as recorded, a silence, a slow head, comments."""

PLAYS, STAGGER_MS, ROUNDS = 2, 173, 10
"""So many plays at a time, begun at different moments, and at most so many times; few, or they delay each other."""

PLAY_TIMEOUT_S = 100


# --- asking


@dataclass(frozen=True)
class Told:
    """One exchange of a recording, how to ask for it, and what is to be heard."""

    name: str
    scenario: str
    exchange: Json

    @property
    def times(self) -> int:
        """How many requests show all of it."""
        return len(self.exchange.get("order", [0]))

    def ask(self) -> Json:
        """For play.mjs."""
        request = self.exchange["request"]
        path = request["path"].replace("{sessionId}", SESSION_ID).replace("{toolName}", "weather")
        ask = {"method": request["method"], "path": path, "scenario": self.scenario, "pace": 0, "headers": headers()}
        if self.scenario == "problem/token-missing" or path.endswith("/session/token"):
            ask["headers"] = {key: value for key, value in headers().items() if key != "authorization"}
        if path == f"{PREFIX}/session/token" and request["method"] == "DELETE":
            ask["headers"] = headers()
        return {**ask, "times": self.times} | (
            {"body": json.dumps(self._body())} if request["method"] == "POST" else {}
        )

    def _body(self) -> Json:
        request, place = self.exchange["request"], self.exchange["answers"][0].get("place", {})
        if "/tools/" in request["path"]:
            asked = {"role": "user", "text": request.get("question", QUESTION)}
            told = {key: request[key] for key in ("query", "statement", "stream") if key in request}
            return {**told, "messages": [asked]}
        if request["path"] != CHAT:
            return {}
        threads = {"new": {"parentMessageId": 0}, "goes-on": {"threadId": place.get("thread_id"), "parentMessageId": 7}}
        message: Any = request.get("message", QUESTION)
        if "toolUseId" in request:
            message = {"toolResult": {"toolUseId": request["toolUseId"]}}
        return {"sessionId": SESSION_ID, "message": message, **threads.get(request.get("thread", ""), {})}

    def expected(self) -> list[Json]:
        """Each answer in order, as it is compared."""
        answers, order = self.exchange["answers"], self.exchange.get("order", [0])
        return [
            compared(answers[number]["status"], answers[number]["headers"], body_of(answers[number]))
            for number in order
        ]


def headers(**more: str) -> dict[str, str]:
    """Of a client whose ids are the recordings' examples."""
    own = {"authorization": "Bearer anything", "content-type": "application/json", "x-request-id": REQUEST_ID}
    return {**own, "traceparent": f"00-{TRACE_ID}-{TRACE_ID[:16]}-01", **more}


def body_of(answer: Json) -> bytes:
    """All bytes of a recorded answer."""
    return b"".join(data_of(each) for each in answer["frames"])


def data_of(frame: Json) -> bytes:
    """A recorded frame's bytes."""
    return base64.b64decode(frame["base64"]) if "base64" in frame else frame["text"].encode()


@cache
def told() -> tuple[Told, ...]:
    """Everything that is recorded and comes from the proxy."""
    shown = (each for each in catalogue().recordings.values() if each["kind"] != "network")
    found = []
    for recording in shown:
        scenario = recording["name"] if recording["kind"] in ("scenario", "problem") else "none"
        for number, exchange in enumerate(recording["exchanges"]):
            found.append(Told(f"{recording['name']}:{number}", scenario, exchange))
    return tuple(found)


def play(where: Surface, asks: Sequence[Json]) -> list[list[Json]]:
    """What a Node client hears, ask by ask."""
    document = json.dumps({**where, "asks": asks})
    done = subprocess.run(  # noqa: S603 - our own script
        [nodejs.node(), str(PLAY)],
        input=document,
        capture_output=True,
        text=True,
        timeout=PLAY_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers: list[list[Json]] = json.loads(done.stdout)
    return answers


def heard_body(heard: Json) -> bytes:
    """All bytes that arrived."""
    return b"".join(base64.b64decode(data) for _, data in heard["chunks"])


# --- comparing

_IDS = re.compile(
    "|".join(f"({each[:-6]})[0-9a-f]{{6}}" for each in (SESSION_ID, TURN_ID, TRACE_ID, REQUEST_ID))
    + r'|("(?:threadId|(?:thread|message|user_message|assistant_message)_id)":)\d+|("run_id":)"[0-9-]+"'
    + r'|("(?:expiresAt|sessionExpiresAt)":)"[^"]+"|("upstreamBytes":)\d+'
)


def compared(status: int, sent: Mapping[str, str], body: bytes) -> Json:
    """Status, type, and events, or the body of what is no stream; ids and moments apart."""
    kinds = {name.lower(): value for name, value in sent.items()}
    plain = _IDS.sub(lambda found: f"{next(filter(None, found.groups()))}*", body.decode("utf-8", "replace"))
    content = events(plain) if kinds.get("content-type", "").startswith("text/event-stream") else plain
    limited = {name: kinds[name] for name in ("content-type", "retry-after", "ratelimit-policy") if name in kinds}
    return {"status": status, "headers": limited, "content": content}


def events(text: str) -> list[list[str]]:
    """Name and data of each event, comments as they are.   Source: WHATWG HTML, event stream interpretation."""
    found = []
    for frame in re.sub(r"\r\n?", "\n", text).split("\n\n"):
        if frame:
            fields = [line.partition(":")[::2] for line in frame.split("\n")]
            found.append([f"{name}={value.removeprefix(' ')}" for name, value in fields])
    return found


def difference(expected: Sequence[Json], found: Sequence[Json]) -> str | None:
    """In words, the first difference of two answers; None when they agree."""
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        for key in one:
            if one[key] != other[key]:
                return f"answer {number}, {key}: {_first(one[key], other[key])}"
    return None


def _first(one: Any, other: Any) -> str:
    if isinstance(one, list) and isinstance(other, list):
        pairs = enumerate(zip([*one, None], [*other, None], strict=False))
        at, pair = next((at, pair) for at, pair in pairs if pair[0] != pair[1])
        return f"event {at} was to be {str(pair[0])[:200]}, was {str(pair[1])[:200]}"
    return f"was to be {str(one)[:300]}, was {str(other)[:300]}"


def differences(where: Surface, wanted: Sequence[Told]) -> list[str]:
    """Which exchanges a surface shows otherwise than recorded."""
    answers = play(where, [each.ask() for each in wanted])
    found = []
    for each, heard in zip(wanted, answers, strict=True):
        shown = [compared(one["status"], one["headers"], heard_body(one)) for one in heard]
        if (differs := difference(each.expected(), shown)) is not None:
            found.append(f"{each.name}: {differs}")
    return found


# --- packages


def package_beside(version: str) -> Path:
    """The entry of a folder in which one version of MSW and the exported package are installed.

    Raises: NodeMissing, InstallFailed.
    """
    return installed(version, export.MSW) / "entry.mjs"


def installed(name: str, *packages: Path) -> Path:
    """A folder of `conformance/` with what it needs, and these packages as npm would install them."""
    folder = HERE / name
    nodejs.install(folder)
    for package in packages:
        target = folder / "node_modules" / "@cortex-harness" / package.name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(package, target, ignore=shutil.ignore_patterns("node_modules"))
    return folder


@contextmanager
def served(version: str) -> Iterator[str]:
    """The address of a page whose service worker is one version of MSW, with the exported handlers."""
    msw = installed(version, export.MSW) / "node_modules" / "msw" / "lib"
    routes = {"/package/": export.MSW, "/msw/": msw, "/page/": HERE, "/": HERE}
    alias = {"/": "/browser.html", "/mockServiceWorker.js": "/msw/mockServiceWorker.js"}

    class Files(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            path = alias.get(path, path)
            prefix = next(each for each in routes if path.startswith(each))
            return str(routes[prefix] / path.removeprefix(prefix))

        def log_message(self, *_args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def spoil(folder: Path, name: str, change: Any) -> Surface:
    """A server, of a copy of the packages, that plays one recording as `change` leaves its frames."""
    path = Path(export.MSW.name, export.RECORDINGS, f"{name}.js")
    before = (export.HERE / path).read_text("utf-8")
    document = json.loads(before.removeprefix("export default ").removesuffix(";\n"))
    for exchange in document["exchanges"]:
        change(exchange["answers"][0]["frames"])
    (folder / path).write_text(f"export default {json.dumps(document)};\n", "utf-8")
    return {"playback": str(folder / export.PLAYWRIGHT.name / "server.js")}


# --- times


Arrivals = dict[str, list[list[float]]]
"""By scenario, when each frame of each play arrived, in milliseconds since its request."""


def timed_asks(scenarios: Sequence[str]) -> list[Json]:
    """Each scenario several times over, begun at different moments."""
    body = json.dumps({"sessionId": SESSION_ID, "message": QUESTION})
    ask = {"method": "POST", "path": CHAT, "headers": headers(), "body": body, "pace": 1}
    return [
        {**ask, "scenario": scenario, "afterMs": number * STAGGER_MS + at * 31}
        for at, scenario in enumerate(scenarios)
        for number in range(PLAYS)
    ]


def asks_of_stack(stack: Stack, scenarios: Sequence[str]) -> list[Json]:
    """The same, for mock and proxy."""
    found = []
    for ask in timed_asks(scenarios):
        client = Client.opened(stack)
        steering = f"mock.scenario={ask['scenario']},mock.pace=1"
        sent = headers(authorization=f"Bearer {client.token}", baggage=steering)
        body = {**json.loads(ask["body"]), "sessionId": client.session_id}
        found.append({**ask, "headers": sent, "body": json.dumps(body)})
    return found


def arrivals(asks: Sequence[Json], answers: Sequence[Sequence[Json]]) -> Arrivals:
    """When the last byte of each frame arrived."""
    found: Arrivals = {}
    for ask, (heard,) in zip(asks, answers, strict=True):
        assert "error" not in heard, heard["error"]
        found.setdefault(ask["scenario"], []).append(_arrivals(heard["chunks"]))
    return found


def _arrivals(chunks: Sequence[tuple[float, str]]) -> list[float]:
    body, ends = b"", []
    for at_ms, data in chunks:
        body += base64.b64decode(data)
        ends.append((len(body), at_ms))
    frames = [found.end() for found in re.finditer(rb"\n\n", body)]
    return [next(at_ms for end, at_ms in ends if end >= frame) for frame in frames]


def misplaced(
    listen: Callable[[Sequence[str]], Arrivals], scenarios: Sequence[str] = TIMED, rounds: int = ROUNDS
) -> list[str]:
    """Gaps between frames that are not as recorded, in words.

    listen: plays scenarios; asked at most so many `rounds`. Whatever happens on a machine can only delay an arrival, so
    a frame left when it arrived least late of all plays; how late a play began does not count. What has a gap that is
    off is played again: what a player holds back itself stays off.
    """
    planned, least = {name: planned_ms(name) for name in scenarios}, dict[str, list[float]]()
    off = {name: [""] for name in scenarios}
    for _ in range(rounds):
        for name, plays in listen([name for name in scenarios if off[name]]).items():
            late = [_late_ms(each, planned[name]) for each in plays]
            late += [least[name]] if name in least else []
            least[name] = [min(each) for each in zip(*late, strict=True)]
            off[name] = _off(name, least[name], planned[name])
        if not any(off.values()):
            break
    return [text for each in off.values() for text in each]


def _late_ms(arrived: Sequence[float], planned: Sequence[float]) -> list[float]:
    """How late each frame of a play is, beside the one that is least."""
    late = [at_ms - due_ms for at_ms, due_ms in zip(arrived, planned, strict=True)]
    return [each - min(late) for each in late]


def _off(name: str, late: Sequence[float], planned: Sequence[float]) -> list[str]:
    gaps = [later - earlier for earlier, later in itertools.pairwise(planned)]
    more = [later - earlier for earlier, later in itertools.pairwise(late)]
    return [
        f"{name}: gap {number} is {wanted + off:.1f} ms, recorded are {wanted:.1f} ms"
        for number, (wanted, off) in enumerate(zip(gaps, more, strict=True))
        if abs(off) > MOST_OFF_MS
    ]


def planned_ms(scenario: str) -> list[float]:
    """When the frames of the recorded answer are due."""
    kind, name = ("story", export.USUAL) if scenario == "none" else ("scenario", scenario)
    recording = catalogue().recordings[f"{kind} {name}"]
    answer = next(each for each in recording["exchanges"] if each["request"]["thread"] == "none")["answers"][0]
    return [each["atMs"] + each.get("heldMs", 0) for each in answer["frames"]]


# --- other requests


def history(url: str) -> list[Json]:
    """The turns of the session, newest first."""
    answer = requests.get(f"{url}{PREFIX}/history/{SESSION_ID}", headers=headers(), timeout=TIMEOUT_S)
    turns: list[Json] = answer.json()["turns"]
    return turns


def ask_in_thread(url: str, question: str, place: Json) -> list[list[str]]:
    """The events of a turn."""
    body = {"sessionId": SESSION_ID, "message": question, **place}
    return events(requests.post(f"{url}{CHAT}", json=body, headers=headers(), timeout=TIMEOUT_S).text)
