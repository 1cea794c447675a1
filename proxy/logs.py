"""Structured logs: one JSON line per event, only listed fields, and no question, answer or token in any of them."""

from __future__ import annotations

import logging
import re
import sys
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
        "upstreamCode",
        "mode",
        "port",
    ]
)
"""Everything else a caller passes is dropped: a field is logged because somebody decided so."""

_SECRETS = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|Bearer\s+\S+|-----BEGIN[^-]*-----|Snowflake Token=\S+", re.IGNORECASE
)
MAX_VALUE_CHARS = 2000


def only_listed_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop what is not on the list."""
    return {key: value for key, value in event.items() if key in FIELDS}


def without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Last pass: anything shaped like a credential, wherever it came from, becomes stars; long values are cut."""
    return {key: _clean(value) if isinstance(value, str) else value for key, value in event.items()}


def _clean(value: str) -> str:
    return _SECRETS.sub("***", value)[:MAX_VALUE_CHARS]


def configure(level: str = "INFO", stream: Any = None) -> None:
    """Send structlog and the standard library's loggers through one chain to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        only_listed_fields,
        without_secrets,
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
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("urllib3", "werkzeug", "requests"):  # their debug lines can hold headers
        logging.getLogger(chatty).setLevel(logging.WARNING)
