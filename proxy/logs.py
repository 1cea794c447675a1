"""Structured logs: one JSON line per event, only listed fields, and no question, answer or token in any of them."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

FIELDS = frozenset(
    [
        "event",
        "level",
        "timestamp",
        "logger",
        "exception",
        "traceId",
        "sessionId",
        "turnId",
        "requestId",
        "method",
        "route",
        "status",
        "problem",
        "durationMs",
        "reason",
        "events",
        "upstreamBytes",
        "firstEventMs",
        "detail",
    ]
)
"""Everything else a caller passes is dropped: a field is logged because somebody decided so."""

_SECRETS = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|(?:Bearer|Basic)\s+\S+"
    r"|-----BEGIN[^-]*-----(?:.*?-----END[^-]*-----|.*)"
    r"|Snowflake Token=\S+",
    re.IGNORECASE | re.DOTALL,
)
MAX_VALUE_CHARS = 2000
MAX_FRAMES = 12


def only_listed_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop what is not on the list."""
    return {key: value for key, value in event.items() if key in FIELDS}


def without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Last pass: anything shaped like a credential, wherever it came from, becomes stars; long values are cut."""
    return {
        key: value if value is None or type(value) in (bool, int, float) else _clean(str(value))
        for key, value in event.items()
    }


def _clean(value: str) -> str:
    return _SECRETS.sub("***", value)[:MAX_VALUE_CHARS]


def where_it_failed(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Turn `exc_info` into types and places. Messages are left out: they quote what was being worked on."""
    exc_info = event.pop("exc_info", None)
    if exc_info:
        error = exc_info if isinstance(exc_info, BaseException) else None
        if error is None:
            error = exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1]
        event["exception"] = " caused by ".join(_places(error))
    return event


def _places(error: BaseException | None) -> list[str]:
    told: list[str] = []
    while error is not None and len(told) < 5:
        told.append(f"{type(error).__name__} at {_frames(error.__traceback__)}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return told


def _frames(trace: TracebackType | None) -> str:
    frames = [
        f"{'/'.join(frame.f_code.co_filename.rsplit('/', 2)[-2:])}:{line}" for frame, line in traceback.walk_tb(trace)
    ]
    return " > ".join(frames[-MAX_FRAMES:])


def is_no_slow_client(record: logging.LogRecord) -> bool:
    """False for gunicorn's report of a send that timed out: such a stream tells its end itself, as `client_slow`."""
    return not (record.exc_info and isinstance(record.exc_info[1], TimeoutError))


def configure(level: str = "INFO", stream: Any = None) -> None:
    """Send structlog and the standard library's loggers through one chain to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        where_it_failed,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                only_listed_fields,  # after the line above, which needs the fields it removes
                without_secrets,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("urllib3", "werkzeug", "requests"):  # their debug lines can hold headers
        logging.getLogger(chatty).setLevel(logging.WARNING)
    server = logging.getLogger("gunicorn.error")
    server.handlers, server.propagate = [], True
    server.addFilter(is_no_slow_client)
