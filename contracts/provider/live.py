"""A real Snowflake account, held to the same pact as its stand-in, when the environment names one.

Nobody has run this against an account yet; it is tested against the stand-in, posing as one. What is asked is read-only
and little: the exchanges of `EXCHANGES`, none of which writes data or needs a scenario, three turns of an agent in
threads that are deleted afterwards, and a statement that waits and is cancelled. What an account answers to ambiguous
questions, which client-side tools its agent has, and how it cuts results is its own affair, so those stay with the
stand-in. The account must hold what `proxy/deploy/snowflake_setup.sql` sets up.

    CORTEX_LIVE_URL=https://myorg-bench.snowflakecomputing.com CORTEX_LIVE_ACCOUNT=MYORG-BENCH \\
    CORTEX_LIVE_USER=CORTEX_PROXY_USER CORTEX_LIVE_PRIVATE_KEY_FILE=rsa_key.p8 pytest contracts/provider
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from contracts.consumer import upstream
from contracts.consumer.upstream import Exchange, Told
from contracts.pactfile import PactFile
from contracts.provider.account import Account, StateError
from proxy.keypair import KeyPairSigner

PREFIX = "CORTEX_LIVE_"
NEEDED = ("URL", "ACCOUNT", "USER", "PRIVATE_KEY_FILE")
LOOPBACK = ("127.0.0.1", "localhost")

EXCHANGES: tuple[Exchange, ...] = (
    upstream.RUN,
    upstream.OPENING,
    upstream.FOLLOWING,
    upstream.SEARCH,
    upstream.ANALYST,
    upstream.ANALYST_STREAM,
    upstream.SUBMIT,
    upstream.POLL,
    upstream.RESULT_SET,
    upstream.CANCEL,
    upstream.FAILED,
)
MESSAGES: tuple[Told, ...] = tuple(told for told in upstream.TOLD if told.state == upstream.AS_RECORDED)


class LiveError(ValueError):
    """An environment that names no account completely; the message says what is missing or wrong."""


def account(environment: Mapping[str, str]) -> Account | None:
    """The account that the environment names; None when it names none.

    Raises: LiveError; OSError, ValueError for the key file.
    """
    given = {name: environment[f"{PREFIX}{name}"] for name in NEEDED if environment.get(f"{PREFIX}{name}")}
    if not given:
        return None
    missing = [f"{PREFIX}{name}" for name in NEEDED if name not in given]
    if missing:
        raise LiveError(f"an account needs {', '.join(missing)} as well")
    url = given["URL"].removesuffix("/")
    at = urlsplit(url)
    if at.scheme != "https" and at.hostname not in LOOPBACK:
        raise LiveError(f"{PREFIX}URL must begin with https://; a credential is sent there")
    signer = KeyPairSigner(given["ACCOUNT"], given["USER"], Path(given["PRIVATE_KEY_FILE"]))
    return Account(url, signer, _rehearse)


def _rehearse(scenario: str | None) -> None:
    if scenario is not None:
        raise StateError(f"an account plays no scenario, so not {scenario!r} either")


def pact(whole: PactFile, to: Path) -> PactFile:
    """What of the pact an account is asked."""
    names = {each.name for each in EXCHANGES} | {each.name for each in MESSAGES}
    return whole.select(lambda interaction: interaction.description in names, to)
