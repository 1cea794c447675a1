"""Answers by name: each is one that Snowflake, or something in front of it, can give."""

from __future__ import annotations

import pytest

from contracts.cortex import LOGIN_AGAIN_CODES, ErrorBody
from mocks.answers import ANSWERS, NO_REQUEST_ID, Answer


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_an_error_body_or_a_page(answer: Answer) -> None:
    """A body carries a numeric code where Snowflake puts it; a page is HTML."""
    body = answer.body("r1")
    assert answer.about
    if isinstance(body, str):
        assert body.startswith("<html>")
        assert answer.code == ""
    else:
        assert ErrorBody.model_validate(body).any_code == answer.code
        assert body["message"]


def test_the_request_is_named_where_snowflake_names_it() -> None:
    """In the body and, for a bad token, in its message; without an id a plain one stands there."""
    named = ANSWERS["jwt_invalid"].body("r1")
    assert isinstance(named, dict)
    assert (named["message"], named["request_id"]) == ("JWT token is invalid. [r1]", "r1")
    nameless = ANSWERS["jwt_invalid"].body(None)
    assert isinstance(nameless, dict)
    assert (NO_REQUEST_ID in str(nameless["message"]), "request_id" in nameless) == (True, False)


def test_an_expired_session_is_told_with_status_200() -> None:
    """And with a code that asks to log in again."""
    expired = ANSWERS["session_expired"]
    assert (expired.status, expired.code in LOGIN_AGAIN_CODES) == (200, True)
