"""A recording in the making: exchanges that came to their end, anonymised, and the cassette that they become.

Nothing here touches a network, and the disk is touched once: when the recording ends, the whole cassette, attested, is
written beside its place and takes it. Until then everything stays in memory, because a name that is learned from a late
answer has to be replaced in the early ones, too.

    RecordingError   what keeps a recording from beginning or from being saved, with what to do about it
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from contracts.cortex import (
    ANALYST_PATH,
    INLINE_RUN_PATH,
    STATEMENTS_PATH,
    THREADS_PATH,
    RunRequest,
)
from fixtures.anonymise import Anonymiser, Refused, Report
from fixtures.attest import Attestation, Unattested, attest, check
from fixtures.detect import Detector
from fixtures.exchange import Exchange, anonymise_exchange, moved_cuts, split_frames
from fixtures.kinds import Kind
from fixtures.policy import Policy, PolicyError
from fixtures.pseudonym import Pseudonyms, new_key, read_key
from mocks.cassette import (
    Cassette,
    CassetteError,
    Frame,
    Frames,
    Header,
    Interaction,
    Match,
    Request,
    ResponseHead,
    dump,
    load,
    names_event_stream,
    parse,
)
from mocks.matching import Asked, Candidate, agent_of, find
from mocks.snowflake.asking import CompletionRequest
from mocks.snowflake.completions import CHAT_PATH, COMPLETE_PATH, MESSAGES_PATH

MAX_BODY_BYTES = 16 * 1024 * 1024
"""A longer request or response passes, but is not recorded."""

MAX_ORIGINAL_BYTES = 64 * 1024 * 1024
"""What the originals of a running recording may take together; beyond it the oldest are let go."""

MAX_ROUNDS = 5
"""How often originals are gone through again because of what was learned from them; the second finds nothing."""

AT_MS_DIGITS = 1
COMPLETION_PATHS = (COMPLETE_PATH, CHAT_PATH, MESSAGES_PATH)
SOURCE = "cortex-harness record"

_BARE = Header(provenance="recorded", source="recording", about="recording")


class RecordingError(Exception):
    """What keeps a recording from beginning or from being saved; the message says what to do."""


class Mode(StrEnum):
    """What may be recorded, and what the cassette answers: the names and their meaning are VCR's."""

    NONE = "none"
    """The cassette answers; nothing reaches the upstream."""
    ONCE = "once"
    """Records a cassette that is not there yet; one that is there answers, as with `none`."""
    NEW_EPISODES = "new_episodes"
    """The cassette answers what it can; the rest is asked upstream and added."""
    ALL = "all"
    """Everything is asked upstream and recorded anew."""


def mode_of(given: str | None, environment: Mapping[str, str]) -> Mode:
    """The given mode; without one `none` where CI is set, so that no pipeline records by mistake, else `once`."""
    if given is not None:
        return Mode(given)
    return Mode.NONE if environment.get("CI", "").lower() in ("true", "1") else Mode.ONCE


@dataclass(frozen=True, slots=True)
class Options:
    """What a recording is told. policy: None for the shipped one."""

    out: Path
    mode: Mode
    key_file: Path
    policy: Path | None = None
    about: str = "recorded interactions"


def ensure_key(path: Path) -> bool:
    """Whether a key had to be made; there is one now.   Raises: RecordingError."""
    if path.exists():
        return False
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new_key(path)
    except OSError as error:
        raise RecordingError(f"{error.filename}: {error.strerror}") from error
    return True


@dataclass(frozen=True, slots=True)
class Asking:
    """A request as it came: `path` with its query, `headers` only those that tell what the body is."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """An exchange that came to its end. number: by arrival, from 1.   chunks: milliseconds since the request, bytes."""

    number: int
    asking: Asking
    status: int
    headers: dict[str, str] = field(repr=False)
    chunks: tuple[tuple[float, bytes], ...] = field(repr=False)

    @property
    def size_bytes(self) -> int:
        """Of both bodies."""
        return len(self.asking.body) + sum(len(data) for _, data in self.chunks)


@dataclass(frozen=True, slots=True)
class Dropped:
    """An exchange that is not recorded, and why; it names no value of it."""

    number: int
    what: str
    reason: str

    def __str__(self) -> str:
        return f"#{self.number} {self.what}: {self.reason}"


@dataclass(frozen=True, slots=True)
class State:
    """How far a recording is. interactions: of the whole cassette; new: of this recording."""

    interactions: int = 0
    new: int = 0
    replaced: int = 0


_NAMES = (
    ("run", re.compile(rf"{re.escape(INLINE_RUN_PATH)}|.*/agents/.*:run")),
    ("inference", re.compile(r"/api/v2/cortex/(?:inference:|v1/).*")),
    ("threads", re.compile(rf"{re.escape(THREADS_PATH)}.*")),
    ("runs", re.compile(r"/api/v2/cortex/agent.*")),
    ("analyst", re.compile(rf"{re.escape(ANALYST_PATH)}.*")),
    ("statements", re.compile(rf"{re.escape(STATEMENTS_PATH)}.*|/queries/.*")),
    ("search", re.compile(r".*/cortex-search-services/.*")),
    ("agents", re.compile(r".*/agents(?:/.*)?")),
)


def named(method: str, path: str) -> str:
    """A request in words that hold nothing of it: its method and which part of Cortex it asks."""
    bare = path.partition("?")[0]
    what = next((name for name, pattern in _NAMES if pattern.fullmatch(bare)), "another path")
    return f"{method if method.isalpha() and len(method) <= 10 else 'a method'} {what}"


# --- an exchange, from chunks to an interaction


@dataclass(frozen=True, slots=True)
class _Pace:
    """When each frame's last byte came, in milliseconds since the request, and where chunks cut it."""

    at_ms: tuple[float, ...]
    cuts: tuple[tuple[int, ...], ...]


def _exchange(finished: Finished) -> tuple[Exchange, _Pace]:
    """The exchange, and the pace of its frames.   Raises: Refused."""
    frames = _frames(finished)
    exchange = Exchange(
        method=finished.asking.method,
        path=finished.asking.path,
        request_headers=finished.asking.headers,
        request_body=finished.asking.body,
        status=finished.status,
        response_headers=finished.headers,
        frames=tuple([data for _, data, _ in frames]),
    )
    return exchange, _Pace(tuple([at_ms for at_ms, _, _ in frames]), tuple([cut for _, _, cut in frames]))


def _frames(finished: Finished) -> list[tuple[float, bytes, tuple[int, ...]]]:
    """Of an event stream its frames; a plain body is one, due when its last byte came, however a network cut it."""
    if not names_event_stream(_header(finished.headers, "content-type")):
        body = b"".join([data for _, data in finished.chunks])
        return [(finished.chunks[-1][0], body, ())] if body else []
    if _header(finished.headers, "content-encoding") not in ("", "identity"):
        raise Refused("an event stream that came compressed, although it was asked for as it is: its pace is lost")
    return split_frames(finished.chunks)


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value.strip().lower() for each, value in headers.items() if each.lower() == name), "")


def _interaction(safe: Exchange, original: Exchange, pace: _Pace) -> Interaction:
    """The interaction that an anonymised exchange becomes.   Raises: Refused when a cassette cannot hold it."""
    frames = [
        Frame(round(at_ms, AT_MS_DIGITS), new, moved_cuts(cuts, old, new))
        for at_ms, cuts, old, new in zip(pace.at_ms, pace.cuts, original.frames, safe.frames, strict=True)
    ]
    try:
        head = ResponseHead(status=safe.status, headers=safe.response_headers)
        interaction = Interaction(_request(safe), head, Frames(frames))
        parse(dump(Cassette("", _BARE, (interaction,))), "", "the recording")
    except UnicodeDecodeError as error:
        raise Refused("a body that is not UTF-8") from error
    except (ValidationError, CassetteError) as error:
        # What the errors quote may be the original.
        raise Refused("an answer that a cassette cannot hold: its status, a header or the end of a frame") from error
    return interaction


# --- what an interaction answers


def _request(safe: Exchange) -> Request:
    asked = _asked(safe)
    # A first turn answers whether or not the replay opens a thread for it.
    match = Match(
        last_user_text=asked.last_user_text,
        parent_message_id=asked.parent_message_id or None,
        tool_use_id=asked.tool_use_id,
        model=asked.model,
    )
    path, _, query = safe.path.partition("?")
    return Request(method=safe.method, path=path if match.compared or not query else f"{path}?{query}", match=match)


def _asked(safe: Exchange) -> Asked:
    """What an anonymised request asks, as the mock compares it; of what the mock does not compare, method and path."""
    path = unquote(safe.path.partition("?")[0])
    with contextlib.suppress(ValidationError):
        if path == INLINE_RUN_PATH or agent_of(path) is not None:
            return Asked.of_run(safe.method, path, RunRequest.model_validate_json(safe.request_body))
        if path in COMPLETION_PATHS:
            return CompletionRequest.model_validate_json(safe.request_body).asked(path)
    return Asked(safe.method, unquote(safe.path))


# --- the cassette


@dataclass(slots=True)
class _Kept:
    """One recorded exchange. generation: what was learned when it was made safe.   original: None once let go."""

    number: int
    what: str
    interaction: Interaction
    report: Report
    generation: int
    original: Finished | None


class Recording:
    """The cassette in progress.   Raises on construction: RecordingError."""

    def __init__(self, options: Options) -> None:
        if options.mode is Mode.NONE and not options.out.exists():
            raise RecordingError(f"{options.out}: there is no cassette, and mode none records nothing; try --mode once")
        self.options = options
        self._detector = Detector()
        try:
            self._pseudonyms = Pseudonyms(read_key(options.key_file))
            self._anonymiser = Anonymiser(self._pseudonyms, Policy.load(options.policy), self._detector)
        except OSError as error:
            raise RecordingError(f"{error.filename}: {error.strerror}") from error
        except (PolicyError, ValueError) as error:
            raise RecordingError(str(error)) from error
        self._kept: list[_Kept] = []
        self._stored, self._before = self._existing()
        self._played: set[int] = set()

    @property
    def answers(self) -> bool:
        """Whether the cassette is asked first."""
        return self.options.mode in (Mode.NONE, Mode.NEW_EPISODES) or bool(self._stored)

    @property
    def state(self) -> State:
        """How far it is."""
        replaced = sum(sum(kept.report.counts.values()) for kept in self._kept)
        return State(len(self._stored) + len(self._kept), len(self._kept), replaced)

    def take(self, finished: Finished) -> Dropped | None:
        """Add an exchange; None, or why it is not recorded. They come in the order in which they were asked."""
        kept = self._safe(finished)
        if isinstance(kept, Dropped):
            return kept
        self._kept.append(kept)
        self._let_go()
        return None

    @property
    def forwards(self) -> bool:
        """Whether what the cassette does not answer is asked upstream."""
        return self.options.mode in (Mode.NEW_EPISODES, Mode.ALL) or not self._stored

    def answer(self, asking: Asking) -> Interaction | list[dict[str, Any]]:
        """The stored interaction that answers, each once and in order, or the nearest misses.   Raises: Refused.

        Compared is the anonymised request, so the cassette answers whoever asks in the original words.
        """
        bare = Exchange(asking.method, asking.path, asking.headers, asking.body, 200, {}, ())
        self._anonymiser.report = Report()  # what an answered request held is no part of the recording
        asked = _asked(anonymise_exchange(bare, self._anonymiser))
        cassette = Cassette(self.options.out.stem, _BARE, tuple(self._stored))
        left = [Candidate(cassette, index) for index in range(len(self._stored)) if index not in self._played]
        found = find(asked, left)
        if isinstance(found, Candidate):
            self._played.add(found.index)
            return found.interaction
        return [miss.as_json() for miss in found]

    def save(self) -> list[Dropped]:
        """Write the cassette, whole and attested, unless there is nothing new; name what could not stay after all.

        Raises: RecordingError.
        """
        dropped = self._settle()
        if self._kept:
            _publish(self._lines(), self.options.out)
        return dropped

    # --- beginning

    def _existing(self) -> tuple[list[Interaction], Attestation | None]:
        """What is stored already, and its attestation.   Raises: RecordingError when a recording cannot go on there."""
        out, mode = self.options.out, self.options.mode
        if not out.exists():
            return [], None
        try:
            attestation, cassette = check(out), load(out)
        except (CassetteError, Unattested) as error:
            raise RecordingError(str(error)) from error
        except OSError as error:
            raise RecordingError(f"{out}: {error.strerror}") from error
        self._refuse_another_key(attestation)
        return ([] if mode is Mode.ALL else list(cassette.interactions)), attestation

    def _refuse_another_key(self, attestation: Attestation | None) -> None:
        out = self.options.out
        way_out = "Record to another file, or remove this one to record it anew."
        if attestation is None:
            if self.options.mode in (Mode.NEW_EPISODES, Mode.ALL):
                raise RecordingError(f"{out} was not recorded: it holds no attestation. {way_out}")
        elif attestation.key != self._pseudonyms.key_id:
            raise RecordingError(
                f"{out} was recorded with the key {attestation.key}, {self.options.key_file} holds "
                f"{self._pseudonyms.key_id}: the same person would be two. Name that key with --key-file. {way_out}"
            )
        elif attestation.rules != self._anonymiser.rules:
            raise RecordingError(
                f"{out} was recorded with the rules {attestation.rules[:19]}, these are "
                f"{self._anonymiser.rules[:19]}. {way_out}"
            )

    # --- making safe

    def _safe(self, finished: Finished) -> _Kept | Dropped:
        """The exchange, made safe with what is known by now, or why it cannot be."""
        what = named(finished.asking.method, finished.asking.path)
        self._anonymiser.report = report = Report()
        try:
            original, pace = _exchange(finished)
            safe = self._anonymiser.settle(lambda: anonymise_exchange(original, self._anonymiser))
            interaction = _interaction(safe, original, pace)
        except (Refused, PolicyError) as error:
            return Dropped(finished.number, what, str(error))
        except Exception as error:  # a fault of ours; its words may hold what must not be told
            return Dropped(finished.number, what, f"a fault in the anonymiser: {type(error).__name__}")
        return _Kept(finished.number, what, interaction, report, self._detector.generation, finished)

    def _let_go(self) -> None:
        """Keep the originals within their bound: the oldest are forgotten, and what was made of them stays as it is."""
        held_bytes = 0
        for kept in reversed(self._kept):
            if kept.original is None:
                break
            held_bytes += kept.original.size_bytes
            if held_bytes > MAX_ORIGINAL_BYTES:
                kept.original = None

    def _settle(self) -> list[Dropped]:
        """Replace in early exchanges what was only learned from late ones; name those that had to go."""
        dropped: list[Dropped] = []
        for _ in range(MAX_ROUNDS):
            if all(kept.generation == self._detector.generation for kept in self._kept):
                break
            again = [self._once_more(kept) for kept in self._kept]
            self._kept = [each for each in again if isinstance(each, _Kept)]
            dropped += [each for each in again if isinstance(each, Dropped)]
        return dropped

    def _once_more(self, kept: _Kept) -> _Kept | Dropped:
        if kept.generation == self._detector.generation:
            return kept
        if kept.original is not None:
            return self._safe(kept.original)
        return self._looked_through(kept)

    def _looked_through(self, kept: _Kept) -> _Kept | Dropped:
        """An interaction whose original is gone: it stays when all that is found in it now are parts of fakes."""
        self._anonymiser.report = found = Report()
        request, head = kept.interaction.request, kept.interaction.response
        frames = tuple([frame.data for frame in kept.interaction.frames])
        safe = Exchange(request.method, request.path, {}, b"", head.status, head.headers, frames)
        with contextlib.suppress(Refused, PolicyError):
            anonymise_exchange(safe, self._anonymiser)
            fakes = itertools.chain.from_iterable(each.report.fakes for each in self._kept)
            if _words(found.originals) <= _words(fakes):
                kept.generation = self._detector.generation
                return kept
        reason = f"it may hold what was learned later, and its original was let go after {MAX_ORIGINAL_BYTES} bytes"
        return Dropped(kept.number, kept.what, reason)

    # --- writing

    def _lines(self) -> list[str]:
        """The whole file, header first."""
        self._anonymiser.report = report = Report()
        about = self._anonymiser.text(self.options.about)
        for kept in self._kept:
            report.counts.update(kept.report.counts)
            # Ids are drawn anew for each run: their fingerprints would prove nothing and make every recording another.
            report.originals.update(each for each in kept.report.originals if each[0] is not Kind.SNOWFLAKE_ID)
            report.fakes.update(kept.report.fakes)
        header = Header(provenance="recorded", source=SOURCE, about=about)
        interactions = (*self._stored, *(kept.interaction for kept in self._kept))
        _, *lines = dump(Cassette("", header, interactions))
        attestation = attest(lines, report, rules=self._anonymiser.rules, keyed=self._pseudonyms)
        if self._stored and self._before is not None:
            attestation = _joined(self._before, attestation)
        attested = Header.model_validate(
            {**header.model_dump(exclude_none=True), "anonymised": attestation.to_document()}
        )
        return [next(dump(Cassette("", attested))), *lines]


def _words(values: Iterable[tuple[Kind, str]]) -> set[str]:
    return {word for _, value in values for word in re.findall(r"\w+", value)}


def _joined(before: Attestation, now: Attestation) -> Attestation:
    """The attestation of what was stored and what was added, with the content of both."""
    return dataclasses.replace(
        now,
        counts=dict(sorted((Counter(before.counts) + Counter(now.counts)).items())),
        originals=sorted({*before.originals, *now.originals}),
        fakes=sorted({*before.fakes, *now.fakes}),
    )


def _publish(lines: Iterable[str], path: Path) -> None:
    """Put a file in its place: whole, and on the disk, or not at all.   Raises: RecordingError."""
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(line + "\n" for line in lines)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise RecordingError(f"{error.filename}: {error.strerror}; nothing was written") from error
