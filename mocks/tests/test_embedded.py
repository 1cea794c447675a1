"""The mock inside another program: it starts, answers, says what came, and leaves nothing behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import jwt
import pytest

import mocks
from mocks.embedded import MockCortex, MockCortexError, Session, UnmatchedRequestError, UnusedInteractionError
from mocks.server import PortInUseError
from mocks.tests.running import DEADLINE_S, QUESTION, RUN, run_body

TAPE = "agents/net_sales_by_region"


@pytest.fixture(scope="module")
def cortex() -> Iterator[MockCortex]:
    """A mock with everything that is shipped."""
    with MockCortex() as started:
        yield started


def ask(mock: Session, question: str = QUESTION, *, headers: dict[str, str] | None = None) -> int:
    """The status of a run."""
    connection = HTTPConnection("127.0.0.1", int(mock.url.rpartition(":")[2]), timeout=DEADLINE_S)
    try:
        connection.request("POST", RUN, run_body(question), mock.headers if headers is None else headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def test_it_needs_nothing_and_leaves_nothing() -> None:
    """It answers with the credential it hands out; afterwards thread, port and key files are gone."""
    before = set(threading.enumerate())
    with MockCortex() as mock:
        assert ask(mock) == 200
        key = mock.private_key_file
        assert key.stat().st_mode & 0o077 == 0
        port = int(mock.url.rpartition(":")[2])
    assert not key.exists()
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionRefusedError):
        HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S).connect()


def test_it_is_importable_from_the_room() -> None:
    """`mocks.MockCortex` is the class; other names are errors."""
    assert mocks.MockCortex is MockCortex
    with pytest.raises(AttributeError, match="has no attribute 'MockSnowflake'"):
        mocks.MockSnowflake  # noqa: B018 - the attribute is the test


def test_the_token_holds_and_is_reused(cortex: MockCortex) -> None:
    """For most of an hour, for the mock's user; signing takes time, so one is used again."""
    claims = jwt.decode(cortex.token(), options={"verify_signature": False})
    assert claims["sub"] == "MYORG-BENCH.CORTEX_PROXY_USER"
    assert claims["exp"] > time.time() + 1800
    assert cortex.token() == cortex.token()


def test_clients_can_sign_for_themselves(cortex: MockCortex) -> None:
    """The private key is a file that they can be pointed to."""
    claims = jwt.decode(cortex.token(), options={"verify_signature": False})
    own = jwt.encode(claims, cortex.private_key_file.read_bytes(), algorithm="RS256")
    assert ask(cortex, headers={"Authorization": f"Bearer {own}"}) == 200


@pytest.mark.parametrize("alone", [True, False])
def test_a_session_sees_its_own_requests(cortex: MockCortex, alone: bool) -> None:
    """Those of its test id; those without any as well when it is alone; never earlier ones, or those of others."""
    ask(cortex)
    mine, other = cortex.session(f"mine-{alone}", alone=alone), cortex.session(f"other-{alone}")
    ask(mine)
    ask(cortex)
    ask(other)
    assert [entry["test_id"] for entry in mine.journal()] == [mine.test_id, None][: 1 + alone]
    assert [entry["test_id"] for entry in other.journal()] == [other.test_id]


def test_a_scenario_and_a_fault_are_for_the_session(cortex: MockCortex) -> None:
    """Others do not notice, and a release takes both back."""
    mine, other = cortex.session("mine"), cortex.session("other")
    mine.use("throttled")
    assert (ask(mine), ask(other), ask(cortex)) == (429, 200, 200)
    mine.use(None)
    mine.fault({"respond": {"status": 418}})
    assert (ask(mine), ask(other), ask(cortex)) == (418, 200, 200)
    mine.release()
    assert ask(mine) == 200


def test_alone_what_is_set_holds_for_everybody_until_the_release(cortex: MockCortex) -> None:
    """Clients that can add no header are served that way."""
    mine = cortex.session("alone", alone=True)
    mine.use("throttled")
    assert (ask(mine), ask(cortex)) == (429, 429)
    mine.use(None)
    mine.fault({"respond": {"status": 418}}, on=["agent"])
    assert (ask(mine), ask(cortex)) == (418, 418)
    mine.release()
    assert (ask(mine), ask(cortex)) == (200, 200)


def test_a_release_restores_what_was_set_for_everybody(cortex: MockCortex) -> None:
    """A scenario and a fault of the whole run survive the tests that set others."""
    cortex.use("unavailable")
    mine = cortex.session("restored", alone=True)
    mine.use("throttled")
    mine.use("not_authorized")
    assert ask(cortex) == 403
    mine.release()
    assert ask(cortex) == 503
    cortex.use(None)
    cortex.fault({"respond": {"status": 418}})
    mine.fault({"respond": {"status": 419}})
    assert ask(cortex) == 419
    mine.release()
    assert ask(cortex) == 418
    cortex.fault(None)


def test_requests_are_asserted(cortex: MockCortex) -> None:
    """Once at least, or as often as given; what fails names the nearest; fields that do not exist are told apart."""
    mine = cortex.session("asserted")
    ask(mine)
    ask(mine)
    mine.assert_requested(path="*:run", last_user_text=QUESTION, outcome="answered")
    mine.assert_requested(path="*:run", count=2)
    mine.assert_requested(path="*:run", count={"at_most": 2})
    with pytest.raises(AssertionError, match="found 2 of 2 exchanges, expected exactly 1"):
        mine.assert_requested(path="*:run", count=1)
    with pytest.raises(AssertionError, match="last_user_text was 'Net sales by region', not 'x'"):
        mine.assert_requested(last_user_text="x")
    with pytest.raises(MockCortexError, match=r"unknown key 'requests\.0\.pat'; did you mean 'path'"):
        mine.assert_requested(pat="*")


def test_a_request_can_be_waited_for(cortex: MockCortex) -> None:
    """What a background thread will ask is found within the time given."""
    mine = cortex.session("waited")
    asking = threading.Thread(target=ask, args=(mine,))
    asking.start()
    mine.assert_requested(path="*:run", outcome="answered", within_ms=DEADLINE_S * 1000)
    asking.join()


def test_misses_are_named(cortex: MockCortex) -> None:
    """With the nearest recorded question; the seventh of them is only counted."""
    mine = cortex.session("missed")
    mine.check_matched()
    for _ in range(7):
        assert ask(mine, "Net sales by regoin") == 404
    assert len(mine.unmatched()) == 7
    with pytest.raises(UnmatchedRequestError, match="last_user_text was 'Net sales by regoin'") as caught:
        mine.check_matched()
    assert str(caught.value).endswith("and 2 more")
    mine.reset("journal")
    mine.check_matched()


def test_unused_interactions_are_named(cortex: MockCortex) -> None:
    """Until they were asked for."""
    mine = cortex.session("unused")
    with pytest.raises(UnusedInteractionError, match=f"{TAPE} interaction 0: POST"):
        mine.check_used(TAPE)
    ask(mine)
    mine.check_used(TAPE)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        pytest.param(lambda mock: mock.use("throtled"), "'throtled' is not known; did you mean 'throttled'", id="use"),
        pytest.param(lambda mock: mock.check_used(f"{TAPE}s"), f"did you mean '{TAPE}'", id="cassette"),
        pytest.param(lambda mock: mock.reset("thread"), "did you mean 'threads'", id="reset"),
        pytest.param(lambda mock: mock.fault({"respnd": {}}), "did you mean 'respond'", id="fault"),
        pytest.param(lambda mock: mock.verify({}), "nothing would be verified", id="verify"),
        pytest.param(lambda mock: mock.start(), "runs already", id="start"),
    ],
)
def test_mistakes_are_explained(cortex: MockCortex, act: Any, words: str) -> None:
    """Each names what was meant, and changes nothing."""
    with pytest.raises(MockCortexError, match=words):
        act(cortex)
    assert ask(cortex) == 200


def test_an_unknown_option_is_an_error() -> None:
    """It names the nearest."""
    with pytest.raises(TypeError, match="no option 'cassetes'; did you mean 'cassettes'"):
        MockCortex(cassetes=Path())


def test_what_cannot_start_says_why(cortex: MockCortex) -> None:
    """The server's own error comes out, and no thread stays."""
    with pytest.raises(PortInUseError, match="cannot be used"):
        MockCortex(port=int(cortex.url.rpartition(":")[2])).start()
    with pytest.raises(MockCortexError, match="is not running"):
        MockCortex().session("early")
