"""Problems: one shape for every error, Flask's own included."""

from __future__ import annotations

import io
import json
from typing import Any, NoReturn

import pytest
from flask import Flask, abort, request

from contracts.api import PROBLEM_BASE, PROBLEM_JSON, Problem, ProblemType
from proxy import logs
from proxy.problems import CATALOGUE, ProblemError, register


@pytest.fixture
def app() -> Flask:
    """An application that fails on demand."""
    app = Flask("x")
    app.config["MAX_CONTENT_LENGTH"] = 10
    register(app)

    @app.post("/problem/<kind>")
    def problem(kind: str) -> NoReturn:
        raise ProblemError(ProblemType(kind), "what to do", retry_after_s=3, upstream_code="1")

    @app.get("/defect")
    def defect() -> NoReturn:
        raise RuntimeError("canary")

    @app.get("/abort/<int:status>")
    def give_up(status: int) -> NoReturn:
        abort(status)

    @app.post("/read")
    def read() -> str:
        return str(len(request.get_data()))

    return app


def test_every_type_has_its_place_in_the_catalogue() -> None:
    """Each problem type has a status and a title, and no title says the same as another."""
    assert set(CATALOGUE) == set(ProblemType)
    assert all(400 <= kind.status < 600 for kind in CATALOGUE.values())
    assert len({kind.title for kind in CATALOGUE.values()}) == len(CATALOGUE)


@pytest.mark.parametrize("kind", list(ProblemType))
def test_a_problem_answers_as_the_catalogue_says(app: Flask, kind: ProblemType) -> None:
    """Status, type, title and whether to try again come from the catalogue; the waiting time is a header, too."""
    response = app.test_client().post(f"/problem/{kind}")
    assert (response.status_code, response.content_type) == (CATALOGUE[kind].status, PROBLEM_JSON)
    problem = Problem.model_validate(response.json)
    assert (problem.type, problem.title, problem.status, problem.retryable) == (
        PROBLEM_BASE + kind,
        CATALOGUE[kind].title,
        response.status_code,
        CATALOGUE[kind].retryable,
    )
    assert (problem.detail, problem.retry_after_s, problem.upstream_code) == ("what to do", 3, "1")
    assert response.headers["Retry-After"] == "3"
    assert ("WWW-Authenticate" in response.headers) == (response.status_code == 401)


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        (ProblemType.TOKEN_MISSING, "Bearer"),
        (ProblemType.CLIENT_KEY_INVALID, "Bearer"),
        (ProblemType.TOKEN_EXPIRED, 'Bearer error="invalid_token"'),
        (ProblemType.TOKEN_INVALID, 'Bearer error="invalid_token"'),
    ],
)
def test_a_401_says_how_to_authenticate(app: Flask, kind: ProblemType, header: str) -> None:
    """A missing token is asked for, a bad one is called invalid (RFC 6750); a good one does instead of a client key."""
    assert app.test_client().post(f"/problem/{kind}").headers["WWW-Authenticate"] == header


@pytest.mark.parametrize(
    ("asked", "data", "status", "kind"),
    [
        ("GET /nowhere", b"", 404, ProblemType.NOT_FOUND),
        ("GET /read", b"", 405, ProblemType.METHOD_NOT_ALLOWED),
        ("POST /read", b"x" * 11, 413, ProblemType.BODY_TOO_LARGE),
        ("GET /abort/400", b"", 400, ProblemType.MALFORMED_JSON),
        ("GET /abort/415", b"", 415, ProblemType.UNSUPPORTED_MEDIA_TYPE),
        ("GET /abort/416", b"", 422, ProblemType.INVALID_REQUEST),
        ("GET /abort/500", b"", 500, ProblemType.INTERNAL),
        ("GET /abort/503", b"", 500, ProblemType.INTERNAL),
        ("GET /defect", b"", 500, ProblemType.INTERNAL),
    ],
)
def test_flasks_own_errors(app: Flask, asked: str, data: bytes, status: int, kind: ProblemType) -> None:
    """Whatever Flask refuses, and every defect, is a problem as well."""
    method, path = asked.split()
    response = app.test_client().open(path, method=method, data=data)
    assert (response.status_code, response.content_type) == (status, PROBLEM_JSON)
    assert response.json is not None
    assert response.json["type"] == PROBLEM_BASE + kind
    assert response.json["detail"]


def test_405_names_what_is_allowed(app: Flask) -> None:
    """RFC 9110 wants the Allow header."""
    assert set(app.test_client().get("/read").headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


def test_a_defect_is_logged_without_its_words(app: Flask, restored_logging: None) -> None:
    """The client learns nothing; the log line has type and place, but not the message."""
    stream = io.StringIO()
    logs.configure(stream=stream)
    response = app.test_client().get("/defect")
    assert b"canary" not in response.data
    line: dict[str, Any] = json.loads(stream.getvalue())
    assert (line["event"], line["level"]) == ("unhandled error", "error")
    assert "RuntimeError at" in line["exception"]
    assert "test_problems.py:" in line["exception"]
    assert "canary" not in stream.getvalue()
