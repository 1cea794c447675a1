"""`/session/token`: who gets a token, how it is refreshed, and how a session ends."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from contracts.api import ProblemType, SessionToken
from proxy.parts import EXTENSION, Parts
from proxy.tests.conftest import CLIENT_KEY, Keys, MakeApp

PATH = "/api/v1/session/token"


def test_development_gives_a_token_to_anybody(make_app: MakeApp) -> None:
    """No body is needed; the answer is never cached."""
    response = make_app().test_client().post(PATH)
    token = SessionToken.model_validate_json(response.data)
    assert (response.status_code, response.content_type, token.expires_in_s) == (200, "application/json", 300)
    assert response.headers["Cache-Control"] == "no-store"
    assert (token.session_expires_at - token.expires_at).total_seconds() == 8 * 3600 - 300


def test_a_valid_token_is_refreshed(make_app: MakeApp) -> None:
    """The refreshed token is another one for the same session."""
    client = make_app().test_client()
    first = SessionToken.model_validate_json(client.post(PATH).data)
    answer = client.post(PATH, headers={"Authorization": f"Bearer {first.token}"}, json={})
    second = SessionToken.model_validate_json(answer.data)
    assert second.session_id == first.session_id
    assert second.token != first.token


def test_an_invalid_token_is_not_replaced(make_app: MakeApp) -> None:
    """A bad token is refused; it does not silently open a new session."""
    response = make_app().test_client().post(PATH, headers={"Authorization": "Bearer x"})
    assert (response.status_code, response.get_json()["type"].rpartition("/")[2]) == (401, ProblemType.TOKEN_INVALID)


def test_production_wants_the_client_key_once(make_app: MakeApp, keys: Keys) -> None:
    """The key opens a session, and the session's token refreshes it without the key."""
    client = make_app(environment="production", client_key_file=keys.client_key).test_client()
    assert client.post(PATH).status_code == 401
    assert client.post(PATH, headers={"X-Client-Key": "wrong"}).status_code == 401
    opened = client.post(PATH, headers={"X-Client-Key": CLIENT_KEY.decode()})
    assert opened.status_code == 200
    assert client.post(PATH, headers={"Authorization": f"Bearer {opened.get_json()['token']}"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 200),
        (b"", "text/plain", 200),
        (b"{}", "text/plain", 415),
        (b'{"role":"ADMIN"}', "application/json", 422),
        (b"{", "application/json", 400),
        (b'{"subject":null}', "application/json", 200),
        (b'{"subject":""}', "application/json", 422),
        (b'{"subject":7}', "application/json", 422),
        (b'{"subject":"a b"}', "application/json", 422),
        (b'{"subject":"a","subject":"b"}', "application/json", 400),
    ],
    ids=[
        "empty object",
        "nothing",
        "another type",
        "unknown field",
        "no JSON",
        "no subject",
        "empty subject",
        "number as subject",
        "space in subject",
        "two subjects",
    ],
)
def test_a_body_must_fit(make_app: MakeApp, body: bytes, content_type: str, status: int) -> None:
    """Nothing needs to be said in the body, and what is said is checked."""
    assert make_app().test_client().post(PATH, data=body, content_type=content_type).status_code == status


def subject_of(app: Flask, token: str) -> str:
    """Whom a token speaks for."""
    wired: Parts = app.extensions[EXTENSION]
    return wired.tokens.authenticate(f"Bearer {token}").subject


def kind_of(answer: TestResponse) -> str:
    """The problem that was answered."""
    return str(answer.get_json()["type"].rpartition("/")[2])


@pytest.mark.parametrize("environment", ["development", "production"])
def test_naming_a_subject(make_app: MakeApp, keys: Keys, environment: str) -> None:
    """Whoever has the client key says whose session it is; the others are refused."""
    app = make_app(environment=environment, client_key_file=keys.client_key)
    client, body = app.test_client(), {"subject": "user-4711"}
    opened = client.post(PATH, json=body, headers={"X-Client-Key": CLIENT_KEY.decode()})
    assert subject_of(app, opened.get_json()["token"]) == "user-4711"
    for headers in ({}, {"X-Client-Key": "wrong"}):
        answer = client.post(PATH, json=body, headers=headers)
        assert (answer.status_code, kind_of(answer)) == (401, ProblemType.CLIENT_KEY_INVALID)


def test_naming_a_subject_without_any_client_key(make_app: MakeApp) -> None:
    """The refusal says what is needed."""
    answer = make_app().test_client().post(PATH, json={"subject": "user-4711"})
    assert (answer.status_code, kind_of(answer)) == (401, ProblemType.CLIENT_KEY_INVALID)
    assert answer.get_json()["detail"].startswith("Naming a subject needs the client key")


def test_a_refresh_keeps_the_subject(make_app: MakeApp, keys: Keys) -> None:
    """A refresh that names one is refused, by pointer, even with the client key and the same subject."""
    client = make_app(client_key_file=keys.client_key).test_client()
    with_key = {"X-Client-Key": CLIENT_KEY.decode()}
    token = client.post(PATH, json={"subject": "user-1"}, headers=with_key).get_json()["token"]
    answer = client.post(PATH, json={"subject": "user-1"}, headers=with_key | {"Authorization": f"Bearer {token}"})
    assert (answer.status_code, kind_of(answer)) == (422, ProblemType.INVALID_REQUEST)
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/subject"]
    forged = client.post(PATH, json={"subject": "user-1"}, headers=with_key | {"Authorization": "Bearer x"})
    assert forged.status_code == 401, "who may not refresh learns no more"


def test_ending_a_session(make_app: MakeApp) -> None:
    """Its answer is empty; after it no token of the session does anything any more, ending it again included."""
    client = make_app().test_client()
    first = client.post(PATH).get_json()["token"]
    second = client.post(PATH, headers={"Authorization": f"Bearer {first}"}).get_json()["token"]
    ended = client.delete(PATH, headers={"Authorization": f"Bearer {second}"})
    assert (ended.status_code, ended.data, ended.headers["Cache-Control"]) == (204, b"", "no-store")
    for token in (first, second):
        headers = {"Authorization": f"Bearer {token}"}
        chat = {"sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77", "message": "Hello"}
        for answer in (
            client.post(PATH, headers=headers),
            client.delete(PATH, headers=headers),
            client.post("/api/v1/chat", json=chat, headers=headers),
        ):
            assert (answer.status_code, kind_of(answer)) == (401, ProblemType.TOKEN_INVALID)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [({}, ProblemType.TOKEN_MISSING), ({"Authorization": "Bearer x"}, ProblemType.TOKEN_INVALID)],
    ids=["none", "forged"],
)
def test_ending_a_session_needs_its_token(make_app: MakeApp, headers: dict[str, str], kind: ProblemType) -> None:
    """The client key alone ends nothing, and refusals are not cached either."""
    answer = make_app().test_client().delete(PATH, headers=headers | {"X-Client-Key": CLIENT_KEY.decode()})
    assert (answer.status_code, kind_of(answer)) == (401, kind)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_bad_tokens_cannot_be_told_apart(make_app: MakeApp) -> None:
    """Forged, foreign and ended tokens get one answer, but for the ids of the request."""
    client = make_app().test_client()
    token = client.post(PATH).get_json()["token"]
    client.delete(PATH, headers={"Authorization": f"Bearer {token}"})
    answers = []
    for bad in ("x", token, token[:-1], "eyJhbGciOiJub25lIn0.e30."):
        answer = client.post(PATH, headers={"Authorization": f"Bearer {bad}"})
        headers = {
            name: value
            for name, value in answer.headers.items()
            if name not in ("X-Request-Id", "X-Trace-Id", "RateLimit")
        }
        body = {name: value for name, value in answer.get_json().items() if name not in ("instance", "traceId")}
        answers.append((answer.status_code, headers | {"Content-Length": None}, body))
    assert answers == [answers[0]] * 4
    assert answers[0][0] == 401
