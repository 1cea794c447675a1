"""Sessions: opened, found, renewed, closed, expired, and forgotten past their bound."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocks.snowflake import sessions
from mocks.snowflake.sessions import SessionError, Sessions, Tokens


class Clock:
    """Seconds that pass when told to."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> tuple[Sessions, Tokens]:
    """One open session of ANN, and its tokens."""
    store = Sessions(clock=clock)
    return store, store.open("ANN", "ANALYST", "WH", database="DB", schema="S")


def refusal(ask: Callable[[], object]) -> tuple[str, int]:
    """Code and status of what is raised."""
    with pytest.raises(SessionError) as raised:
        ask()
    return str(raised.value.code), raised.value.status


def test_an_open_session_is_found_by_its_token(opened: tuple[Sessions, Tokens]) -> None:
    """It knows who asks, and as what."""
    store, tokens = opened
    found = store.find(tokens.token)
    assert (found.user, found.role, found.warehouse, found.database, found.schema) == (
        "ANN",
        "ANALYST",
        "WH",
        "DB",
        "S",
    )
    assert store.find(tokens.token) is found


def test_two_sessions_are_two(opened: tuple[Sessions, Tokens]) -> None:
    """Of the same user, too: other tokens, other ids, other state."""
    store, tokens = opened
    second = store.open("ANN", "ANALYST")
    assert len({*tokens, *second}) == 4
    assert store.find(second.token).id != store.find(tokens.token).id
    store.find(tokens.token).part(list).append("mine")
    assert store.find(tokens.token).part(list) == ["mine"]
    assert store.find(second.token).part(list) == []


@pytest.mark.parametrize("which", ["nobody's", "", "master"])
def test_an_unknown_token_is_refused(opened: tuple[Sessions, Tokens], which: str) -> None:
    """A master token is no session token."""
    store, tokens = opened
    asked = tokens.master_token if which == "master" else which
    assert refusal(lambda: store.find(asked)) == ("390104", 401)


def test_a_session_token_holds_for_an_hour(opened: tuple[Sessions, Tokens], clock: Clock) -> None:
    """Then it answers 390112 with HTTP 200, whatever is asked of it."""
    store, tokens = opened
    clock.now_s += 3599
    store.find(tokens.token)
    clock.now_s += 1
    for ask in (store.find, store.keep_alive, store.close):
        assert refusal(lambda ask=ask: ask(tokens.token)) == ("390112", 200)  # type: ignore[misc]


def test_an_expired_session_can_be_renewed(opened: tuple[Sessions, Tokens], clock: Clock) -> None:
    """The session stays the same one; the old token has expired for good."""
    store, tokens = opened
    session = store.find(tokens.token)
    clock.now_s += 4000
    renewed = store.renew(tokens.token, tokens.master_token)
    assert store.find(renewed.token) is session
    assert renewed.master_token == tokens.master_token
    assert refusal(lambda: store.find(tokens.token)) == ("390112", 200)
    clock.now_s += 3599
    store.find(renewed.token)


def test_only_the_last_replaced_token_is_remembered(opened: tuple[Sessions, Tokens]) -> None:
    """Renewing for ever keeps nothing."""
    store, tokens = opened
    latest = tokens
    for _ in range(3):
        latest = store.renew(latest.token, latest.master_token)
    assert refusal(lambda: store.find(tokens.token)) == ("390104", 401)
    store.find(latest.token)


@pytest.mark.parametrize(
    ("later_s", "master", "code"),
    [(0, "", "390113"), (0, "nobody's", "390115"), (4 * 3600, None, "390114")],
    ids=["none", "unknown", "expired"],
)
def test_a_bad_master_token_renews_nothing(
    opened: tuple[Sessions, Tokens], clock: Clock, later_s: float, master: str | None, code: str
) -> None:
    """Each has the code that the connector knows it by."""
    store, tokens = opened
    clock.now_s += later_s
    asked = tokens.master_token if master is None else master
    assert refusal(lambda: store.renew(tokens.token, asked)) == (code, 200)


def test_a_master_token_renews_its_own_session(opened: tuple[Sessions, Tokens]) -> None:
    """Another session's token is not replaced."""
    store, tokens = opened
    other = store.open("BEN", "ANALYST")
    assert refusal(lambda: store.renew(tokens.token, other.master_token)) == ("390115", 200)
    assert store.find(tokens.token).user == "ANN"


def test_a_heartbeat_keeps_the_master_token_alive(opened: tuple[Sessions, Tokens], clock: Clock) -> None:
    """Its four hours begin anew."""
    store, tokens = opened
    clock.now_s += 3000
    assert store.keep_alive(tokens.token).user == "ANN"
    clock.now_s += 4 * 3600 - 1
    store.renew(tokens.token, tokens.master_token)


def test_a_closed_session_is_gone(opened: tuple[Sessions, Tokens]) -> None:
    """Its tokens answer 390111 with HTTP 200, and what surfaces kept for it is dropped."""
    store, tokens = opened
    store.close(tokens.token)
    for ask in (store.find, store.keep_alive, store.close):
        assert refusal(lambda ask=ask: ask(tokens.token)) == ("390111", 200)  # type: ignore[misc]
    assert refusal(lambda: store.renew(tokens.token, tokens.master_token)) == ("390111", 200)


def test_the_oldest_session_is_forgotten(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renewed or not, all its tokens go."""
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 2)
    store = Sessions(clock=clock)
    first = store.open("ANN", "ANALYST")
    again = store.renew(first.token, first.master_token)
    others = [store.open("BEN", "ANALYST") for _ in range(2)]
    for token in (first.token, again.token):
        assert refusal(lambda token=token: store.find(token)) == ("390104", 401)  # type: ignore[misc]
    assert refusal(lambda: store.renew(again.token, again.master_token)) == ("390115", 200)
    assert [store.find(each.token).user for each in others] == ["BEN", "BEN"]


def test_tokens_are_never_shown(opened: tuple[Sessions, Tokens]) -> None:
    """Neither by themselves, nor by what holds them, nor by errors."""
    store, tokens = opened
    store.close(tokens.token)
    with pytest.raises(SessionError) as raised:
        store.find(tokens.token)
    shown = f"{tokens} {tokens!r} {store!r} {vars(raised.value)} {raised.value}"
    assert tokens.token not in shown
    assert tokens.master_token not in shown
