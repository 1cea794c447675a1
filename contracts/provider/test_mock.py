"""Whoever answers for Snowflake keeps the proxy's pact: the stand-in, and an account when the environment names one."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from contracts.conftest import PACTS
from contracts.consumer import upstream
from contracts.consumer.upstream_pact import FILE_NAME
from contracts.pactfile import Interaction, PactFile
from contracts.provider import live
from contracts.provider.account import Account, StateError, provider
from contracts.verification import Verification, verify
from mocks import MockCortex
from mocks.assumptions import Assumptions
from proxy.keypair import KeyPairSigner

PACT = PactFile.load(PACTS / FILE_NAME)
STATES = sorted({each.state for each in upstream.EXCHANGES} | {each.state for each in upstream.TOLD})
LIVE_NAMES = {each.name for each in live.EXCHANGES} | {each.name for each in live.MESSAGES}
MAX_LIVE_REQUESTS = 40

Verify = Callable[[str], Verification]


def asked() -> list[tuple[str, str]]:
    """Who is asked for which interaction."""
    names = [each.description for each in PACT.interactions]
    wanted = [("mock", name) for name in names]
    if live.account(os.environ) is not None:
        wanted += [("live", name) for name in names if name in LIVE_NAMES]
    return wanted


TOKENS = {"programmatic_access_token": "made-up-for-the-account", "oauth": "made-up-for-an-hour"}


@pytest.fixture(scope="session")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockCortex]:
    """The stand-in, which answers at once, cuts results early, and knows two tokens."""
    folder = tmp_path_factory.mktemp("tokens")
    for name, word in TOKENS.items():
        (folder / name).write_text(word, "utf-8")
    pat, oauth = (folder / name for name in TOKENS)
    assume = Assumptions(sql_partition_bytes=300)
    with MockCortex(assume=assume, pats=(pat,), oauth_tokens=(oauth,)) as started:
        yield started


def stand_in(mock: MockCortex) -> Account:
    """The stand-in as an account, asked with the proxy's own credential."""
    signer = KeyPairSigner("MYORG-BENCH", "CORTEX_PROXY_USER", mock.private_key_file)
    return Account(mock.url, signer, mock.use, TOKENS)


def verified_live(account: Account, folder: Path) -> Verification:
    """What an account keeps of its part of the pact."""
    selected = live.pact(PACT, folder / PACT.path.name)
    try:
        return verify(selected.path, provider(account, [upstream.AS_RECORDED], live.MESSAGES))
    finally:
        account.release()


@pytest.fixture(scope="session")
def verified(mock: MockCortex, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verify]:
    """What a target keeps; each is asked once."""
    with ExitStack() as after:

        @functools.cache
        def ask(target: str) -> Verification:
            if target == "mock":
                after.callback(mock.use, None)
                return verify(PACT.path, provider(stand_in(mock), STATES, upstream.TOLD))
            named = live.account(os.environ)
            assert named is not None, "targets are chosen by the same question"
            return verified_live(named, tmp_path_factory.mktemp("live"))

        yield ask


@pytest.mark.parametrize(("target", "description"), asked())
def test_the_promise_is_kept(target: str, description: str, verified: Verify) -> None:
    """The interaction is verified: its answer or event, and, of a stream, its whole sequence."""
    verification = verified(target)
    mine = [fault for fault in verification.faults if repr(description) in fault]
    assert not mine, "\n".join(mine)
    assert description in verification.verified


@pytest.mark.parametrize("target", dict.fromkeys(target for target, _ in asked()))
def test_nothing_is_left_out(target: str, verified: Verify) -> None:
    """No fault of any kind: nothing skipped, no state unknown or unused, no event that nobody sends."""
    verified(target).check()


# --- what an account would be asked, asked of the stand-in -----------------------------------------------------------


def environment(mock: MockCortex) -> dict[str, str]:
    """The stand-in, posing as an account."""
    return {
        "CORTEX_LIVE_URL": f"{mock.url}/",
        "CORTEX_LIVE_ACCOUNT": "MYORG-BENCH",
        "CORTEX_LIVE_USER": "CORTEX_PROXY_USER",
        "CORTEX_LIVE_PRIVATE_KEY_FILE": str(mock.private_key_file),
    }


def test_an_account_is_asked_little_and_left_as_it_was(tmp_path: Path) -> None:
    """Everything chosen for accounts is kept, with few requests, nothing written, and no thread left."""
    with MockCortex() as posing:
        named = live.account(environment(posing))
        assert named is not None
        verification = verified_live(named, tmp_path)
        verification.check()
        assert sorted(verification.verified) == sorted(LIVE_NAMES)
        seen = [(entry.method, entry.path) for entry in posing.entries()]
        assert len(seen) <= MAX_LIVE_REQUESTS
        assert {method for method, _ in seen} == {"POST", "GET", "DELETE"}
        made = [path for method, path in seen if method == "POST" and path.endswith("/threads")]
        gone = [path for method, path in seen if method == "DELETE" and "/threads/" in path]
        assert len(made) == len(gone) > 0


def test_no_environment_is_no_account() -> None:
    """Without the variables nobody is asked."""
    assert live.account({"CORTEX_LIVE_TIMEOUT": "60"}) is None


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"CORTEX_LIVE_USER": ""}, "an account needs CORTEX_LIVE_USER as well"),
        ({"CORTEX_LIVE_URL": "http://myorg-bench.snowflakecomputing.com"}, "must begin with https://"),
    ],
    ids=["half of it", "in the clear"],
)
def test_a_half_named_account_is_refused(changed: dict[str, str], told: str, mock: MockCortex) -> None:
    """Half a configuration is an error, not a verification of nobody."""
    with pytest.raises(live.LiveError, match=told):
        live.account({**environment(mock), **changed})


def test_an_account_plays_no_scenario(mock: MockCortex) -> None:
    """A state that only the stand-in has is an error with its name."""
    named = live.account(environment(mock))
    assert named is not None
    with pytest.raises(StateError, match="throttled"):
        named.state("throttled")({})


# --- states ----------------------------------------------------------------------------------------------------------


def test_an_unknown_precondition_is_refused(mock: MockCortex) -> None:
    """State parameters come from the closed table."""
    with pytest.raises(StateError, match="thread='half'"):
        stand_in(mock).state(upstream.AS_RECORDED)({"thread": "half"})


def test_an_unknown_scenario_is_told_with_its_nearest(tmp_path: Path, mock: MockCortex) -> None:
    """A state that is no scenario fails by its name."""
    renamed = PACT.path.read_text("utf-8").replace('"throttled"', '"throtled"')
    file = tmp_path / PACT.path.name
    file.write_text(renamed, "utf-8")
    only = PactFile.load(file).select(lambda each: each.states[0].name == "throtled", file)
    verification = verify(only.path, provider(stand_in(mock), ["throtled"], []))
    (fault,) = verification.faults
    assert fault.startswith("state handler failed: throtled of 'a question: throttled' [throtled]: MockCortexError")


@pytest.mark.parametrize(
    ("interaction", "change", "told"),
    [
        ("a search", ("cosine_similarity", "similarity"), "keys: similarity"),
        ("a new thread", ("thread_id", "id_of_thread"), "missing the following keys: id_of_thread"),
        ("a question: throttled_with_advice", ("390505", "390506"), "body $.code"),
        ("event response of a run", ("completed", "finished"), "to be equal to 'finished'"),
    ],
    ids=["a score", "a field", "a code", "a status"],
)
def test_a_promise_that_is_not_kept_is_told(
    interaction: str, change: tuple[str, str], told: str, tmp_path: Path, mock: MockCortex
) -> None:
    """A renamed field or another code is a fault that names the interaction and the place."""

    def mine(each: Interaction) -> bool:
        return each.description == interaction

    only = PACT.select(mine, tmp_path / "pact.json")
    (one,) = only.interactions
    old, new = change
    text = only.path.read_text("utf-8")
    only.path.write_text(text.replace(f'"{old}"', f'"{new}"').replace(f'.{old}"', f'.{new}"'), "utf-8")
    messages = [each for each in upstream.TOLD if each.name == interaction]
    verification = verify(only.path, provider(stand_in(mock), [one.states[0].name], messages))
    assert verification.verified == []
    assert any(interaction in fault and told in fault for fault in verification.faults)
