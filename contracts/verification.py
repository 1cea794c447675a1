"""Whether a provider keeps a pact: pact-python's verifier, and what it leaves open.

Pact compares single answers and messages. Added here: the sequence rule of each stream is executed; what was not
verified at all is a fault with its name; and an error in a handler of the suite is told with its own words. (Left to
itself, Pact answers a failing state handler with eight tries over two minutes, and then with a sentence that does not
say what failed; and what a broken message handler answers looks like the provider's answer of a wrong type.)
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pact import Verifier
from pydantic import JsonValue

from contracts.callbacks import MESSAGE_PATH, Callbacks, Message
from contracts.exchange import filled, needed, perform
from contracts.pactfile import Interaction, PactFile, State
from contracts.sequence import Rule, RuleError

REQUEST_TIMEOUT_MS = 20_000
SHOWN_CHARS = 400
"""So much of what came is shown in a fault."""

WHOSE = "cortex-harness:interaction"
"""State parameter that tells the handler for which interaction it is called; suites never see it."""

StateHandler = Callable[[Mapping[str, JsonValue]], Mapping[str, JsonValue] | None]
MessageHandler = Callable[[Interaction], JsonValue]
StreamHandler = Callable[[Interaction], Sequence[tuple[str, JsonValue]]]


class Fault(StrEnum):
    """The kinds of faults; each fault begins with one."""

    EMPTY_PACT = "empty pact"
    OTHER_PROVIDER = "pact with another provider"
    REPEATED = "interaction described twice"
    STATELESS = "interaction without a state"
    UNVERIFIED = "unverified interaction"
    SKIPPED = "skipped verification"
    UNKNOWN_STATE = "unknown state"
    UNUSED_STATE = "unused state"
    STATE_FAILED = "state handler failed"
    MISSING_VALUE = "value that no state has made"
    UNHANDLED_MESSAGE = "message that nobody handles"
    UNUSED_MESSAGE = "message handler without a message"
    MESSAGE_FAILED = "message handler failed"
    RULELESS_STREAM = "stream without a sequence rule"
    STREAMLESS_RULE = "sequence rule without a stream"
    BROKEN_RULE = "no sequence rule"
    STREAM_FAILED = "stream not performed"
    SEQUENCE = "broken sequence"
    MISMATCH = "broken promise"
    VERIFIER = "verifier failed"


@dataclass(frozen=True, slots=True)
class Provider:
    """Who is verified, and how to bring it into each state.

    states: by name; each is called with the state's parameters before each interaction in it, and may return values
    for the `ProviderState` generators of the pact.
    messages: what makes the payload of each message, by its description; the state is set by then.
    streams: performs the exchange of a stream and returns its events, each with its data as JSON or as text; the
    interaction it gets has the state's values in its request. `exchange.perform` when left out.
    headers: sent with every request, instead of the pact's own of that name; credentials, for example.
    """

    name: str
    url: str
    states: Mapping[str, StateHandler]
    messages: Mapping[str, MessageHandler] = field(default_factory=dict)
    streams: StreamHandler | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verification:
    """faults: sentences, each beginning with its kind.   verified: descriptions of what is kept."""

    faults: list[str]
    verified: list[str]

    def check(self) -> None:
        """Hold that everything was verified and is kept.   Raises: AssertionError with all faults."""
        if self.faults:
            listed = "\n".join(f"  {each}" for each in self.faults)
            raise AssertionError(f"{len(self.faults)} fault(s), {len(self.verified)} interaction(s) kept:\n{listed}")


def verify(pact: Path, provider: Provider) -> Verification:
    """What a provider keeps of a pact, and what it does not.   Raises: PactFileError, OSError."""
    file = PactFile.load(pact)
    run = _Run(file, provider)
    faults = [fault for check in _VACUITIES for fault in check(file, provider)]
    if file.interactions:
        run.play()
    faults += [fault for found in run.found.values() for fault in found]
    verified = [each.description for each in file.interactions if not run.found.get(each.description)]
    return Verification(faults, verified)


def _empty(file: PactFile, _provider: Provider) -> Iterator[str]:
    if not file.interactions:
        yield f"{Fault.EMPTY_PACT}: {file.path.name} has no interaction"


def _another(file: PactFile, provider: Provider) -> Iterator[str]:
    if file.provider != provider.name:
        yield f"{Fault.OTHER_PROVIDER}: {file.path.name} is with {file.provider!r}, verified is {provider.name!r}"


def _repeated(file: PactFile, _provider: Provider) -> Iterator[str]:
    names = [each.description for each in file.interactions]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{Fault.REPEATED}: {name!r}; results and sequence rules go by description"


def _stateless(file: PactFile, _provider: Provider) -> Iterator[str]:
    for each in file.interactions:
        if not each.states:
            yield f"{Fault.STATELESS}: {each.description!r} would find whatever the one before left"


def _pending(file: PactFile, _provider: Provider) -> Iterator[str]:
    for each in file.interactions:
        if each.document.get("pending"):
            yield f"{Fault.SKIPPED}: {each} is marked as pending, so its failure would fail nothing"


def _unused_states(file: PactFile, provider: Provider) -> Iterator[str]:
    for name in sorted(provider.states.keys() - file.states()):
        yield f"{Fault.UNUSED_STATE}: {name!r} has a handler, and no interaction is in it"


def _messages(file: PactFile, provider: Provider) -> Iterator[str]:
    named = {each.description for each in file.interactions if each.kind == "message"}
    for name in sorted(provider.messages.keys() - named):
        yield f"{Fault.UNUSED_MESSAGE}: {name!r} is not in {file.path.name}"


def _rules(file: PactFile, _provider: Provider) -> Iterator[str]:
    streams = {each.description for each in file.interactions if each.is_stream}
    for name in sorted(streams - file.sequences.keys()):
        yield f"{Fault.RULELESS_STREAM}: {name!r}; its events could come in any order and number"
    for name in sorted(file.sequences.keys() - streams):
        yield f"{Fault.STREAMLESS_RULE}: {name!r} describes no interaction that answers with a stream"


_VACUITIES = (_empty, _another, _repeated, _stateless, _pending, _unused_states, _messages, _rules)


class _Run:
    """One verification; `found` holds the faults of each interaction, by its description."""

    def __init__(self, file: PactFile, provider: Provider) -> None:
        self._file, self._provider = file, provider
        self._by_name = {each.description: each for each in file.interactions}
        self.found: dict[str, list[str]] = {name: [] for name in self._by_name}
        self._made: dict[str, dict[str, JsonValue]] = {name: {} for name in self._by_name}

    def play(self) -> None:
        """Everything is asked of the provider: by Pact, then each stream once more for its rule."""
        results = self._pact()
        for each in self._file.interactions:
            if not self.found[each.description]:  # a failed handler says why nothing else can be said
                self.found[each.description] += self._missing(each)
                self.found[each.description] += _compared(each, results.get(each.description))
        for name, rule in self._file.sequences.items():
            interaction = self._by_name.get(name)
            if interaction is not None and interaction.is_stream:
                self._sequence(interaction, rule)

    def _missing(self, interaction: Interaction) -> Iterator[str]:
        """Values without which Pact has sent the example instead."""
        for name in sorted(needed(interaction) - self._made[interaction.description].keys()):
            yield f"{Fault.MISSING_VALUE}: {name!r}, with which the request of {interaction} is made"

    def _pact(self) -> dict[str, Mapping[str, Any]]:
        at = urlsplit(self._provider.url)
        verifier = Verifier(self._provider.name, host=at.hostname).add_transport(url=self._provider.url)
        verifier.set_error_on_empty_pact().set_request_timeout(REQUEST_TIMEOUT_MS)
        verifier.set_coloured_output(enabled=False).add_custom_headers(dict(self._provider.headers))
        with tempfile.TemporaryDirectory(prefix="pact-") as folder, Callbacks(self._state, self._message) as callbacks:
            verifier.state_handler(callbacks.state_url, body=True)
            verifier.add_transport(protocol="message", port=callbacks.port, path=MESSAGE_PATH)
            source = Path(folder) / self._file.path.name
            source.write_text(json.dumps(_marked(self._file)), "utf-8")
            failure = _executed(verifier.add_source(source))
        results = {each["description"]: each for each in verifier.results["interactionResults"]}
        if failure and all(each["result"] == "OK" for each in results.values()):
            told = [json.dumps(each) for each in verifier.results["errors"]] or [failure]
            self.found[""] = [f"{Fault.VERIFIER}: {_short(each)}" for each in told]
        return results

    def _state(self, name: str, params: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        """What the state has made. Never raises: Pact would try again, for two minutes."""
        interaction = self._by_name.get(str(params.get(WHOSE, "")))
        if interaction is None:
            return {}  # no state at all, which is a fault of its own
        own = {each: value for each, value in params.items() if each != WHOSE}
        self._set(interaction, State(name, own))
        return self._made[interaction.description]

    def _set(self, interaction: Interaction, state: State) -> bool:
        """Whether the state could be reached; what it has made is kept."""
        handler = self._provider.states.get(state.name)
        if handler is None:
            known = ", ".join(sorted(self._provider.states)) or "none"
            self._tell(interaction, f"{Fault.UNKNOWN_STATE}: {state.name!r} of {interaction}; known are {known}")
            return False
        try:
            self._made[interaction.description] |= handler(state.params) or {}
        except Exception as error:
            self._tell(interaction, f"{Fault.STATE_FAILED}: {state} of {interaction}: {_named(error)}")
            return False
        return True

    def _tell(self, interaction: Interaction, fault: str) -> None:
        if fault not in self.found[interaction.description]:
            self.found[interaction.description].append(fault)

    def _message(self, name: str) -> Message:
        """The message, or an empty one after a failure that is told elsewhere."""
        interaction, handler = self._by_name[name], self._provider.messages.get(name)
        content_type = interaction.document.get("contents", {}).get("contentType", "application/json")
        if handler is None:
            self._tell(interaction, f"{Fault.UNHANDLED_MESSAGE}: {interaction}")
            return Message(b"", content_type)
        try:
            made = handler(interaction)
        except Exception as error:
            self._tell(interaction, f"{Fault.MESSAGE_FAILED}: {interaction}: {_named(error)}")
            return Message(b"", content_type)
        is_text = isinstance(made, str) and content_type != "application/json"
        return Message((str(made) if is_text else json.dumps(made)).encode(), content_type)

    def _sequence(self, interaction: Interaction, document: object) -> None:
        try:
            rule = Rule.from_document(document)
        except RuleError as error:
            self._tell(interaction, f"{Fault.BROKEN_RULE}: {interaction}: {error}")
            return
        if self.found[interaction.description] or not all(self._set(interaction, each) for each in interaction.states):
            return  # what is known to be broken is not asked for once more
        try:
            asked, streams = filled(interaction, self._made[interaction.description]), self._provider.streams
            events = streams(asked) if streams else perform(self._provider.url, asked, self._provider.headers)
        except Exception as error:
            self._tell(interaction, f"{Fault.STREAM_FAILED}: {interaction}: {_named(error)}")
            return
        for fault in rule.check(events):
            self._tell(interaction, f"{Fault.SEQUENCE}: {interaction}: {fault}")


def _marked(file: PactFile) -> dict[str, Any]:
    """The pact's document, each state of which says whose it is."""
    interactions = []
    for each in file.interactions:
        states = [{"name": at.name, "params": {**at.params, WHOSE: each.description}} for at in each.states]
        interactions.append({**each.document, "providerStates": states})
    return {
        "consumer": {"name": file.consumer},
        "provider": {"name": file.provider},
        "interactions": interactions,
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }


def _executed(verifier: Verifier) -> str:
    """Why the run failed, or nothing."""
    try:
        verifier.verify()
    except RuntimeError as error:
        return str(error)
    return ""


def _compared(interaction: Interaction, result: Mapping[str, Any] | None) -> Iterator[str]:
    if result is None:
        yield f"{Fault.UNVERIFIED}: {interaction}; the verifier left it out without a word"
    elif result["result"] != "OK":
        mismatch = result.get("mismatch", {})
        for each in mismatch.get("mismatches", ()):
            yield f"{Fault.MISMATCH}: {interaction}: {_where(each)}{_short(each['mismatch'])}"
        if not mismatch.get("mismatches"):
            yield f"{Fault.UNVERIFIED}: {interaction}: {mismatch.get('message', result['result'])}"


def _where(mismatch: Mapping[str, Any]) -> str:
    kind = mismatch["type"].removesuffix("Mismatch").lower()
    place = mismatch.get("path") or mismatch.get("key")
    return f"{kind} {place}: " if place else f"{kind}: "


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}..."


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
