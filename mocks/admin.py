"""The admin routes below `/__mock`: what is loaded, what is active, what was asked."""

from __future__ import annotations

import re
from dataclasses import asdict

from contracts.cortex import Code
from mocks.faults import Plan
from mocks.journal import OUTCOMES, Filter
from mocks.request import Refusal, Request, json_plan
from mocks.route import Route, Surface, route
from mocks.state import Mock
from mocks.strict import Strict


class Activation(Strict):
    """Body of `PUT /__mock/scenarios/active`; null clears it. `X-Test-Id` limits it to one test."""

    scenario: str | None


async def health(mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock/health`: alive, and what is loaded."""
    loaded = {"cassettes": len(mock.cassettes), "scenarios": len(mock.scenarios), "strict": mock.options.strict}
    return json_plan({"status": "ok", **loaded})


async def cassettes(mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock/cassettes`: every cassette with its provenance, size and length in time."""
    return json_plan(
        [
            {
                "name": tape.name,
                "about": tape.header.about,
                "provenance": tape.header.provenance,
                "source": tape.header.source,
                "interactions": [
                    {
                        "request": each.request.model_dump(exclude_none=True),
                        "status": each.response.status,
                        "frames": len(each.frames),
                        "bytes": len(each.body()),
                        "duration_ms": each.frames[-1].at_ms if each.frames else 0.0,
                    }
                    for each in tape.interactions
                ],
            }
            for tape in mock.cassettes
        ]
    )


async def questions(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock/questions?path=...`: recorded questions that can be asked first."""
    return json_plan([asdict(question) for question in mock.questions(request.query.get("path"))])


async def scenarios(mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock/scenarios`: every scenario, as its file says."""
    return json_plan(
        [each.model_dump(mode="json", exclude_none=True, by_alias=True) for each in mock.scenarios.values()]
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
    """`GET /__mock/journal?limit=&outcome=`: the newest exchanges, newest first; this test's when it has an id."""
    outcome = request.query.get("outcome")
    if outcome not in (None, *OUTCOMES):
        raise Refusal(400, Code.INVALID_PAYLOAD, f"outcome {outcome!r} is none of {', '.join(OUTCOMES)}")
    found = mock.journal.entries(Filter(request.test_id, outcome), _limit(request))
    return json_plan([entry.as_json() for entry in found])


async def unmatched(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock/journal/unmatched`: the exchanges that nothing answered, with their nearest misses."""
    found = mock.journal.entries(Filter(request.test_id, "missed"), _limit(request))
    return json_plan([entry.as_json() for entry in found])


async def reset(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /__mock/reset`: forget threads, active scenarios and journal; of one test when it has an id."""
    mock.reset(request.test_id)
    return json_plan({"status": "reset", "test_id": request.test_id})


def _limit(request: Request) -> int:
    asked = request.query.get("limit", "100")
    if not re.fullmatch(r"[0-9]{1,4}", asked) or not 1 <= int(asked) <= 2000:
        raise Refusal(400, Code.INVALID_PAYLOAD, f"limit {asked[:20]!r} is not a number from 1 to 2000")
    return int(asked)


ROUTES: tuple[Route, ...] = (
    route("GET", r"/__mock/health", health, Surface.ADMIN, public=True),
    route("GET", r"/__mock/cassettes", cassettes, Surface.ADMIN, public=True),
    route("GET", r"/__mock/questions", questions, Surface.ADMIN, public=True),
    route("GET", r"/__mock/scenarios", scenarios, Surface.ADMIN, public=True),
    route("GET PUT DELETE", r"/__mock/scenarios/active", active, Surface.ADMIN, public=True),
    route("GET", r"/__mock/journal", journal, Surface.ADMIN, public=True),
    route("GET", r"/__mock/journal/unmatched", unmatched, Surface.ADMIN, public=True),
    route("POST", r"/__mock/reset", reset, Surface.ADMIN, public=True),
)
