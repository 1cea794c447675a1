"""Recordings of the proxy's front door, and the packages that play them where there is no proxy: MSW and Playwright.

A recording holds what a client of the proxy sees: requests by what tells them apart, statuses, headers, frames byte for
byte with the times at which they are due. `e2e.frontdoor` makes recordings; here they are written as files, the same
bytes for the same recordings, so that a stale package is noticed.

    mocks/msw/           npm package for MSW 2 and 3; `recordings/`, `catalogue.js` and a part of its README are written
    mocks/playwright/    fixtures for pytest-playwright and @playwright/test; they play the recordings of mocks/msw
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from contracts.cortex import Event
from mocks.cassette import Frame

HERE = Path(__file__).parent
MSW, PLAYWRIGHT = HERE / "msw", HERE / "playwright"
OK, DRIFT = 0, 4
RECORDINGS = "recordings"


class ExportError(Exception):
    """Something that cannot be exported; the message says what."""


Say = Callable[[str], object]
JsonObject = dict[str, Any]
Kind = Literal["story", "scenario", "problem", "network", "proxy"]
Target = Literal["msw", "playwright"]
Ends = Literal["clean", "cut", "reset", "unreachable"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the front door.

    head_ms: when status and headers leave, at any pace; of an answer that is no stream they leave with its body.
    frames: of a stream its frames, of any other answer the body as one.   ends: how the connection does; the proxy ends
    every body properly.   moments: members of a JSON body that are moments, in seconds after the request.   place: the
    ids of a turn in a thread.   turn: what the history holds of it afterwards.
    """

    status: int
    headers: Mapping[str, str]
    frames: tuple[Frame, ...]
    head_ms: float = 0.0
    ends: Ends = "clean"
    moments: Mapping[str, float] = field(default_factory=dict)
    place: Mapping[str, int] | None = None
    turn: JsonObject | None = None

    def as_json(self) -> JsonObject:
        """As recordings write it; what says nothing is left out."""
        shown: JsonObject = {"status": self.status, "headers": dict(sorted(self.headers.items()))}
        shown |= {"headMs": self.head_ms} if self.head_ms else {}
        shown |= {"ends": self.ends} if self.ends != "clean" else {}
        shown |= {"moments": dict(self.moments)} if self.moments else {}
        shown |= {"place": dict(self.place)} if self.place else {}
        shown |= {"turn": self.turn} if self.turn else {}
        return shown | {"frames": [_frame(each) for each in self.frames]}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, by what it is recognised by, and its answers, one after the other.

    order: which of the answers each request gets, by index; behind the last the last again, or from the first on when
    it `begins_again`.
    """

    request: JsonObject
    answers: tuple[Answer, ...]
    order: tuple[int, ...] = (0,)
    begins_again: bool = False

    def as_json(self) -> JsonObject:
        """As recordings write it."""
        shown: JsonObject = {"request": self.request, "answers": [each.as_json() for each in self.answers]}
        shown |= {"order": list(self.order)} if self.order != (0,) else {}
        return shown | ({"beginsAgain": True} if self.begins_again else {})


@dataclass(frozen=True, slots=True)
class Recording:
    """What the front door shows of one story, of one scenario, or of the proxy itself.

    provenance: of the answers behind the proxy, in a sentence.
    """

    kind: Kind
    name: str
    about: str
    provenance: str
    exchanges: tuple[Exchange, ...]

    @property
    def file(self) -> str:
        """Its name below `recordings/`, without its ending."""
        name = self.name.removeprefix(f"{self.kind}/").replace("/", ".")
        return f"{self.kind}.{name}"

    def as_json(self) -> JsonObject:
        """The whole document."""
        return {
            "recording": 1,
            "kind": self.kind,
            "name": self.name,
            "about": self.about,
            "provenance": self.provenance,
            "exchanges": [each.as_json() for each in self.exchanges],
        }


def _frame(frame: Frame) -> JsonObject:
    """A line of a recording; bytes that are no UTF-8 are written as base64."""
    times: JsonObject = {"atMs": frame.at_ms} | ({"heldMs": frame.held_ms} if frame.held_ms else {})
    try:
        return times | {"text": frame.data.decode("utf-8")}
    except UnicodeDecodeError:
        return times | {"base64": base64.b64encode(frame.data).decode("ascii")}


# --- what was made up


USUAL = "agents/net_sales_by_region"
"""The story of which failures of the network are made, where it is recorded."""

CUT_AFTER = 2
"""Text deltas that arrive before the connection between page and proxy ends."""

_NETWORK: Mapping[Ends, tuple[str, str]] = {
    "unreachable": ("network/unreachable", "nobody answers where the proxy should be"),
    "cut": ("network/cut", "the connection to the proxy drops after the second text delta"),
    "reset": ("network/reset", "the connection to the proxy is reset after the second text delta"),
}
MADE_UP = "Made up from the recorded answer to the same question: the network between page and proxy fails."


def with_network(recordings: Sequence[Recording]) -> tuple[Recording, ...]:
    """The recordings, and failures of the network in front of the proxy, which itself ends every answer properly."""
    stories = sorted((each for each in recordings if each.kind == "story"), key=lambda each: each.name != USUAL)
    if not stories:
        raise ExportError("no story is recorded, of which failures of the network could be made")
    usual = stories[0]
    chats = [each for each in usual.exchanges if each.request.get("thread") in ("none", "new")]
    return *recordings, *(
        Recording("network", name, about, MADE_UP, tuple(_broken(each, ends) for each in chats[:2]))
        for ends, (name, about) in _NETWORK.items()
    )


def _broken(exchange: Exchange, ends: Ends) -> Exchange:
    answer = exchange.answers[0]
    if ends == "unreachable":
        told = {"method": exchange.request["method"], "path": exchange.request["path"], "anything": True}
        return Exchange(told, (replace(answer, headers={}, frames=(), ends=ends, place=None, turn=None),))
    deltas = [number for number, frame in enumerate(answer.frames) if frame.event == Event.TEXT_DELTA]
    kept = answer.frames[: deltas[min(CUT_AFTER, len(deltas)) - 1] + 1]
    return replace(exchange, answers=(replace(answer, frames=kept, ends=ends, turn=None),))


# --- files


def files(target: Target, recordings: Sequence[Recording], *, is_apart: bool) -> dict[str, str]:
    """The generated files of a package, by their path in it.

    is_apart: whether the package stands alone. In this repository the Playwright fixtures play what the MSW package
    holds.
    """
    every = with_network(recordings)
    holds = target == "msw" or is_apart
    folder = f"./{RECORDINGS}" if holds else f"../{MSW.name}/{RECORDINGS}"
    made = {f"{RECORDINGS}/{each.file}.js": _module(each) for each in every} if holds else {}
    made |= {"catalogue.js": _catalogue(every, folder), "catalogue.d.ts": _catalogue_types(every)}
    if target == "playwright":
        made |= {name: (MSW / name).read_text(encoding="utf-8") for name in SHARED}
    return made


SHARED = ("stage.js", "stage.d.ts")
"""Of the MSW package, and the Playwright fixture's, too."""

NOTE = "// Written by `cortex-harness export`; change scenarios, cassettes or the proxy instead.\n"


def _module(recording: Recording) -> str:
    """One recording as a module: a document behind `export default`, which bundlers load when it is asked for."""
    return f"export default {_json(recording.as_json())};\n"


def _json(value: Any) -> str:
    """A document whose frames and exchanges have lines of their own, so that differences can be read."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for mark in ('{"request":{', '{"status":', '{"atMs":'):
        text = text.replace(mark, "\n" + mark)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _catalogue(recordings: Sequence[Recording], folder: str) -> str:
    """What there is, and where; the recordings themselves are loaded when they are played."""
    lines = [NOTE, "export const catalogue = {"]
    for part, kind in (("scenarios", "scenario"), ("problems", "problem"), ("network", "network")):
        lines += [f"  {part}: {{"]
        named = sorted((each for each in recordings if each.kind == kind), key=lambda each: each.name)
        lines += [f"    {_quoted(each.name)}: {{ {_entry(each, folder)} }}," for each in named]
        lines += ["  },"]
    lines += ["  stories: ["]
    for each in sorted((each for each in recordings if each.kind == "story"), key=lambda each: each.name):
        asks = [{key: text for key in _ASKED if (text := told.request.get(key))} for told in each.exchanges]
        lines += [f"    {{ name: {_quoted(each.name)}, {_entry(each, folder)},"]
        lines += [f"      asks: {json.dumps(asks, ensure_ascii=False)} }},"]
    lines += ["  ],"]
    plain = {each.name: each for each in recordings if each.kind == "proxy"}
    lines += [f"  {name}: {{ {_entry(plain[name], folder)} }}," for name in ("tools", "plain")]
    return "\n".join([*lines, "};", ""])


_ASKED = ("message", "toolUseId", "thread")


def _entry(recording: Recording, folder: str) -> str:
    return f'about: {_quoted(recording.about)}, load: () => import("{folder}/{recording.file}.js")'


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _catalogue_types(recordings: Sequence[Recording]) -> str:
    """The names of scenarios as a type."""
    named = [each for each in recordings if each.kind in ("scenario", "problem", "network")]
    lines = [f"  /** {each.about} */\n  | {_quoted(each.name)}" for each in sorted(named, key=lambda each: each.name)]
    union = "\n".join(lines)
    return (
        f'{NOTE}import type {{ Catalogue }} from "./stage.js";\n\n'
        f"/** What can be played instead of the usual answers. */\nexport type Scenario =\n{union};\n\n"
        "export const catalogue: Catalogue;\n"
    )


# --- writing and checking


def run(target: Target, recordings: Sequence[Recording], *, out: Path | None, check: bool, say: Say) -> int:
    """Write a package, or with `check` tell which files of it are stale; 0, or 4 when some are.

    out: where it goes, with all that it needs; by default the folder of this repository.
    """
    home = MSW if target == "msw" else PLAYWRIGHT
    folder = out or home
    made = files(target, recordings, is_apart=folder != home)
    if folder != home:
        made |= {name: (home / name).read_text(encoding="utf-8") for name in by_hand(target, made)}
    readme = made.get("README.md") or (folder / "README.md").read_text(encoding="utf-8")
    made["README.md"] = with_tables(readme, with_network(recordings))
    stale = [name for name, text in made.items() if not _is(folder / name, text)]
    gone = [path for path in sorted((folder / RECORDINGS).glob("*.js")) if f"{RECORDINGS}/{path.name}" not in made]
    if check:
        for name in [*stale, *(f"{RECORDINGS}/{path.name}" for path in gone)]:
            say(f"{folder / name} is stale: run 'python3 harness.py export {target}' and commit the result")
        return DRIFT if stale or gone else OK
    for name in stale:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(made[name], encoding="utf-8")
    for path in gone:
        path.unlink()
    say(f"{folder}: {len(stale)} of {len(made)} files written, {len(gone)} removed")
    return OK


def by_hand(target: Target, made: Mapping[str, str]) -> list[str]:
    """The files of a package that nobody generates; they go along when it is exported elsewhere."""
    home = MSW if target == "msw" else PLAYWRIGHT
    kinds = {".js", ".mjs", ".ts", ".py", ".json", ".md"}
    names = (path.name for path in sorted(home.iterdir()) if path.is_file() and path.suffix in kinds)
    return [name for name in names if name not in made and name != "package-lock.json"]


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


# --- the tables of the READMEs

_TABLE = re.compile(r"(<!-- (\w+): written -->\n).*?(<!-- end -->)", re.DOTALL)

SURFACES = ("mock and proxy", "MSW in Node", "MSW in a browser", "Playwright")
FAITHFUL: Mapping[Ends, tuple[str, str, str, str]] = {
    "clean": ("as it is", "as it is", "as it is", "as it is"),
    "unreachable": (
        "nobody listens",
        "`HttpResponse.error()`",
        "`HttpResponse.error()`",
        "connection closed, unanswered",
    ),
    "cut": ("connection closed in the body", "stream error", "stream error", "connection closed in the body"),
    "reset": ("TCP reset", "stream error, as a cut", "stream error, as a cut", "TCP reset"),
}
"""How each end of an answer comes about on each surface."""


def with_tables(readme: str, recordings: Sequence[Recording]) -> str:
    """A README with its tables written anew."""
    tables = {"scenarios": _scenarios_table, "ends": _ends_table}
    return _TABLE.sub(lambda found: f"{found[1]}{tables[found[2]](recordings)}{found[3]}", readme)


def _scenarios_table(recordings: Sequence[Recording]) -> str:
    kinds = ("scenario", "problem", "network")
    named = sorted((each for each in recordings if each.kind in kinds), key=lambda each: each.name)
    named.sort(key=lambda each: kinds.index(each.kind))
    lines = ["| Scenario | Shows | Ask | Status |", "|---|---|---|---|"]
    for each in named:
        first = each.exchanges[0]
        asked = "anything" if first.request.get("anything") else f"*{first.request['message']}*"
        path = first.request["path"].removeprefix("/api/v1/")
        statuses = ", ".join(dict.fromkeys(str(answer.status) for answer in first.answers))
        shown = "none" if first.answers[0].ends == "unreachable" else statuses
        lines.append(f"| `{each.name}` | {each.about} | {path}: {asked} | {shown} |")
    return "\n".join([*lines, ""])


def _ends_table(recordings: Sequence[Recording]) -> str:
    """Which ends occur, in how many recordings, and what each surface makes of them."""
    lines = ["| An answer ends | Recordings | " + " | ".join(SURFACES) + " |", "|---" * (len(SURFACES) + 2) + "|"]
    for ends, told in FAITHFUL.items():
        count = sum(any(a.ends == ends for e in each.exchanges for a in e.answers) for each in recordings)
        lines.append(f"| {ends} | {count} | " + " | ".join(told) + " |")
    return "\n".join([*lines, ""])
