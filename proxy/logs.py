"""Structured logs: one JSON line per event, only listed fields, and no question, answer or token in any of them."""

from __future__ import annotations

import logging
import math
import re
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from contracts.traces import CONTENT_FIELDS, LOG_FIELDS

FIELDS = frozenset(LOG_FIELDS)
"""Everything else a caller passes is dropped: a field is logged because somebody decided so, in the catalogue."""

CONTENT = frozenset(CONTENT_FIELDS)
"""What people say; logged in development, by a setting."""

MAX_VALUE_CHARS = 2000
MAX_SCANNED_CHARS = 2 * MAX_VALUE_CHARS
"""Cut before the scan, so that its time is bounded; far behind what is kept, so that no half secret stays."""

MAX_FRAMES = 12

# Every quantifier is possessive or ends at a character that begins no match: one pass, whatever the text.
_NAMES_OF_SECRETS = (
    r"password|passwd|pwd|passphrase|token|secret|credentials?|session(?:id)?|sid|signature"
    r"|(?:api|private|public|client|access|session|signing)[_-]?key"
)
_QUOTED_OR_WORD = r"""(?:\\*+"[^"]*+|\\*+'[^']*+|[^\s"'&;,]++)"""
_SECRETS = re.compile(
    r"eyJ[\w-]{8,}+(?:\.[\w-]*+){0,4}"  # JWT, so Snowflake's PAT as well
    r"|ver:\d++-hint:\d++-\S++"  # Snowflake's session and OAuth tokens
    r"|(?:Bearer|Basic)\s++\S++"
    r"|Snowflake Token=\S++"
    r"|-----BEGIN[^-]*+-----(?:.*?-----END[^-]*+-----|.*+)"
    r"|MII[\w+/=]{60,}+"  # DER in base64, its frame lost
    r"|(?<=://)[^\s/@]++(?=@)"  # user and password of an address
    r"""|(?<=cookie)["']?+\s*+[:=][^\r\n]++"""
    rf"""|(?:{_NAMES_OF_SECRETS})[\\"']*+\s*+[:=]\s*+{_QUOTED_OR_WORD}"""
    rf"""|\bkey\s*+=\s*+{_QUOTED_OR_WORD}""",
    re.IGNORECASE | re.DOTALL,
)
_HINTS = (
    *("eyj", "ver:", "bearer", "basic", "-----begin", "mii", "://", "cookie", "passw", "pwd", "passphrase"),
    *("token", "secret", "credential", "session", "sid", "signature", "key"),
)
"""What every match contains, in lower case; a value without any is spared the scan, which is slow for a line's sake."""


def only(fields: frozenset[str]) -> structlog.typing.Processor:
    """A processor that drops what is not on the list."""

    def only_listed_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: value for key, value in event.items() if key in fields}

    return only_listed_fields


def without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Last pass: anything shaped like a credential, wherever it came from, becomes stars; long values are cut."""
    return {key: value if _is_plain(value) else _clean(str(value)) for key, value in event.items()}


def as_people_read(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """When, how grave and what come first; what is not known is left out."""
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return first | {key: value for key, value in event.items() if value is not None}


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (bool, int) or (type(value) is float and math.isfinite(value))


def _clean(value: str) -> str:
    scanned = value[:MAX_SCANNED_CHARS]
    lowered = scanned.lower()
    if any(hint in lowered for hint in _HINTS):
        scanned = _SECRETS.sub("***", scanned)
    return scanned[:MAX_VALUE_CHARS]


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


def is_not_the_sdks(record: logging.LogRecord) -> bool:
    """False for OpenTelemetry's own lines: they quote clients' headers, one line each, and repeat with every batch.

    That a collector takes nothing is told by `telemetry`, once.
    """
    return not record.name.startswith("opentelemetry.")


class Lines(logging.StreamHandler[Any]):
    """Writes each line, and hands it to whoever wants to send it on."""

    on_line: Callable[[int, str], None] | None = None
    """Told the level and the line."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        try:
            line = self.format(record)
            self.stream.write(line + self.terminator)
            self.flush()
            if self.on_line is not None:
                self.on_line(record.levelno, line)
        except Exception:
            self.handleError(record)


def told_by(on_line: Callable[[int, str], None] | None) -> None:
    """From now on this one is told each line, too; nobody for None, or where logs are not configured."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, Lines):
            handler.on_line = on_line


def configure(level: str = "INFO", stream: Any = None, *, log_content: bool = False) -> None:
    """Send structlog and the standard library's loggers through one chain to stderr.

    log_content: whether questions and answers may be fields.
    """
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
    handler = Lines(stream or sys.stderr)
    handler.addFilter(is_not_the_sdks)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                only(
                    FIELDS | CONTENT if log_content else FIELDS
                ),  # after the line above, which needs the fields it removes
                without_secrets,
                as_people_read,
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
