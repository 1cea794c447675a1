"""Publishing to a Pact broker, and asking it what may be deployed; without one, the pacts stay files.

The broker is named by `PACT_BROKER_URL`, its credential by `PACT_BROKER_TOKEN` or by `PACT_BROKER_USERNAME` and
`PACT_BROKER_PASSWORD`: from the environment only, and on through the environment of Pact's own command, so that they
stand in no process list, no output and no file. A version is a commit, because only that can be built again.

Pact's command does everything but one thing: it cannot record a verification, so that is one request of our own.
"""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from contracts.pactfile import PactFile, PactFileError

PREFIX = "PACT_BROKER_"
CREDENTIALS = ("TOKEN", "USERNAME", "PASSWORD")
ROOT = Path(__file__).parent.parent
PACTS = ROOT / "contracts" / "pacts"
SUITES: Mapping[str, str] = {
    "cortex-proxy": "contracts/provider/test_proxy.py",
    "snowflake-cortex": "contracts/provider/test_mock.py",
}
"""The suite that verifies each provider. Of Snowflake it is the stand-in, at this commit, whose result is recorded."""

TIMEOUT_S = 30.0
OK, FAILED, USAGE = 0, 1, 2

Say = Callable[[str], None]
Environment = Mapping[str, str]


class BrokerError(Exception):
    """Something that has to be put right before a broker can be used; the message says what."""


@dataclass(frozen=True, slots=True)
class Version:
    """What is published: a commit, the branch it was built on, if any, and the tags that point to it."""

    number: str
    branch: str | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker and the credential for it, by the names of Pact's environment."""

    url: str
    credential: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def named_by(cls, environment: Environment) -> Broker | None:
        """The broker of the environment; None when it names none.   Raises: BrokerError."""
        url = environment.get(f"{PREFIX}URL", "").rstrip("/")
        if not url:
            return None
        at = urlsplit(url)
        if at.scheme not in ("http", "https") or not at.hostname or "@" in at.netloc:
            known = ", ".join(f"{PREFIX}{name}" for name in CREDENTIALS)
            raise BrokerError(f"{PREFIX}URL must be an http(s) address without credentials; those go into {known}")
        given = {name: environment[f"{PREFIX}{name}"] for name in CREDENTIALS if environment.get(f"{PREFIX}{name}")}
        if set(given) not in (set(), {"TOKEN"}, {"USERNAME", "PASSWORD"}):
            raise BrokerError(
                f"give {PREFIX}TOKEN, or {PREFIX}USERNAME and {PREFIX}PASSWORD; found {', '.join(sorted(given))}"
            )
        return cls(url, given)

    def environment(self, outer: Environment) -> dict[str, str]:
        """What Pact's command runs with."""
        kept = {name: value for name, value in outer.items() if not name.startswith(PREFIX)}
        own = {f"{PREFIX}{name}": value for name, value in self.credential.items()}
        return kept | own | {f"{PREFIX}BASE_URL": self.url, f"{PREFIX}HTTP_RETRIES": "3", "PACT_DO_NOT_TRACK": "true"}

    def hidden(self, text: str) -> str:
        """The text without secrets."""
        for name in ("TOKEN", "PASSWORD"):
            if secret := self.credential.get(name):
                text = text.replace(secret, "***")
        return text

    @property
    def authorization(self) -> dict[str, str]:
        """The header for requests of our own."""
        if "TOKEN" in self.credential:
            return {"Authorization": f"Bearer {self.credential['TOKEN']}"}
        if "PASSWORD" in self.credential:
            pair = f"{self.credential['USERNAME']}:{self.credential['PASSWORD']}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return {}


# --- the version -----------------------------------------------------------------------------------------------------


def version(repository: Path, branch: str | None = None) -> Version:
    """The version that a checkout stands for.   branch: for a checkout of a commit alone, as build servers make them.

    Raises: BrokerError when there is no commit, or the pacts are not the commit's.
    """
    number = _git(repository, "rev-parse", "HEAD")
    if changed := _git(repository, "status", "--porcelain", "--", "contracts/pacts"):
        raise BrokerError(
            f"the pacts differ from commit {number[:12]}, whose they are said to be; commit them:\n{changed}"
        )
    tags = _git(repository, "tag", "--points-at", "HEAD").split()
    return Version(number, branch or _git(repository, "branch", "--show-current") or None, tuple(tags))


def _git(repository: Path, *arguments: str) -> str:
    try:
        command = ["git", "-C", str(repository), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S)  # noqa: S603 - ours
    except FileNotFoundError as error:
        raise BrokerError("git is not installed; a version is a commit") from error
    except subprocess.CalledProcessError as error:
        raise BrokerError(f"{repository} is no checkout with a commit: {error.stderr.strip()}") from error
    return done.stdout.strip()


# --- what is asked ---------------------------------------------------------------------------------------------------


def publish(
    environment: Environment,
    say: Say,
    *,
    branch: str | None = None,
    build_url: str | None = None,
    verify: bool = False,
    root: Path = ROOT,
) -> int:
    """Publish the pacts, and with `verify` run the providers' suites and record how they went.

    Without a broker the pacts stay files, which is said. Returns the exit code: 1 when a suite fails.
    """
    paths = sorted((root / "contracts" / "pacts").glob("*.json"))
    if not paths:
        say("there is no pact in contracts/pacts; write them: pytest contracts/consumer --write-pacts")
        return FAILED
    try:
        broker = Broker.named_by(environment)
        if broker is None:
            listed = ", ".join(path.name for path in paths)
            say(f"{PREFIX}URL is not set, so nothing is published; the pacts stay in contracts/pacts: {listed}")
            return OK
        desk = _Desk(broker, environment, say, version(root, branch), build_url)
        return _published(desk, [PactFile.load(path) for path in paths], root, verify=verify)
    except (BrokerError, PactFileError) as error:
        say(str(error))
        return USAGE


def can_i_deploy(
    environment: Environment,
    say: Say,
    *,
    pacticipant: str,
    to: str,
    ignore: Sequence[str] = (),
    first: bool = False,
    root: Path = ROOT,
) -> int:
    """Ask whether this commit of a pacticipant works with everything that is deployed to an environment.

    ignore: pacticipants whose versions nobody records, as Snowflake's own.   first: nothing that it has a contract
    with is deployed there yet, so that nothing can be compared; otherwise that is a failure.
    Returns the exit code, 1 for no.
    """

    def ask(desk: _Desk) -> int:
        wanted = ["--pacticipant", pacticipant, "--version", desk.version.number, "--to-environment", to]
        left_out = [part for name in ignore for part in ("--ignore", name)]
        code, out = desk.run("can-i-deploy", *wanted, "--output", "json", *left_out)
        return _judged(out, code, say, first=first)

    return _at_a_desk(environment, say, root, ask)


def record_deployment(environment: Environment, say: Say, *, pacticipant: str, to: str, root: Path = ROOT) -> int:
    """Tell the broker that this commit of a pacticipant now is what runs in an environment. Returns the exit code."""

    def tell(desk: _Desk) -> int:
        wanted = ["--pacticipant", pacticipant, "--version", desk.version.number, "--environment", to]
        code, out = desk.run("record-deployment", *wanted)
        say(out)
        return OK if code == 0 else FAILED

    return _at_a_desk(environment, say, root, tell)


# --- how it is asked -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Desk:
    """A broker, and on whose behalf it is asked."""

    broker: Broker
    environment: Environment = field(repr=False)
    say: Say
    version: Version
    build_url: str | None = None

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and output of a command of `pact broker`.   Raises: BrokerError when it is not installed."""
        found = shutil.which("pact", path=str(Path(sys.executable).parent)) or shutil.which("pact")
        if found is None:
            raise BrokerError("Pact's command is not installed: uv sync --group contracts")
        done = subprocess.run(  # noqa: S603 - Pact's own command
            [found, "broker", *arguments],
            env=self.broker.environment(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, self.broker.hidden((done.stdout + done.stderr).strip())


def _at_a_desk(environment: Environment, say: Say, root: Path, do: Callable[[_Desk], int]) -> int:
    """The exit code of what is done at the broker of the environment, which there has to be."""
    try:
        broker = Broker.named_by(environment)
        if broker is None:
            raise BrokerError(f"{PREFIX}URL is not set, and only a broker knows what is deployed where")
        return do(_Desk(broker, environment, say, version(root)))
    except BrokerError as error:
        say(str(error))
        return USAGE


def _published(desk: _Desk, files: list[PactFile], root: Path, *, verify: bool) -> int:
    now = desk.version
    options = ["--consumer-app-version", now.number]
    options += ["--branch", now.branch] if now.branch else []
    options += ["--tag", ",".join(now.tags)] if now.tags else []
    options += ["--build-url", desk.build_url] if desk.build_url else []
    code, out = desk.run("publish", str(root / "contracts" / "pacts"), *options)
    desk.say(out)
    if code != 0:
        return FAILED
    results = [_verified(desk, file, root) for file in files] if verify else []
    return OK if all(results) else FAILED


def _verified(desk: _Desk, file: PactFile, root: Path) -> bool:
    """Whether the provider's suite passes, which is recorded.   Raises: BrokerError."""
    suite = SUITES.get(file.provider)
    if suite is None:
        raise BrokerError(
            f"nobody verifies provider {file.provider!r} of {file.path.name}; known are {', '.join(SUITES)}"
        )
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", str(root / suite)]
    own = {name: value for name, value in desk.environment.items() if not name.startswith(PREFIX)}
    done = subprocess.run(command, cwd=root, env=own, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    passed = done.returncode == 0
    desk.say(f"{suite}: {'passed' if passed else 'failed'}; {(done.stdout.strip().splitlines() or ['no output'])[-1]}")
    _placed(desk, file.provider)
    _record(desk, file, passed=passed)
    return passed


def _placed(desk: _Desk, provider: str) -> None:
    """The provider's version is known to be of its branch."""
    now = desk.version
    if now.branch is None:
        return
    code, out = desk.run(
        "create-or-update-version", "--pacticipant", provider, "--version", now.number, "--branch", now.branch
    )
    if code != 0:
        raise BrokerError(f"version {now.number[:12]} of {provider} was not taken: {out}")


def _record(desk: _Desk, file: PactFile, *, passed: bool) -> None:
    parties = f"provider/{quote(file.provider)}/consumer/{quote(file.consumer)}"
    pact = _asked(desk, f"{desk.broker.url}/pacts/{parties}/version/{desk.version.number}")
    link = pact.get("_links", {}).get("pb:publish-verification-results", {}).get("href", "")
    if urlsplit(link)[:2] != urlsplit(desk.broker.url)[:2]:
        raise BrokerError(
            f"the broker names no place of its own for verification results of {file.path.name}: {link!r}"
        )
    result = {
        "success": passed,
        "providerApplicationVersion": desk.version.number,
        "verifiedBy": {"implementation": "cortex-harness"},
        **({"buildUrl": desk.build_url} if desk.build_url else {}),
    }
    _asked(desk, link, result)
    desk.say(f"recorded: {file.provider} {'keeps' if passed else 'breaks'} its pact with {file.consumer}")


def _asked(desk: _Desk, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The broker's answer; redirects are none, so that the credential goes nowhere else.   Raises: BrokerError."""
    at, data = urlsplit(url), None if body is None else json.dumps(body)
    headers = {"Accept": "application/hal+json, application/json", "Content-Type": "application/json"}
    kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
    try:
        with closing(kind(at.hostname or "", at.port, timeout=TIMEOUT_S)) as connection:
            connection.request("GET" if data is None else "POST", at.path, data, headers | desk.broker.authorization)
            response = connection.getresponse()
            text = response.read()
        if response.status not in (200, 201):
            raise BrokerError(f"the broker answers {response.status} at {url}: {text[:200].decode(errors='replace')}")
        found: dict[str, Any] = json.loads(text)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise BrokerError(f"the broker does not answer at {url}: {error}") from error
    return found


def _judged(out: str, code: int, say: Say, *, first: bool) -> int:
    try:
        found = json.loads(out)
        reason, rows = found["summary"]["reason"], found["matrix"]
    except (ValueError, KeyError, TypeError):
        say(out or f"Pact's command said nothing, and ended with {code}")
        return FAILED
    for notice in found.get("notices", ()):
        say(notice["text"])
    if code != 0 or found["summary"].get("deployable") is not True:
        say(f"no: {reason}")
        return FAILED
    if not rows and not first:
        say("no: nothing was compared, because nothing it has a contract with is deployed there; --first accepts that")
        return FAILED
    say(f"yes: {reason}")
    return OK
