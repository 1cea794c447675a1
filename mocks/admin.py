"""The admin routes below `/__mock`: what is loaded, what is active, what was asked."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from pydantic import ValidationError

from contracts.cortex import Code
from mocks.cassette import Cassette, Frame, Interaction
from mocks.faults import Plan
from mocks.journal import MAX_FRAMES, OUTCOMES, Change, Entry, Filter
from mocks.request import Refusal, Request, json_plan
from mocks.route import Route, Surface, route
from mocks.state import Mock
from mocks.strict import Strict, explain, hint
from mocks.verify import Verification, verify

T = TypeVar("T")
M = TypeVar("M", bound=Strict)

NEXT_HEADER = "x-mock-next"
"""Where the next page of the journal begins; absent on the last."""

MAX_LIMIT = 2000
DEFAULT_LIMIT = 100
MAX_PAGE_BYTES = 4 * 1024 * 1024
MAX_FRAME_CHARS = 4000
_QUERY = (
    *("limit", "before", "timeline", "test_id"),
    *("outcome", "path", "method", "scenario", "cassette", "trace_id", "status"),
)


class Activation(Strict):
    """Body of `PUT /__mock/scenarios/active`; null clears it. `X-Test-Id` limits it to one test."""

    scenario: str | None


class Reset(Strict):
    """Body of `POST /__mock/reset`. `X-Test-Id` limits it to one test."""

    only: list[str] | None = None


async def health(mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock/health`: alive, and what is loaded."""
    loaded = {"cassettes": len(mock.cassettes), "scenarios": len(mock.scenarios), "strict": mock.options.strict}
    return json_plan({"status": "ok", **loaded})


async def cassettes(mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock/cassettes`: every cassette with its provenance, size and length in time."""
    return json_plan(await _beside(mock, lambda: [_listed(tape) for tape in mock.cassettes]))


async def cassette(mock: Mock, _request: Request, path: re.Match[str]) -> Plan:
    """`GET /__mock/cassettes/{name}`: one cassette, its frames as `[at_ms, bytes, event, text]`.

    At most `MAX_FRAMES` frames of an interaction, and `MAX_FRAME_CHARS` of a frame's text.
    """
    name = path[1]
    for tape in mock.cassettes:
        if tape.name == name:
            return json_plan(await _beside(mock, partial(_opened, tape)))
    known = [tape.name for tape in mock.cassettes]
    raise Refusal(404, Code.NOT_FOUND, f"no cassette {name!r}{hint(name, known)}", {"known_cassettes": known})


def _listed(tape: Cassette) -> dict[str, Any]:
    return {
        "name": tape.name,
        "about": tape.header.about,
        "provenance": tape.header.provenance,
        "source": tape.header.source,
        "interactions": [_summed(each) for each in tape.interactions],
    }


def _summed(interaction: Interaction) -> dict[str, Any]:
    frames = interaction.frames
    return {
        "request": interaction.request.model_dump(exclude_none=True),
        "status": interaction.response.status,
        "frames": len(frames),
        "bytes": sum(len(frame.data) for frame in frames),
        "duration_ms": frames[-1].at_ms if frames else 0.0,
    }


def _opened(tape: Cassette) -> dict[str, Any]:
    interactions = [
        {
            **_summed(each),
            "headers": each.response.headers,
            "frames": [_line(frame) for frame in each.frames[:MAX_FRAMES]],
            "frames_truncated": len(each.frames) > MAX_FRAMES,
        }
        for each in tape.interactions
    ]
    return {**_listed(tape), "header": tape.header.model_dump(exclude_none=True), "interactions": interactions}


def _line(frame: Frame) -> list[Any]:
    text = frame.data[: MAX_FRAME_CHARS * 4].decode("utf-8", "replace")[:MAX_FRAME_CHARS]
    return [frame.at_ms, len(frame.data), frame.event, text]


async def questions(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock/questions?path=...`: recorded questions that can be asked first."""
    return json_plan([dataclasses.asdict(question) for question in mock.questions(request.query.get("path"))])


async def scenarios(mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock/scenarios`: every scenario, as its file says."""
    return json_plan(
        [each.model_dump(mode="json", exclude_unset=True, by_alias=True) for each in mock.scenarios.values()]
    )


async def active(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET, PUT, DELETE /__mock/scenarios/active`: the scenario of this test, or of everyone."""
    test_id = request.test_id
    if request.method == "PUT":
        mock.activate(test_id, request.parse(Activation).scenario)
    elif request.method == "DELETE":
        mock.activate(test_id, None)
    return json_plan({"scenario": mock.active_scenario(test_id), "test_id": test_id})


async def journal(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET, DELETE /__mock/journal`: the newest exchanges, newest first; this test's when it has an id. Or forget them.

    Filters: outcome, path (a part of it), method, scenario, cassette, trace_id, status, before (an id). `timeline=true`
    adds what each frame did. A page ends after `limit` entries or `MAX_PAGE_BYTES`; `x-mock-next` is the next `before`.
    """
    if request.method == "DELETE":
        mock.reset(request.test_id, ["journal"])
        return json_plan({"status": "reset", "only": ["journal"], "test_id": request.test_id})
    return await _page(mock, request, _filter(request))


async def unmatched(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock/journal/unmatched`: the exchanges that nothing answered, with their nearest misses."""
    return await _page(mock, request, dataclasses.replace(_filter(request), outcome="missed"))


async def entry(mock: Mock, _request: Request, path: re.Match[str]) -> Plan:
    """`GET /__mock/journal/{id}`: one exchange, with its timeline."""
    found = mock.journal.find(int(path[1]))
    if found is None:
        raise Refusal(404, Code.NOT_FOUND, f"The journal has no entry {path[1]}; it keeps only the newest.")
    return json_plan(await _beside(mock, partial(found.as_json, timeline=True)))


async def reset(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /__mock/reset`: forget what this test, or everybody, did; with `{"only": [...]}` just those parts of it."""
    only = parse_strictly(request, Reset).only
    mock.reset(request.test_id, only)
    narrow = {} if only is None else {"only": only}
    return json_plan({"status": "reset", **narrow, "test_id": request.test_id})


async def verification(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /__mock/verify`: 200 when everything expected was asked, else 409 with what was found in its place."""
    wanted = parse_strictly(request, Verification)
    kept, deadline_s = Filter(wanted.test_id or request.test_id), time.monotonic() + wanted.within_ms / 1000
    changed = asyncio.Event()

    def note(_change: Change, _entry: Entry) -> None:
        changed.set()

    mock.journal.on_change.append(note)
    try:
        while True:
            changed.clear()
            oldest_first = mock.journal.entries(kept, limit=len(mock.journal))[::-1]
            found = await _beside(mock, partial(verify, wanted, oldest_first))
            if found["ok"] or (remaining_s := deadline_s - time.monotonic()) <= 0:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), remaining_s)
    finally:
        mock.journal.on_change.remove(note)
    return json_plan(found) if found["ok"] else json_plan({"message": "; ".join(found["failures"]), **found}, 409)


async def _page(mock: Mock, request: Request, wanted: Filter) -> Plan:
    limit, timeline = _limit(request), _flag(request, "timeline")
    found = mock.journal.entries(wanted, limit + 1)
    rows = await _beside(mock, partial(_rows, found[:limit], timeline=timeline))
    plan = Plan(200, {"content-type": "application/json"}, (Frame(0.0, b"[%b]" % b",".join(rows)),))
    return plan.labelled(NEXT_HEADER, str(found[len(rows) - 1].id)) if len(rows) < len(found) else plan


def _rows(found: Sequence[Entry], *, timeline: bool) -> list[bytes]:
    """The entries as JSON, as many as fit on a page, and at least one."""
    rows: list[bytes] = []
    size = 0
    for each in found:
        rows.append(json.dumps(each.as_json(timeline=timeline), ensure_ascii=False, separators=(",", ":")).encode())
        size += len(rows[-1])
        if size > MAX_PAGE_BYTES:
            break
    return rows


class _Beside:
    """Two at a time work beside the event loop for the admin."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(2)


async def _beside(mock: Mock, work: Callable[[], T]) -> T:
    async with mock.of_everyone(_Beside).places:
        return await asyncio.to_thread(work)


def parse_strictly(request: Request, model: type[M]) -> M:
    """The JSON body of an admin request.   Raises: Refusal that names what is wrong, where, and what was meant."""
    try:
        return model.model_validate_json(request.body or b"{}")
    except ValidationError as error:
        raise Refusal(400, Code.INVALID_PAYLOAD, explain(error, model)) from error


def _filter(request: Request) -> Filter:
    asked = {name: value for name, value in request.query.items() if not name.startswith("mock_")}
    for name in asked:
        if name not in _QUERY:
            raise Refusal(400, Code.INVALID_PAYLOAD, f"unknown filter {name[:50]!r}{hint(name[:50], _QUERY)}")
    outcome = asked.get("outcome")
    if outcome not in (None, *OUTCOMES):
        raise Refusal(400, Code.INVALID_PAYLOAD, f"outcome {outcome!r} is none of {', '.join(OUTCOMES)}")
    texts = {name: asked.get(name) for name in ("path", "scenario", "cassette", "trace_id")}
    return Filter(
        test_id=request.test_id,
        outcome=outcome,
        method=asked.get("method", "").upper() or None,
        status=_number(request, "status", 3),
        before=_number(request, "before", 15),
        **texts,
    )


def _limit(request: Request) -> int:
    limit = _number(request, "limit", 4)
    if limit is not None and not 1 <= limit <= MAX_LIMIT:
        raise Refusal(400, Code.INVALID_PAYLOAD, f"limit {limit} is not a number from 1 to {MAX_LIMIT}")
    return limit or DEFAULT_LIMIT


def _number(request: Request, name: str, digits: int) -> int | None:
    asked = request.query.get(name)
    if asked is not None and not re.fullmatch(rf"[0-9]{{1,{digits}}}", asked):
        raise Refusal(400, Code.INVALID_PAYLOAD, f"{name} {asked[:20]!r} is not a number of at most {digits} digits")
    return None if asked is None else int(asked)


def _flag(request: Request, name: str) -> bool:
    asked = request.query.get(name, "false")
    if asked not in ("true", "false"):
        raise Refusal(400, Code.INVALID_PAYLOAD, f"{name} {asked[:20]!r} is neither 'true' nor 'false'")
    return asked == "true"


ROUTES: tuple[Route, ...] = (
    route("GET", r"/__mock/health", health, Surface.ADMIN, public=True),
    route("GET", r"/__mock/cassettes", cassettes, Surface.ADMIN, public=True),
    route("GET", r"/__mock/cassettes/(.+)", cassette, Surface.ADMIN, public=True),
    route("GET", r"/__mock/questions", questions, Surface.ADMIN, public=True),
    route("GET", r"/__mock/scenarios", scenarios, Surface.ADMIN, public=True),
    route("GET PUT DELETE", r"/__mock/scenarios/active", active, Surface.ADMIN, public=True),
    route("GET DELETE", r"/__mock/journal", journal, Surface.ADMIN, public=True),
    route("GET", r"/__mock/journal/unmatched", unmatched, Surface.ADMIN, public=True),
    route("GET", r"/__mock/journal/([0-9]{1,15})", entry, Surface.ADMIN, public=True),
    route("POST", r"/__mock/verify", verification, Surface.ADMIN, public=True),
    route("POST", r"/__mock/reset", reset, Surface.ADMIN, public=True),
)
