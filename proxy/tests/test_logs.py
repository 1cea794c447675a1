"""Logs: one JSON line per event, listed fields only, and no secret in any of them."""

from __future__ import annotations

import io
import json
import logging
import warnings
from typing import Any

import pytest
import structlog

from proxy import logs


@pytest.fixture
def stream(restored_logging: None) -> io.StringIO:
    """Where configured logs go."""
    stream = io.StringIO()
    logs.configure(stream=stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines as objects."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_line_with_the_listed_fields(stream: io.StringIO) -> None:
    """What is not on the list is dropped; event, level, logger and time are always there."""
    structlog.get_logger("proxy.chat").info("stream ended", reason="completed", message="canary", token="canary")
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "stream ended", "level": "info", "logger": "proxy.chat", "reason": "completed"}


def test_the_standard_librarys_loggers_take_the_same_way(stream: io.StringIO) -> None:
    """A library's record becomes such a line, its extra fields dropped."""
    logging.getLogger("some.library").warning("pool is %s", "full", extra={"headers": "canary"})
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("pool is full", "warning", "some.library")
    assert "canary" not in stream.getvalue()


@pytest.mark.parametrize("name", ["urllib3.connectionpool", "requests", "werkzeug"])
def test_chatty_libraries_are_held_back(stream: io.StringIO, name: str) -> None:
    """Their debug and info lines, which can hold headers, are not written at any level of ours."""
    logs.configure(level="DEBUG", stream=stream)
    logging.getLogger(name).info("canary")
    logging.getLogger(name).debug("canary")
    assert stream.getvalue() == ""


JWT = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"token {JWT} refused", id="jwt"),
        pytest.param("Authorization: Bearer canary", id="bearer"),
        pytest.param("authorization: basic canary", id="basic"),
        pytest.param('Snowflake Token="canary"', id="session token"),
        pytest.param("-----BEGIN PRIVATE KEY-----\ncanary\ncanary\n-----END PRIVATE KEY-----", id="pem"),
        pytest.param("-----BEGIN PRIVATE KEY-----\ncanary\ncanary", id="pem without end"),
    ],
)
def test_credentials_become_stars(stream: io.StringIO, text: str) -> None:
    """Anything shaped like a credential is removed, wherever it stands."""
    structlog.get_logger().warning(text, detail=text)
    logging.getLogger("x").error("%s", text)
    assert len(lines(stream)) == 2
    assert "canary" not in stream.getvalue()
    assert JWT not in stream.getvalue()
    assert "***" in stream.getvalue()


def test_values_within_values_are_cleaned(stream: io.StringIO) -> None:
    """A list or mapping does not carry a credential past the last pass."""
    structlog.get_logger().info("x", detail={"header": ["Bearer canary"]})
    assert "canary" not in stream.getvalue()


def test_long_values_are_cut(stream: io.StringIO) -> None:
    """A line is bounded."""
    structlog.get_logger().info("x" * 10_000)
    assert len(lines(stream)[0]["event"]) == logs.MAX_VALUE_CHARS


def test_a_line_cannot_be_forged(stream: io.StringIO) -> None:
    """Line breaks in a value stay within its line."""
    structlog.get_logger().info('x\n{"event": "forged"}', route="/\r\n")
    assert len(lines(stream)) == 1


def test_an_exception_is_told_by_types_and_places(stream: io.StringIO) -> None:
    """Type and place of an error and of its causes are written, their messages are not."""
    try:
        try:
            raise ValueError("canary")
        except ValueError as error:
            raise RuntimeError("canary") from error
    except RuntimeError:
        structlog.get_logger().exception("failed")
        logging.getLogger("x").exception("failed")
    for line in lines(stream):
        assert line["exception"].startswith("RuntimeError at tests/test_logs.py:")
        assert " caused by ValueError at tests/test_logs.py:" in line["exception"]
    assert "canary" not in stream.getvalue()


def test_the_servers_report_of_a_slow_client_is_left_out(stream: io.StringIO) -> None:
    """A send that timed out is told by the stream's own line; the server's other errors are lines of ours."""
    server = logging.getLogger("gunicorn.error")
    try:
        raise TimeoutError
    except TimeoutError:
        server.exception("Socket error processing request.")
    server.error("worker failed")
    assert [line["event"] for line in lines(stream)] == ["worker failed"]


def test_warnings_are_not_turned_into_lines(stream: io.StringIO) -> None:
    """Python's warnings stay what they are: configuring logs does not swallow them."""
    with pytest.warns(UserWarning, match="x"):
        warnings.warn("x", UserWarning, stacklevel=1)
    assert stream.getvalue() == ""
