"""`POST /tools/{toolName}`: a closed registry of tools, each with a request model, limits of its own and one function.

A tool runs with the proxy's role, warehouse and objects; a request can say what is asked, never with what.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, request
from pydantic_core import PydanticSerializationError
from werkzeug.exceptions import HTTPException

from contracts.api import (
    AnalystRequest,
    Api,
    ApiRequest,
    ChartRequest,
    EndReason,
    ProblemType,
    SearchRequest,
    SqlRequest,
    ToolName,
)
from contracts.telemetry import CLIENT_GONE_STATUS, ToolOutcome
from proxy.admission import admitted
from proxy.body import read_json
from proxy.calls import Call, CallCancelledError
from proxy.parts import parts
from proxy.policies import Policy
from proxy.prices import spent
from proxy.problems import ProblemError
from proxy.streaming import Turn, respond
from proxy.telemetry import ToolCall
from proxy.tokens import Session
from proxy.tools import analyst, chart, search, sql
from proxy.tools.errand import Errand
from proxy.watcher import client_socket

blueprint = Blueprint("tools", __name__)


@dataclass(frozen=True, slots=True)
class Tool:
    """One entry of the registry.   policy: a field of `Policies`."""

    name: ToolName
    policy: str
    request: type[ApiRequest]
    run: Callable[[Any, Errand], Api]


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(ToolName.SEARCH, "tool_search", SearchRequest, search.run),
        Tool(ToolName.ANALYST, "tool_analyst", AnalystRequest, analyst.run),
        Tool(ToolName.SQL, "tool_sql", SqlRequest, sql.run),
        Tool(ToolName.CHART, "tool_chart", ChartRequest, chart.run),
    )
}

_FAILED = frozenset(
    {ProblemType.SQL_FAILED, ProblemType.CHART_INVALID, ProblemType.REQUEST_DEADLINE, ProblemType.INTERNAL}
)
_ENDS = {EndReason.COMPLETED: ToolOutcome.OK, EndReason.CLIENT_GONE: ToolOutcome.CANCELLED}


@blueprint.post("/tools/<tool_name>")
def use_tool(tool_name: str) -> Response:
    """Run a tool and answer with what it found."""
    tool = TOOLS.get(tool_name)
    if tool is None:
        parts().tokens.authenticate(request.headers.get("Authorization"))  # nobody unknown learns anything
        detail = f"{tool_name[:100]!r} is none; the tools are {', '.join(TOOLS)}."
        raise ProblemError(ProblemType.TOOL_UNKNOWN, detail, known=list(TOOLS))
    g.tool, outcome = tool.name, ToolOutcome.FAILED
    called = parts().telemetry.tool_called(tool.name, g.context)
    try:
        with ExitStack() as held:
            response = _run(tool, held, called)
        outcome = ToolOutcome.CANCELLED if response.status_code == CLIENT_GONE_STATUS else ToolOutcome.OK
    except HTTPException:
        outcome = ToolOutcome.REFUSED
        raise
    except ProblemError as problem:
        outcome = _outcome(problem.kind)
        raise
    finally:
        if "at_end" not in g:  # a stream's end tells how it went
            called.ended(outcome)
    return response


@blueprint.after_request
def _keep_out_of_caches(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _outcome(kind: ProblemType) -> ToolOutcome:
    """Who is to blame: the proxy refused, or what came after it failed."""
    return ToolOutcome.FAILED if kind.startswith("upstream-") or kind in _FAILED else ToolOutcome.REFUSED


def _run(tool: Tool, held: ExitStack, called: ToolCall) -> Response:
    wired = parts()
    policy: Policy = getattr(wired.settings.policies, tool.policy)
    session = held.enter_context(admitted(tool.policy))
    asked = read_json(tool.request)
    errand = _errand(session, policy, called)
    if isinstance(asked, AnalystRequest) and asked.stream:
        turn = Turn(
            session,
            policy,
            is_agents=False,
            ask=lambda call: (None, analyst.open_stream(asked, errand(call))),
            remember=lambda _start, end, _account: called.ended(_ENDS.get(end.reason, ToolOutcome.FAILED)),
        )
        return respond(turn, held)
    call = Call()
    held.callback(wired.watcher.watch(client_socket(request.environ), call.cancel))
    try:
        answer = tool.run(asked, errand(call))
    except CallCancelledError:
        return Response(status=CLIENT_GONE_STATUS)
    finally:
        g.retries = call.retries
    return Response(_as_json(answer), content_type="application/json")


def _as_json(answer: Api) -> str:
    try:
        return answer.model_dump_json()
    except PydanticSerializationError as error:  # lone surrogates, or nested beyond all measure
        detail = "Snowflake's answer holds what cannot be passed on as JSON."
        raise ProblemError(ProblemType.UPSTREAM_PROTOCOL, detail) from error


def _errand(session: Session, policy: Policy, called: ToolCall) -> Callable[[Call], Errand]:
    """Makes the errand of a call; its time runs from now on."""
    wired, deadline_s = parts(), time.monotonic() + policy.deadline_s
    trace = wired.telemetry.tracing.headers(called.context)
    return lambda call: Errand(
        settings=wired.settings,
        cortex=wired.cortex,
        seals=wired.tokens,
        policy=policy,
        subject=session.subject,
        trace=trace,
        call=call,
        deadline_s=deadline_s,
        on_spent=lambda reported: wired.telemetry.answered(spent(reported)),
    )
