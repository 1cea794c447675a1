"""Writes one run of an agent as frames: blocks in, events out, the final object derived from what was emitted.

A story speaks in the agent's acts (`thinking`, `sql`, `text`, ...); the writer numbers payloads and blocks, cuts texts
into deltas, lets time pass, and remembers each block for the final `response`.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.cortex import DONE, EVENT_STREAM, REQUEST_ID_HEADER, Event, agent_run_path
from mocks.cassette import Cassette, Frame, Header, Interaction, Match, Request, ResponseHead
from mocks.events import event_frame
from mocks.stories import pacing
from mocks.stories.deltas import tokens
from mocks.stories.pacing import Clock, Range
from mocks.stories.results import Json, Result, fails, query

RUN_PATH = agent_run_path("CORTEX_BENCH_DB", "SALES", "SALES_AGENT")
ANALYST = "sales_analyst"
DOCUMENTS = "sales_docs"
MODEL = "claude-sonnet-4-6"
CONTEXT_WINDOW_TOKENS = 200_000
SEMANTIC_VIEW = "CORTEX_BENCH_DB.SALES.SALES_SV"
EXECUTE_SQL = "system_execute_sql"
ENVIRONMENT = {"type": "warehouse", "warehouse": "CORTEX_BENCH_WH"}


@dataclass(frozen=True, slots=True)
class ThreadIds:
    """Where a threaded run stands: its thread, the question's message and the answer's."""

    thread_id: int
    user_message_id: int
    assistant_message_id: int

    @property
    def run_id(self) -> str:
        """The run's id, built as the server builds it."""
        return f"{self.thread_id}-{self.user_message_id}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A query that worked: what tables and charts refer to."""

    tool_use_id: str
    query_id: str
    result: Result

    def result_set(self) -> Json:
        """The rows as they travel."""
        return self.result.result_set(self.query_id)


class Turn:
    """One run, written in the order in which the agent acts.

    name: unique among all turns; pauses and made-up ids belong to it.   thread: absent for a run without a thread.
    text_pace: wait between two text deltas.
    """

    def __init__(
        self, name: str, thread: ThreadIds | None = None, text_pace: Range = pacing.TEXT, request_id: str = ""
    ) -> None:
        self.name = name
        self.thread = thread
        self.text_pace = text_pace
        self.clock = Clock(name)
        self.request_id = request_id or made_up_uuid(name, "request")
        self.frames: list[Frame] = []
        self.content: list[Json] = []
        self.warnings: list[Json] = []
        self.sequence = 0
        self.tools = 0
        self.written = 0  # characters the model wrote
        self.read = 0  # characters the tools gave back
        if thread is not None:
            self._metadata("user", thread.user_message_id, pacing.FIRST)

    # Small acts

    def emit(self, event: str, payload: Json, wait: Range = pacing.AT_ONCE) -> None:
        """Add one frame after a wait; the first one waits for the agent to start."""
        self.sequence += 1
        wait = wait if self.frames else pacing.FIRST
        self.frames.append(
            Frame(self.clock.wait(wait), event_frame(event, {**payload, "sequence_number": self.sequence}))
        )

    def status(self, status: str, message: str) -> None:
        """What the agent is doing, for people."""
        self.emit(Event.STATUS, {"status": status, "message": message}, pacing.STATUS)

    def plan(self) -> None:
        """The status with which runs open."""
        self.status("planning", "Planning the next steps")

    def conclude(self) -> None:
        """The two statuses between the last tool and the answer."""
        self.status("reasoning_agent_stop", "Reviewing the results")
        self.status("proceeding_to_answer", "Forming the answer")

    def warning(self, code: str, message: str) -> None:
        """Something the run goes on without."""
        self.warnings.append({"code": code, "message": message})
        self.emit(Event.WARNING, self.warnings[-1], pacing.STATUS)

    # Blocks

    def thinking(self, text: str, deltas: Sequence[str] | None = None) -> None:
        """A thinking block. deltas: its pieces, tokens by default."""
        block = {"text": text}
        self._deltas(Event.THINKING_DELTA, deltas or tokens(text), {}, pacing.THINKING)
        self._block("thinking", block, Event.THINKING)

    def text(
        self,
        text: str,
        deltas: Sequence[str] | None = None,
        annotations: Sequence[Json] | None = None,
        is_elicitation: bool | None = False,
    ) -> None:
        """An answer's text. is_elicitation: None leaves the field out.   annotations: None leaves them out."""
        flag = {} if is_elicitation is None else {"is_elicitation": is_elicitation}
        self._deltas(Event.TEXT_DELTA, deltas or tokens(text), flag, self.text_pace)
        for number, annotation in enumerate(annotations or ()):
            payload = {"annotation": annotation, "annotation_index": number, "content_index": len(self.content)}
            self.emit(Event.TEXT_ANNOTATION, payload)
        notes = {} if annotations is None else {"annotations": list(annotations)}
        block = {"text": text, **flag, **notes}
        self.emit(Event.TEXT, {**block, "content_index": len(self.content)})
        self.content.append({"type": "text", **block})

    def partial_text(self, text: str, pause_after_ms: float) -> None:
        """A text that is never finished: deltas only; the final object keeps what was said."""
        self._deltas(Event.TEXT_DELTA, tokens(text), {"is_elicitation": False}, self.text_pace)
        self.content.append({"type": "text", "text": text, "annotations": [], "is_elicitation": False})
        self.clock.wait((pause_after_ms, pause_after_ms))

    def suggested(self, *questions: str) -> None:
        """Questions to go on with."""
        block = [{"query": question} for question in questions]
        payload = {"content_index": len(self.content), "suggested_queries": block}
        self.emit(Event.SUGGESTED_QUERIES, payload, pacing.STATUS)
        self.content.append({"type": "suggested_queries", "suggested_queries": block})

    def table(self, answer: Answer, title: str) -> None:
        """A query's rows, shown."""
        rows = {"tool_use_id": answer.tool_use_id, "query_id": answer.query_id, "result_set": answer.result_set()}
        self._block("table", {**rows, "title": title}, Event.TABLE)

    def chart(self, tool_use_id: str, spec: str) -> None:
        """A chart, shown. tool_use_id: of the call that drew it."""
        self._block("chart", {"tool_use_id": tool_use_id, "chart_spec": spec}, Event.CHART)

    # Tools

    def tool_use(self, kind: str, name: str, arguments: Json, tool_use_id: str = "", client: bool = False) -> str:
        """A call. Returns its id. client: whether the client runs it."""
        self.tools += 1
        use_id = tool_use_id or f"toolu_{self.name}_{self.tools:02d}"
        self.written += len(str(arguments))
        call = {"tool_use_id": use_id, "type": kind, "name": name, "input": arguments, "client_side_execute": client}
        self._block("tool_use", call, Event.TOOL_USE, pacing.MODEL)
        return use_id

    def tool_status(self, tool_use_id: str, kind: str, status: str, message: str) -> None:
        """How far a call has come."""
        payload = {"tool_use_id": tool_use_id, "tool_type": kind, "status": status, "message": message}
        self.emit(Event.TOOL_RESULT_STATUS, payload, pacing.STATUS)

    def tool_result(
        self,
        tool_use_id: str,
        kind: str,
        name: str,
        result: Json | str,
        *,
        wait: Range = pacing.LOOKUP,
        ok: bool = True,
    ) -> None:
        """What a call gave. result: an object travels as JSON, a string as text."""
        item = {"type": "text", "text": result} if isinstance(result, str) else {"type": "json", "json": result}
        self.read += len(str(result))
        block = {"tool_use_id": tool_use_id, "type": kind, "name": name, "content": [item]}
        self._block("tool_result", {**block, "status": "success" if ok else "error"}, Event.TOOL_RESULT, wait)

    def semantic_context(self, question: str, tables: Sequence[str], tool_use_id: str = "") -> None:
        """The analyst reads its semantic view, as it does once before its first query."""
        self.status("executing_tool", f"Executing tool `{ANALYST}`")
        kind = "system_agentic_semantic_context"
        use_id = self.tool_use(kind, ANALYST, {"query": question}, tool_use_id)
        context = {
            "semantic_model_key": ANALYST,
            "semantic_view_fqn": SEMANTIC_VIEW,
            "sql_best_practices": "Qualify every column.",
            "tables": [{"name": table} for table in tables],
        }
        self.tool_result(use_id, kind, ANALYST, context)

    def sql(self, sql: str, result: Result | None = None, tool_use_id: str = "", query_id: str = "") -> Answer:
        """The analyst runs a statement that works. result: its rows; by default what the benchmark data gives."""
        result = result or query(sql)
        use_id = self._execute(sql, tool_use_id)
        answer = Answer(use_id, query_id or made_up_query_id(use_id), result)
        found = {"query_id": answer.query_id, "result_set": answer.result_set(), "sql": sql}
        self.tool_result(use_id, EXECUTE_SQL, EXECUTE_SQL, found, wait=pacing.QUERY)
        return answer

    def sql_refused(self, sql: str, message: str) -> None:
        """The analyst runs a statement that does not compile."""
        if not fails(sql):
            raise ValueError(f"{self.name}: this statement should fail on the benchmark data and does not: {sql}")
        self.tool_result(self._execute(sql), EXECUTE_SQL, EXECUTE_SQL, message, ok=False)

    def draw(self, answer: Answer, spec: str, tool_use_id: str = "") -> str:
        """The chart tool turns rows into a specification. Returns the call's id."""
        kind = "data_to_chart"
        use_id = self.tool_use(kind, kind, {"query_id": answer.query_id}, tool_use_id)
        self.tool_result(use_id, kind, kind, {"charts": [spec]})
        return use_id

    # Endings

    def finish(self, status: str = "completed", usage: Json | None = None) -> None:
        """The final object and `done`. usage: tokens by default estimated from what was written and read."""
        ids: Json = {}
        if self.thread is not None:
            self._metadata("assistant", self.thread.assistant_message_id, pacing.STATUS)
            ids = {
                "run_id": self.thread.run_id,
                "thread_id": self.thread.thread_id,
                "user_message_id": self.thread.user_message_id,
                "assistant_message_id": self.thread.assistant_message_id,
            }
        final: Json = {
            "role": "assistant",
            "content": self.content,
            "metadata": {**ids, "usage": {"tokens_consumed": [self._tokens()]} if usage is None else usage},
            "status": status,
            "schema_version": "v2",
        }
        self.emit(Event.RESPONSE, {**final, "warnings": self.warnings} if self.warnings else final, pacing.STATUS)
        self._done()

    def fail(self, code: str, message: str) -> None:
        """The error that ends a run without a final object."""
        error = {"code": code, "error_code": code, "message": message, "request_id": self.request_id}
        self.emit(Event.ERROR, error, pacing.MODEL)
        self._done()

    def _done(self) -> None:
        self.frames.append(Frame(self.clock.wait(pacing.AT_ONCE), f"event: {Event.DONE}\ndata: {DONE}\n\n".encode()))

    def _execute(self, sql: str, tool_use_id: str = "") -> str:
        arguments = {"sql": sql, "execution_environment": ENVIRONMENT}
        use_id = self.tool_use(EXECUTE_SQL, EXECUTE_SQL, arguments, tool_use_id)
        self.tool_status(use_id, EXECUTE_SQL, "Executing SQL", "Executing SQL")
        return use_id

    def _deltas(self, event: str, pieces: Sequence[str], flag: Json, pace: Range) -> None:
        for number, piece in enumerate(pieces):
            payload = {"content_index": len(self.content), "text": piece, **flag}
            self.emit(event, payload, pace if number else pacing.MODEL)
        self.written += sum(map(len, pieces))

    def _block(self, kind: str, block: Json, event: str, wait: Range = pacing.AT_ONCE) -> None:
        self.emit(event, {**block, "content_index": len(self.content)}, wait)
        self.content.append({"type": kind, kind: block})

    def _metadata(self, role: str, message_id: int, wait: Range) -> None:
        assert self.thread is not None, "only threaded runs have metadata"
        payload = {"role": role, "message_id": message_id, "run_id": self.thread.run_id}
        self.emit(Event.METADATA, {"metadata": payload}, wait)

    def _tokens(self) -> Json:
        """One model's consumption; four characters are taken for a token, and each tool call re-reads the context."""
        total = 3900 + self.read // 4 + 1200 * self.tools
        cached = 1200 * self.tools
        read = {"total": total, "cache_read": cached, "cache_write": 0, "uncached": total - cached}
        return {
            "model_name": MODEL,
            "input_tokens": read,
            "output_tokens": {"total": 40 + self.written // 4},
            "context_window": CONTEXT_WINDOW_TOKENS,
        }


def interaction(question: Match, turn: Turn, path: str = RUN_PATH) -> Interaction:
    """A request that matches, and the finished turn it gets."""
    headers = {"Content-Type": EVENT_STREAM, REQUEST_ID_HEADER: turn.request_id}
    return Interaction(
        Request(method="POST", path=path, match=question), ResponseHead(status=200, headers=headers), tuple(turn.frames)
    )


def cassette(name: str, about: str, source: str, *interactions: Interaction) -> Cassette:
    """A documented cassette of an agent. source: the sections of the wire reference it follows."""
    return Cassette(f"agents/{name}", Header(provenance="documented", source=source, about=about), interactions)


def made_up_uuid(*key: str) -> str:
    """A UUID that belongs to this key."""
    return str(uuid.UUID(bytes=hashlib.sha256("|".join(key).encode()).digest()[:16], version=4))


def made_up_query_id(tool_use_id: str) -> str:
    """A query id, as Snowflake forms them, that belongs to this call."""
    return f"01bd4f00-0000-1a2b-0000-{int(pacing.draw('query', tool_use_id) * 2**48):012x}"
