"""Cassettes: files of recorded interactions, one JSON document a line, loaded strictly.

A file holds a header line, then for each interaction a request line, a response line and one line per frame:

    {"cassette":1,"provenance":"documented","source":"...","anonymised":{...},"about":"..."}
    {"request":{"method":"POST","path":"/api/v2/cortex/agent:run","match":{"last_user_text":"..."}}}
    {"response":{"status":200,"headers":{"Content-Type":"text/event-stream"},"frames":2}}
    {"at_ms":412.6,"frame":"event: response.status\\ndata: {...}\\n\\n"}

`frames` is optional and, where given, must equal the number of frame lines that follow.

    CassetteError
    ├── CassetteFormatError   a line that cannot be read: file, line, what was found, what is accepted
    └── UnattestedError       recorded, and nothing proves that it was anonymised: file, and what to do
"""

from __future__ import annotations

import itertools
import json
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, Field, ValidationError, field_validator
from pydantic_core import from_json

from contracts.cortex import EVENT_STREAM
from fixtures import attest
from mocks.strict import Strict, explain, hint

VERSION = 1
FRAME_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
MAX_PACES = 8
"""How many paces' schedules of the same frames are remembered."""

LINE_KINDS = ("cassette", "request", "response", "frame")

CONNECTION_HEADERS = frozenset({"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"})
"""Headers that describe how a body travelled. The server that plays it writes its own."""

_EVENT = re.compile(rb"(?:^|[\r\n])event: ?([^\r\n]*)")
_DATA = re.compile(rb"(?:^|[\r\n])data: ?([^\r\n]*)")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class CassetteError(Exception):
    """Base of everything that can be wrong with a cassette."""


class CassetteFormatError(CassetteError):
    """A cassette that cannot be loaded; the message names file, line and what is accepted there."""


class UnattestedError(CassetteError):
    """Recorded, and nothing attests that it was anonymised; the message names the file and what to do."""


class _Strict(Strict):
    model_config = ConfigDict(strict=True)


M = TypeVar("M", bound=_Strict)


def sendable(headers: dict[str, str]) -> dict[str, str]:
    """The headers, unchanged.   Raises: ValueError naming one that cannot be sent as it stands."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"header {name!r} with value {value!r} cannot be sent; names and values are plain ASCII")
        if name.lower() in CONNECTION_HEADERS:
            raise ValueError(f"header {name!r} tells how a body travelled; leave it out, the server writes its own")
    return headers


class Anonymised(_Strict):
    """How the content was made safe: the rules' hash, how many values were replaced, and what else was attested.

    The rest is as `fixtures.attest.Attestation` says; files that were not recorded may do without.
    """

    rules: str
    replaced: int = Field(ge=0)
    key: str | None = None
    content: str | None = None
    versions: dict[str, str] | None = None
    counts: dict[str, int] | None = None
    originals: list[str] | None = Field(default=None, repr=False)
    fakes: list[str] | None = Field(default=None, repr=False)
    columns: list[str] | None = None


class Header(_Strict):
    """First line of a cassette."""

    cassette: Literal[1] = 1
    provenance: Literal["recorded", "documented", "emulated"]
    source: str = Field(min_length=1)
    anonymised: Anonymised | None = None
    about: str = Field(min_length=1)


class Match(_Strict):
    """What a request must carry, beyond method and path, for the interaction to answer it. Absent: not compared."""

    last_user_text: str | None = None
    parent_message_id: int | None = None
    tool_use_id: str | None = None
    model: str | None = None

    @cached_property
    def compared(self) -> tuple[str, ...]:
        """The fields that are compared."""
        return tuple([name for name, value in self if value is not None])


class Request(_Strict):
    """The request that an interaction answers."""

    method: str
    path: str = Field(pattern=r"^/")
    match: Match = Field(default_factory=Match)


class ResponseHead(_Strict):
    """Status and headers; `frames` guards against lost lines."""

    status: int = Field(ge=200, le=599)
    headers: dict[str, str]
    frames: int | None = Field(default=None, ge=0)

    _sendable = field_validator("headers")(sendable)

    @cached_property
    def by_lower_name(self) -> Mapping[str, str]:
        """The headers by their names in lower case."""
        return {name.lower(): value for name, value in self.headers.items()}

    @property
    def is_event_stream(self) -> bool:
        """Whether the body is a stream of server-sent events."""
        return is_event_stream(self.headers)


def is_event_stream(headers: Mapping[str, str]) -> bool:
    """Whether headers, in any case, announce server-sent events."""
    return names_event_stream(next((value for name, value in headers.items() if name.lower() == "content-type"), ""))


@lru_cache(maxsize=64)
def names_event_stream(content_type: str) -> bool:
    """Whether a content type is that of server-sent events, whatever its parameters."""
    return content_type.partition(";")[0].strip().lower() == EVENT_STREAM


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes that arrived together, and when.

    at_ms: milliseconds since the request.   data: one whole SSE frame, its blank line included, or a part of a plain
    body.   cut: ascending byte offsets where transport chunks divided the frame; empty when one chunk carried it.
    held_ms: how long a fault holds the frame back, in real time; never recorded.
    """

    at_ms: float
    data: bytes
    cut: tuple[int, ...] = ()
    held_ms: float = 0.0

    def due_ms(self, pace: float) -> float:
        """When it leaves, in milliseconds since the request: a pace scales what was recorded, never a fault."""
        return self.at_ms * pace + self.held_ms

    @property
    def event(self) -> str:
        """The value of its `event:` line, empty when it has none."""
        found = _EVENT.search(self.data)
        return found[1].decode("utf-8", "replace") if found else ""

    @property
    def payload(self) -> bytes:
        """The value of its `data:` line; of several, joined by newlines."""
        return b"\n".join(_DATA.findall(self.data))

    def pieces(self) -> list[bytes]:
        """The frame as the transport delivered it."""
        edges = (0, *self.cut, len(self.data))
        return [self.data[start:end] for start, end in itertools.pairwise(edges)]


class Frames(tuple[Frame, ...]):
    """Frames in order, and what is known of all of them: worked out once, however often they are played."""

    @classmethod
    def of(cls, frames: Iterable[Frame]) -> Frames:
        """These frames; the same object when they are one already."""
        return frames if isinstance(frames, Frames) else cls(frames)

    @cached_property
    def data(self) -> bytes:
        """All bytes, joined."""
        return b"".join([frame.data for frame in self])

    @cached_property
    def sizes(self) -> array[int]:
        """Bytes of each."""
        return array("L", [len(frame.data) for frame in self])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The event of each."""
        return tuple([frame.event for frame in self])

    @cached_property
    def is_plain(self) -> bool:
        """Whether no frame is cut into pieces or held back by a fault: at pace 0 they are one write."""
        return not any(frame.cut or frame.held_ms for frame in self)

    @cached_property
    def _dues(self) -> dict[float, array[float]]:
        return {}

    def due_ms(self, pace: float) -> array[float]:
        """When each leaves, in milliseconds since the request; not to be changed."""
        known = self._dues
        if pace not in known:
            if len(known) >= MAX_PACES:
                known.clear()
            known[pace] = array("d", [frame.due_ms(pace) for frame in self])
        return known[pace]


@dataclass(frozen=True, slots=True)
class Interaction:
    """One stored request and its response. `line` is where it starts in its file, 0 when it has none."""

    request: Request
    response: ResponseHead
    frames: tuple[Frame, ...]
    line: int = 0

    def body(self) -> bytes:
        """All frames' bytes, joined."""
        return Frames.of(self.frames).data


@dataclass(frozen=True, slots=True)
class Cassette:
    """A header and its interactions. `name` is the path below the cassette folder, without its ending."""

    name: str
    header: Header
    interactions: tuple[Interaction, ...] = field(default=())


class _FrameLine(_Strict):
    at_ms: float = Field(ge=0, allow_inf_nan=False)
    frame: str
    cut: list[int] | None = None


def load(path: Path, name: str | None = None) -> Cassette:
    """Read one cassette.

    Raises: CassetteFormatError for anything that is not exactly a cassette of this version; OSError when unreadable.
    """
    # Not splitlines(): JSON text may hold U+2028 and its kin unescaped, which are line ends to Python but not to us.
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CassetteFormatError(f"{path}: not UTF-8: {error}") from error
    return parse(text.removesuffix("\n").split("\n"), name or path.stem, str(path))


def load_all(folder: Path, *, unattested: bool = False) -> list[Cassette]:
    """Every cassette below a folder, by name.

    unattested: recorded ones without an attestation that holds are welcome, too.
    Raises: as `load`; CassetteFormatError when the folder holds none; UnattestedError.
    """
    paths = sorted(folder.rglob("*.jsonl"))
    if not paths:
        raise CassetteFormatError(f"{folder}: no cassette found; expected files like agents/net_sales.jsonl")
    tapes = [load(path, path.relative_to(folder).with_suffix("").as_posix()) for path in paths]
    if not unattested:
        _refuse_unattested(paths)
    return tapes


def _refuse_unattested(paths: Iterable[Path]) -> None:
    faults = []
    for path in paths:
        try:
            attest.check(path)
        except attest.Unattested as error:
            faults.append(str(error))
    if faults:
        raise UnattestedError("\n".join(faults))


def save(cassette: Cassette, path: Path) -> None:
    """Write a cassette so that `load` gives it back equal, apart from line numbers and the added frame counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in dump(cassette)), encoding="utf-8")


def dump(cassette: Cassette) -> Iterator[str]:
    """The lines of a cassette, without newlines."""
    yield _json(cassette.header.model_dump(exclude_none=True))
    for interaction in cassette.interactions:
        yield _json({"request": interaction.request.model_dump(exclude_none=True)})
        yield _json({"response": {**interaction.response.model_dump(), "frames": len(interaction.frames)}})
        for frame in interaction.frames:
            line: dict[str, Any] = {"at_ms": frame.at_ms, "frame": frame.data.decode("utf-8")}
            yield _json({**line, "cut": list(frame.cut)} if frame.cut else line)


def parse(lines: Iterable[str], name: str, where: str) -> Cassette:
    """Build a cassette from its lines; `where` is what errors call the file."""
    reader = _Reader(where)
    for number, text in enumerate(lines, start=1):
        reader.take(number, text)
    return reader.finish(name)


class _Reader:
    """Takes lines in order and refuses the first that cannot stand where it stands."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.number = 0
        self.header: Header | None = None
        self.interactions: list[Interaction] = []
        self.request: tuple[int, Request] | None = None
        self.response: ResponseHead | None = None
        self.frames: list[Frame] = []

    def fail(self, problem: str) -> CassetteFormatError:
        return CassetteFormatError(f"{self.where}, line {self.number}: {problem}")

    def take(self, number: int, text: str) -> None:
        self.number = number
        document = self._document(text)
        kind = next((key for key in LINE_KINDS if key in document), None)
        if self.header is None:
            self.header = self._header(kind, document)
        elif kind == "request":
            self._close_interaction()
            self.request = (number, self._model(Request, self._only_value(document, "request")))
        elif kind == "response":
            self._take_response(document)
        elif kind == "frame":
            self._take_frame(document)
        elif kind == "cassette":
            raise self.fail("a second header; one file holds one cassette")
        else:
            hints = hint(next(iter(document), ""), LINE_KINDS[1:])
            raise self.fail(f"expected a request, response or frame line, found the keys {sorted(document)}{hints}")

    def finish(self, name: str) -> Cassette:
        self.number += 1
        if self.header is None:
            raise self.fail("the file is empty; expected a header line with the key 'cassette'")
        self._close_interaction()
        if not self.interactions:
            raise self.fail("the file ends after its header; expected at least one interaction")
        return Cassette(name, self.header, tuple(self.interactions))

    def _document(self, text: str) -> dict[str, Any]:
        if not text.strip():
            raise self.fail("an empty line; every line is one JSON object")
        try:
            document = from_json(text, allow_inf_nan=False)
        except ValueError as error:
            found = "a byte order mark" if text.startswith("\ufeff") else f"no JSON document ({error})"
            raise self.fail(f"{found}; every line is one JSON object") from error
        if not isinstance(document, dict):
            raise self.fail(f"found a JSON {type(document).__name__}, expected an object")
        return document

    def _header(self, kind: str | None, document: dict[str, Any]) -> Header:
        if kind != "cassette":
            raise self.fail("the header line is missing; expected an object with the key 'cassette'")
        if document["cassette"] != VERSION:
            raise self.fail(f"cassette version {document['cassette']!r} is not known; this release reads {VERSION}")
        return self._model(Header, document)

    def _take_response(self, document: dict[str, Any]) -> None:
        if self.request is None or self.response is not None:
            raise self.fail("a response line must follow its request line; the request line is missing")
        self.response = self._model(ResponseHead, self._only_value(document, "response"))

    def _take_frame(self, document: dict[str, Any]) -> None:
        if self.response is None:
            raise self.fail("a frame line must follow a response line; the response line is missing")
        line = self._model(_FrameLine, document)
        frame = Frame(line.at_ms, line.frame.encode(), tuple(line.cut or ()))
        if self.frames and frame.at_ms < self.frames[-1].at_ms:
            raise self.fail(f"at_ms {frame.at_ms} is before the previous frame's {self.frames[-1].at_ms}")
        edges = (0, *frame.cut, len(frame.data))
        if frame.cut and any(start >= end for start, end in itertools.pairwise(edges)):
            raise self.fail(f"cut {list(frame.cut)} must ascend within the frame's {len(frame.data)} bytes")
        if self.frames and self.response.is_event_stream and not self.frames[-1].data.endswith(FRAME_ENDS):
            raise self.fail("the previous frame does not end with a blank line; only the last one may be cut short")
        self.frames.append(frame)

    def _close_interaction(self) -> None:
        if self.request is None:
            return
        line, request = self.request
        if self.response is None:
            raise self.fail(f"the request of line {line} has no response line")
        expected = self.response.frames
        if expected is not None and expected != len(self.frames):
            raise self.fail(
                f"the response of line {line + 1} announces {expected} frames, "
                f"found {len(self.frames)}: a line is missing"
            )
        self.interactions.append(Interaction(request, self.response, Frames(self.frames), line))
        self.request, self.response, self.frames = None, None, []

    def _only_value(self, document: dict[str, Any], key: str) -> Any:
        for other in document:
            if other != key:
                raise self.fail(f"unknown key {other!r}{hint(other, [key])}")
        return document[key]

    def _model(self, model: type[M], value: Any) -> M:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            raise self.fail(explain(error, model)) from error


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
