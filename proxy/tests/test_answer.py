"""When Snowflake wants to be asked again; the other meanings of its answers are in test_cortex and test_retries."""

from __future__ import annotations

import pytest

from proxy.answer import retry_after


@pytest.mark.parametrize(
    ("asked", "wait_s"),
    [
        ("", None),
        ("0", 0),
        ("7", 7),
        ("3600", 3600),
        ("86400", 3600),
        ("9" * 5000, None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30),
        ("Fri, 15 Jan 2027 08:00:30 -0000", 30),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
        ("Fri, 15 Jan 9999 08:00:00 GMT", 3600),
        ("Fri, 99 Jan 2027 08:00:00 GMT", None),
    ],
)
def test_retry_after(asked: str, wait_s: int | None) -> None:
    """Seconds and dates are understood, never shorter than asked within an hour; nonsense names no time."""
    assert retry_after(asked, 1_800_000_000) == wait_s
