"""`GET, DELETE /history/{sessionId}`: a session's turns, newest first, for the user who had them; and what is kept.

A page of a session that has turns on their way waits for them, so that whoever has seen `proxy.end` finds the turn.
Between processes that share a Redis a turn may be there a moment later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog
from flask import Blueprint, Response, request
from pydantic_core import to_json

from contracts.api import EndReason, HistoryPage, HistoryTurn, ProblemType, ProxyEnd, ProxyStart
from contracts.cortex import FinalResponse
from contracts.telemetry import Store
from proxy.admission import admitted
from proxy.parts import parts
from proxy.problems import ProblemError
from proxy.store import StoreError

blueprint = Blueprint("history", __name__)
log = structlog.get_logger(__name__)

# --- what is kept --------------------------------------------------------------------------------------------------

MAX_CONTENT_BYTES = 256 * 1024
MAX_ANSWER_CHARS = 256 * 1024


def stored_turn(
    *,
    question: str | None,
    started_at: datetime,
    start: ProxyStart,
    end: ProxyEnd,
    final: FinalResponse | None,
    text_deltas: Sequence[bytes],
) -> HistoryTurn:
    """What is kept of a turn: its final object's answer when there is one, else what had arrived.

    text_deltas: the data of each `response.text.delta`, in order; not looked at when there is a final object.
    started_at: with its time zone.
    Thinking is left out: nobody is shown it again, and it is the largest part of many answers. Of an answer longer
    than `MAX_ANSWER_CHARS` the beginning is kept.
    """
    answer = _joined_deltas(text_deltas) if final is None else "\n\n".join(_texts(final.content))
    return HistoryTurn(
        turn_id=start.turn_id,
        started_at=started_at,
        question=question,
        answer=answer[:MAX_ANSWER_CHARS],
        content=None if final is None else _content(final.content),
        complete=end.reason is EndReason.COMPLETED,
        end_reason=end.reason,
        thread_id=start.thread_id,
        assistant_message_id=None if final is None else final.metadata.assistant_message_id,
        usage=end.usage,
        duration_ms=end.duration_ms,
        trace_id=start.trace_id,
    )


def _texts(content: list[dict[str, Any]]) -> list[str]:
    texts = [block.get("text") for block in content if block.get("type") == "text"]
    return [text for text in texts if isinstance(text, str)]


def _content(content: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    shown = [block for block in content if block.get("type") != "thinking"]
    return shown if len(to_json(shown)) <= MAX_CONTENT_BYTES else None


def _joined_deltas(deltas: Sequence[bytes]) -> str:
    """The text blocks that the deltas are pieces of; deltas that are not of the expected form are skipped."""
    blocks: dict[int, list[str]] = {}
    for delta in deltas:
        try:
            piece = json.loads(delta)
        except (ValueError, RecursionError):
            continue
        match piece:
            case {"content_index": int(index), "text": str(text)}:
                blocks.setdefault(index, []).append(text)
    return _whole_characters("\n\n".join("".join(pieces) for pieces in blocks.values()))


def _whole_characters(text: str) -> str:
    """Surrogates become what they are halves of: JSON may escape them, and a character be divided between deltas."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# --- reading -------------------------------------------------------------------------------------------------------

SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
LIMIT = re.compile(r"[1-9][0-9]?|100")
DEFAULT_LIMIT = 20

SETTLE_S = 1.0
"""How long a request waits for turns of its session that are on their way."""


@blueprint.get("/history/<session_id>")
def page(session_id: str) -> Response:
    """A page of a session's turns; an empty one when the caller's own session has none yet."""
    with admitted("history") as session:
        asked = _parameters("limit", "cursor")
        limit = asked.get("limit", str(DEFAULT_LIMIT))
        if not LIMIT.fullmatch(limit):
            detail = f"limit: a whole number from 1 to 100 is expected; found {limit[:20]!r}."
            raise ProblemError(ProblemType.INVALID_REQUEST, detail)
        _check_form(session_id)
        writer = parts().history
        writer.settle(session.subject, session_id, SETTLE_S)
        with _store_answers():
            found = writer.store.page(session.subject, session_id, asked.get("cursor"), int(limit))
        if found is None:
            if session_id != session.session_id:
                raise _not_found()
            found = HistoryPage(session_id=session_id, turns=[])
        return Response(found.model_dump_json(), content_type="application/json")


@blueprint.delete("/history/<session_id>")
def forget(session_id: str) -> Response:
    """Nothing: the session's turns are gone, also those on their way."""
    with admitted("history") as session:
        _parameters()
        _check_form(session_id)
        writer = parts().history
        if not writer.settle(session.subject, session_id, SETTLE_S):
            detail = "Turns of this session are still being written, and would come back; try again."
            raise ProblemError(ProblemType.STORE_UNAVAILABLE, detail, retry_after_s=1)
        with _store_answers():
            was_there = writer.store.delete(session.subject, session_id)
        if not was_there and session_id != session.session_id:
            raise _not_found()
        return Response(status=204)


@blueprint.after_request
def _not_for_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _parameters(*known: str) -> dict[str, str]:
    """The query.   Raises: ProblemError for a parameter that is unknown or given twice."""
    unknown = sorted(set(request.args) - set(known))
    if unknown:
        detail = f"{', '.join(unknown)[:200]}: no such query parameter is known here."
        raise ProblemError(ProblemType.INVALID_REQUEST, detail, known=list(known))
    for name, values in request.args.lists():
        if len(values) > 1:
            detail = f"{name}: give this query parameter once; found {len(values)} times."
            raise ProblemError(ProblemType.INVALID_REQUEST, detail)
    return request.args.to_dict()


def _check_form(session_id: str) -> None:
    if not SESSION_ID.fullmatch(session_id):
        raise _not_found()


def _not_found() -> ProblemError:
    """One answer for a session of somebody else and for one that never was, so that nobody can tell them apart."""
    return ProblemError(ProblemType.SESSION_NOT_FOUND, "You have no session of this id with turns.")


@contextmanager
def _store_answers() -> Iterator[None]:
    telemetry = parts().telemetry
    try:
        yield
        telemetry.store_used(Store.HISTORY, works=True)
    except StoreError as error:
        telemetry.store_used(Store.HISTORY, works=False)
        log.warning("the history failed", detail=str(error))
        detail = "The history cannot be reached at the moment; try again."
        raise ProblemError(ProblemType.STORE_UNAVAILABLE, detail, retry_after_s=1) from error
