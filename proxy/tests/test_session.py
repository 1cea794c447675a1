"""`POST /session/token`: who gets a token, and how it is refreshed."""

from __future__ import annotations

import pytest

from contracts.api import ProblemType, SessionToken
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
    ],
    ids=["empty object", "nothing", "another type", "unknown field", "no JSON"],
)
def test_a_body_must_be_empty_json(make_app: MakeApp, body: bytes, content_type: str, status: int) -> None:
    """There is nothing to say in the body, and what is said all the same is checked."""
    assert make_app().test_client().post(PATH, data=body, content_type=content_type).status_code == status
