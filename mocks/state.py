"""What the mock holds: cassettes, scenarios, the account, and per test the threads and the active scenario."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from contracts.cortex import Code, Event, FinalResponse
from fixtures.bench import database as bench
from mocks import cassette as cassettes_file
from mocks import scenario as scenarios_file
from mocks.assumptions import Assumptions
from mocks.cassette import Cassette
from mocks.journal import DEFAULT_BYTES, Journal
from mocks.matching import Shelf, agent_of, candidates, identifier, recorded_path
from mocks.replay import checked_pace
from mocks.request import Refusal, Request
from mocks.scenario import Scenario
from mocks.snowflake import auth
from mocks.snowflake.auth import AccessToken, Account, Gate, User
from mocks.snowflake.sessions import SESSION_S, Sessions
from mocks.strict import hint

P = TypeVar("P")

HERE = Path(__file__).parent
MAX_KEYS = 2
MAX_TESTS = 1000
"""Isolated tests remembered at a time; the one unused for longest is forgotten."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "agents": ("mocks.snowflake.agents",),
    "analyst": ("mocks.snowflake.analyst.messages",),
    "faults": ("mocks.faulting",),
    "search": ("mocks.snowflake.search",),
    "sql": ("mocks.snowflake.engine", "mocks.snowflake.results"),
    "threads": ("mocks.snowflake.threads", "mocks.background"),
}
"""What can be reset by itself, and the modules whose parts of a test (`Mock.of_test`) belong to it."""

RESETS = ("journal", "scenarios", *PARTS)


@dataclass(frozen=True, slots=True)
class Options:
    """Everything the mock can be told at start.

    pace: factor on recorded times, from 0 (at once) to 1000; a fault's own times are not scaled.   strict: a question
    nobody recorded is a 404 instead of a short answer that lists the recorded ones.   port 0 takes a free one.
    data: folder with the files that SQL runs on, as fixtures.bench.generate writes them.   roles, warehouses: granted
    to the user; the first of each is its default.   pats, oauth_tokens: files, see `mocks/snowflake/auth.py`.
    networks: the account's network policy, as CIDR blocks; without any there is none.   metrics_port, otlp_endpoint:
    without both nothing is measured.   unattested: recorded cassettes are played even when nothing attests that they
    were anonymised.

    Raises on construction: ValueError for another pace.
    """

    public_keys: tuple[Path, ...]
    host: str = "127.0.0.1"
    port: int = 4010
    cassettes: Path = HERE / "cassettes"
    scenarios: Path = HERE / "scenarios"
    data: Path = bench.FOLDER
    account: str = "MYORG-BENCH"
    user: str = "CORTEX_PROXY_USER"
    roles: tuple[str, ...] = ("DEVELOPER_CORTEX",)
    warehouses: tuple[str, ...] = ("CORTEX_BENCH_WH",)
    pats: tuple[Path, ...] = ()
    oauth_tokens: tuple[Path, ...] = ()
    networks: tuple[str, ...] = ()
    pat_needs_network_policy: bool = False
    session_lifetime_s: float = SESSION_S
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    otlp_endpoint: str | None = None
    strict: bool = True
    unattested: bool = False
    pace: float = 1.0
    max_body_bytes: int = 4 * 1024 * 1024
    journal_size: int = 2000
    journal_bytes: int = DEFAULT_BYTES
    assume: Assumptions = field(default_factory=Assumptions)

    def __post_init__(self) -> None:
        checked_pace(self.pace)


@dataclass(frozen=True, slots=True)
class Question:
    """A recorded question that opens a conversation, for pickers."""

    text: str
    about: str
    story: str
    provenance: str
    path: str


@dataclass(slots=True)
class _TestState:
    scenario: str | None = None
    parts: dict[type, Any] = field(default_factory=dict)

    def part(self, kind: type[P], *arguments: Any) -> P:
        """What is kept of a kind; made when first asked for."""
        if kind not in self.parts:
            self.parts[kind] = kind(*arguments)
        kept: P = self.parts[kind]
        return kept


class Mock:
    """The loaded mock. Raises on construction: CassetteError, ScenarioFormatError, OSError, ValueError."""

    def __init__(self, options: Options) -> None:
        self.options = options
        bench.files(options.data)  # or it would be found missing by somebody's first statement
        self.cassettes: list[Cassette] = cassettes_file.load_all(options.cassettes, unattested=options.unattested)
        self.scenarios: dict[str, Scenario] = scenarios_file.load_all(options.scenarios, self.cassettes)
        self.shelf = Shelf(candidates(self.cassettes))
        self.journal = Journal(options.journal_size, options.journal_bytes)
        self.recorded_threads = frozenset(_recorded_threads(self.cassettes))
        self.account = _account(options)
        self.sessions = Sessions(options.session_lifetime_s)
        block_status = int(options.assume.network_block_status)
        self.gate = Gate(self.account, self.sessions, block_status=block_status)
        self._agent_paths = sorted({agent for path in self._paths() if (agent := agent_of(recorded_path(path)))})
        self._everyone = _TestState()
        self._tests: OrderedDict[str, _TestState] = OrderedDict()

    def _paths(self) -> Iterable[str]:
        return (each.request.path for tape in self.cassettes for each in tape.interactions)

    def _test(self, test_id: str | None) -> _TestState:
        if not test_id:
            return self._everyone
        state = self._tests.setdefault(test_id, _TestState())
        self._tests.move_to_end(test_id)
        if len(self._tests) > MAX_TESTS:
            self._tests.popitem(last=False)
        return state

    def of_test(self, request: Request, kind: type[P], *arguments: Any) -> P:
        """What a surface keeps for the request's test; made, of these arguments, when first asked for."""
        return self._test(request.test_id).part(kind, *arguments)

    def of_everyone(self, kind: type[P]) -> P:
        """What is kept for all tests together; made, without arguments, when first asked for."""
        return self._everyone.part(kind)

    def scenario_for(self, request: Request) -> Scenario | None:
        """The scenario asked for, else the active one of its test, else the active one of all.

        Raises: Refusal naming the known ones.
        """
        test_id = request.test_id
        name = request.control("scenario") or self._test(test_id).scenario or self._everyone.scenario
        if name is None or name == "none":
            return None
        scenario = self.scenario(name)
        request.entry.scenario = scenario.scenario
        return scenario

    def scenario(self, name: str) -> Scenario:
        """A scenario by its name.   Raises: Refusal naming the known ones."""
        if name not in self.scenarios:
            message = f"Scenario {name!r} is not known."
            raise Refusal(400, Code.INVALID_PAYLOAD, message, {"known_scenarios": sorted(self.scenarios)})
        return self.scenarios[name]

    def active_scenario(self, test_id: str | None) -> str | None:
        """The scenario set for a test, or for everyone when `test_id` is None."""
        return self._test(test_id).scenario

    def activate(self, test_id: str | None, name: str | None) -> None:
        """Set or clear the scenario of a test, or of everyone.   Raises: Refusal."""
        self._test(test_id).scenario = self.scenario(name).scenario if name is not None else None

    def reset(self, test_id: str | None, only: Collection[str] | None = None) -> None:
        """Forget what one test, or everybody, did; when names of `RESETS` are given, only those parts of it.

        Raises: Refusal for a name that is none of them; then nothing is forgotten.
        """
        for name in only or ():
            if name not in RESETS:
                raise Refusal(400, Code.INVALID_PAYLOAD, f"nothing to reset is called {name!r}{hint(name, RESETS)}")
        if only is not None:
            self._reset_parts(test_id, only)
        elif test_id is None:
            self._everyone = _TestState()
            self._tests.clear()
        else:
            self._tests.pop(test_id, None)
        if only is None or "journal" in only:
            self.journal.clear(test_id)

    def _reset_parts(self, test_id: str | None, only: Collection[str]) -> None:
        modules = {module for name in only for module in PARTS.get(name, ())}
        everybody = [self._everyone, *self._tests.values()]
        for state in everybody if test_id is None else [self._test(test_id)]:
            if "scenarios" in only:
                state.scenario = None
            state.parts = {kind: part for kind, part in state.parts.items() if kind.__module__ not in modules}

    def agent_paths(self) -> list[str]:
        """Run paths of the stored agents that any cassette answers for."""
        return self._agent_paths

    def questions(self, path: str | None = None) -> list[Question]:
        """Questions that can be asked first, by cassette; only those of one run path when it is given."""
        return [
            Question(
                match.last_user_text, tape.header.about, tape.name, tape.header.provenance, interaction.request.path
            )
            for tape in self.cassettes
            for interaction in tape.interactions
            if (match := interaction.request.match).last_user_text is not None and match.parent_message_id is None
            if path in (None, recorded_path(interaction.request.path))
        ]


def _account(options: Options) -> Account:
    """The account with its one user.   Raises: OSError, ValueError."""
    if not 1 <= len(options.public_keys) <= MAX_KEYS:
        raise ValueError(f"{len(options.public_keys)} public keys given; a user has one or two")
    keys = auth.by_fingerprint(auth.load_public_key(path) for path in options.public_keys)
    roles, warehouses = (tuple(map(identifier, names)) for names in (options.roles, options.warehouses))
    user = User(
        options.user.upper(),
        keys,
        frozenset(roles),
        (*roles, auth.EVERYONE)[0],
        frozenset(warehouses),
        (*warehouses, "")[0],
    )
    return Account(
        auth.account_name(options.account),
        {user.name: user},
        _tokens(options, user),
        auth.parse_networks(options.networks),
        options.pat_needs_network_policy,
    )


def _tokens(options: Options, user: User) -> dict[bytes, AccessToken]:
    """The registered access tokens by their digest.   Raises: OSError, ValueError."""
    tokens: dict[bytes, AccessToken] = {}
    for paths, load in ((options.pats, auth.load_pat), (options.oauth_tokens, auth.load_oauth)):
        for path in paths:
            digest, token = load(path, user)
            if digest in tokens:
                raise ValueError(f"{path} holds a token that another file holds, too")
            tokens[digest] = token
    return tokens


def _recorded_threads(cassettes: Iterable[Cassette]) -> Iterable[int]:
    """Thread ids that recorded answers mention, so that their follow-ups are not refused."""
    for tape in cassettes:
        for interaction in tape.interactions:
            for frame in interaction.frames:
                if frame.event == Event.RESPONSE:
                    with contextlib.suppress(ValidationError):  # a broken answer is recorded as it was
                        thread_id = FinalResponse.model_validate_json(frame.payload).metadata.thread_id
                        yield from () if thread_id is None else (thread_id,)
