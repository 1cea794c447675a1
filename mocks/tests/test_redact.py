"""What is left once nothing is a credential; quickly, whatever the text. The journal's tests plant the canaries."""

from __future__ import annotations

import pytest

from mocks.redact import HIDDEN, headers_without_credentials, is_secret_header, text_without_credentials


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("authorization", True),
        ("Proxy-Authorization", True),
        ("cookie", True),
        ("set-cookie", True),
        ("x-client-key", True),
        ("x-api-key", True),
        ("x-forwarded-access-token", True),
        ("x-amz-security-token", True),
        ("x-snowflake-authorization-token-type", False),
        ("x-test-id", False),
        ("traceparent", False),
        ("accept", False),
        ("x-snowflake-role", False),
    ],
)
def test_headers_are_known_by_name(name: str, secret: bool) -> None:
    """Whatever could carry a credential; the type of one is none."""
    assert is_secret_header(name) is secret
    assert headers_without_credentials({name: "value"}, 5, 10) == {name: HIDDEN if secret else "value"}


def test_headers_are_bounded() -> None:
    """In number, and in the length of names and values."""
    kept = headers_without_credentials({f"{number}-{'x' * 500}": "y" * 500 for number in range(50)}, 5, 10)
    assert [len(value) for value in kept.values()] == [10] * 5
    assert max(map(len, kept)) == 100


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"PASSWORD":"a\\"b","x":1}', '{"PASSWORD":"***","x":1}'),
        ('{"token" : "abc"}', '{"token" : "***"}'),
        ('{"masterToken":"ver:1-abc', '{"masterToken":"***"'),
        ("a=1&client_secret=x&b=2", "a=1&client_secret=***&b=2"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln stays", "*** stays"),
        ('{"max_tokens":5,"q":"What is a token?"}', '{"max_tokens":5,"q":"What is a token?"}'),
        ("", ""),
    ],
)
def test_texts_lose_what_is_secret(text: str, left: str) -> None:
    """By the names of members and parameters, and by the form of tokens; all else stays."""
    assert text_without_credentials(text) == left


HOSTILE = ["token", "eyJ", '"token":', '"', "\\", '"token":"\\', "&token", "Bearer ", "eyJaaaaaaaa."]


@pytest.mark.parametrize("part", HOSTILE)
def test_a_hostile_text_ends(part: str) -> None:
    """A megabyte of what each pattern begins with is read once, not over and over: it would take hours."""
    assert len(text_without_credentials(part * (2**20 // len(part)))) <= 2**21
