"""Logs: one JSON line per event, listed fields only, and no secret in any of them."""

from __future__ import annotations

import ast
import io
import json
import logging
import warnings
from pathlib import Path
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


def test_a_line_begins_with_what_people_look_for(stream: io.StringIO) -> None:
    """When, how grave and what; then the rest in the order in which it was given."""
    structlog.get_logger("proxy.app").info("request", route="/", status=200, method="GET", durationMs=1.5)
    logging.getLogger("some.library").warning("pool is full")
    ours, theirs = lines(stream)
    assert list(ours)[:3] == list(theirs)[:3] == ["timestamp", "level", "event"]
    assert list(ours)[3:7] == ["route", "status", "method", "durationMs"]


def test_what_is_not_known_is_left_out(stream: io.StringIO) -> None:
    """A field without a value is no field; nought, no and nothing said are values."""
    structlog.get_logger().info("x", problem=None, tool=None, retries=0, store=False, detail="")
    (line,) = lines(stream)
    assert "problem" not in line
    assert "tool" not in line
    assert (line["retries"], line["store"], line["detail"]) == (0, False, "")


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
        pytest.param("-----BEGIN RSA PRIVATE KEY-----\\ncanary\\n-----END RSA PRIVATE KEY-----", id="pem in json"),
        pytest.param(f"key MII{'canary' * 20}==", id="der without its frame"),
        pytest.param("pat eyJraWQiOiI0MiJ9.canary.canary-_canary", id="programmatic access token"),
        pytest.param("cut token eyJraWQiOiI0MiJ9canary", id="half a token"),
        pytest.param("token ver:1-hint:92016-canary+/=", id="snowflake's own token"),
        pytest.param("redis://:canary@store:6379/0", id="password in an address"),
        pytest.param("https://me:canary@host/", id="user and password in an address"),
        pytest.param("/x?password=canary&a=1", id="password in a query"),
        pytest.param("/x?a=1&access_token=canary", id="token in a query"),
        pytest.param("/x?key=canary", id="key in a query"),
        pytest.param('{"password": "canary canary"}', id="password in json"),
        pytest.param("{'client_secret': 'canary canary'}", id="secret in a repr"),
        pytest.param('{\\"private_key\\": \\"canary canary\\"}', id="key in json in json"),
        pytest.param("signing-key: canary", id="named key"),
        pytest.param("X-Client-Key: canary", id="client key header"),
        pytest.param("Cookie: a=1; theme=canary", id="cookies"),
        pytest.param("{'Set-Cookie': 'sid=canary; Path=/'}", id="set cookie"),
        pytest.param("JSESSIONID=canary", id="session cookie"),
        pytest.param("SID=canary", id="short session cookie"),
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


@pytest.mark.parametrize(
    "text",
    [
        "no secret in here",
        "GET /api/v1/chat",
        "the token has expired",
        "sorted by key, then by name",
        "MIIT Corp.",
        "a://b",
    ],
)
def test_plain_words_stay(stream: io.StringIO, text: str) -> None:
    """What only speaks of secrets is not a secret."""
    structlog.get_logger().info(text)
    assert lines(stream)[0]["event"] == text


def test_a_secret_at_the_cut_leaves_nothing(stream: io.StringIO) -> None:
    """A credential that begins before the end of what is kept is removed whole, however long it is."""
    structlog.get_logger().info("x" * (logs.MAX_VALUE_CHARS - 10) + " eyJ" + "canary" * 1000)
    assert "canary" not in stream.getvalue()


@pytest.mark.parametrize(
    "part",
    [
        *(
            "eyJ",
            "-----BEGIN",
            "-----BEGIN x-----",
            "-----END",
            "token",
            "token = ",
            "token\\\\",
            "key  ",
            "MII",
            "://a",
        ),
        *("cookie", "Bearer  ", "ver:1-hint:1", "password='", 'secret"', "\\", " ", "\U0001f600"),
    ],
)
def test_hostile_values_are_lines_like_others(stream: io.StringIO, part: str) -> None:
    """A megabyte made of beginnings of secrets is one bounded line; a scan that backtracks would not end in time."""
    structlog.get_logger().info("x", detail=part * (1_000_000 // len(part)), reason="token" + part * 100_000)
    (line,) = lines(stream)
    assert len(line["detail"]) <= logs.MAX_VALUE_CHARS
    assert len(line["reason"]) <= logs.MAX_VALUE_CHARS


FORGERIES = ["\n", "\r\n", "\u2028", "\u2029", "\x85", "\x0b", "\x1b[2K\x1b[1A", "\x00", "\x7f\x9b", "\ud800"]


@pytest.mark.parametrize("mark", FORGERIES, ids=ascii)
def test_a_line_cannot_be_forged(stream: io.StringIO, mark: str) -> None:
    """What ends lines or moves cursors stays escaped within its line: in values, events and libraries' records."""
    forged = f'x{mark}{{"event": "forged"}}'
    structlog.get_logger().info(forged, route=forged, detail={forged: [forged]})
    logging.getLogger("x").warning("%s", forged)
    written = stream.getvalue()
    assert written.isascii()
    assert written.replace("\n", "").isprintable()
    assert [line["event"] for line in lines(stream)] == [forged, forged]


@pytest.mark.parametrize("mark", FORGERIES, ids=ascii)
def test_a_field_cannot_be_forged(stream: io.StringIO, mark: str) -> None:
    """A name that is not on the list is dropped, whatever it holds."""
    structlog.get_logger().info("x", **{f"route{mark}": "y", f'{mark}"level': "y"})
    (line,) = lines(stream)
    assert set(line) == {"event", "level", "logger", "timestamp"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_lacks_become_words(stream: io.StringIO, value: float) -> None:
    """Every line is JSON, also for parsers that are strict about it."""
    structlog.get_logger().info("x", durationMs=value)
    assert lines(stream)[0]["durationMs"] == str(value)


def test_content_is_dropped(stream: io.StringIO) -> None:
    """Questions and answers are not logged, even when somebody passes them."""
    structlog.get_logger().info("x", question="canary", answer="canary")
    assert "canary" not in stream.getvalue()


def test_content_is_logged_where_the_settings_ask_for_it(stream: io.StringIO) -> None:
    """With content on, questions and answers are fields, cleaned and cut like others; nothing else is let in."""
    logs.configure(stream=stream, log_content=True)
    structlog.get_logger().info(
        "x", question="why? Bearer canary", answer="y" * 5000, message="canary", subject="canary"
    )
    (line,) = lines(stream)
    assert (line["question"], len(line["answer"])) == ("why? ***", logs.MAX_VALUE_CHARS)
    assert "canary" not in stream.getvalue()


def test_no_field_names_a_person() -> None:
    """A session's id leads to its subject for those who may know; no line does."""
    assert not {field for field in logs.FIELDS if "subject" in field.lower() or "user" in field.lower()}


def test_the_sdks_own_lines_are_left_out(stream: io.StringIO) -> None:
    """OpenTelemetry quotes what clients send, and complains about every batch; its lines are not written."""
    logging.getLogger("opentelemetry.baggage.propagation").warning("Baggage list-member `%s`", "canary")
    logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").error("Failed to export spans batch")
    assert stream.getvalue() == ""


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


def fields_passed(tree: ast.AST) -> set[str]:
    """The names of all fields that a module's `log` is given."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    ours = [call for call in calls if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "log"]
    return {keyword.arg for call in ours for keyword in call.keywords if keyword.arg}


MODULES = [path for path in sorted(Path(logs.__file__).parent.glob("**/*.py")) if "tests" not in path.parts]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_module_passes_a_field_that_is_dropped(path: Path) -> None:
    """Whoever wants a new field finds out before it is missed."""
    assert fields_passed(ast.parse(path.read_text(encoding="utf-8"))) <= logs.FIELDS | logs.CONTENT | {"exc_info"}


def test_the_check_of_fields_sees_them() -> None:
    """A field that nobody listed is found."""
    assert fields_passed(ast.parse("log.info('x', route='/', canary=1)")) == {"route", "canary"}
