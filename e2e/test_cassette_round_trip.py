"""Recorded, anonymised, replayed: every story survives in structure, and nobody in it does.

Each shipped cassette is planted with made-up people: in the question, in text that is cut over frames, in rows,
charts, SQL, citations and suggestions. What was planted is recorded by the recorder's own core, loaded as a cassette,
and played through mock and proxy beside the original.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from contracts.cortex import INLINE_RUN_PATH
from e2e.client_api import Client, client_request, snowflake_request
from e2e.stack import NO_RATES, Stack, running
from e2e.test_fidelity import LEGACY_MODEL, own_frames_removed
from fixtures.pseudonym import new_key
from mocks.cassette import Cassette, Frame, Frames, Interaction, dump, load, load_all, save
from mocks.recording import Asking, Finished, Mode, Options, Recording
from mocks.state import HERE

STORIES = load_all(HERE / "cassettes")

PERSON, EMAIL, PHONE, IBAN = (
    "Sabine Hoffmann",
    "sabine.hoffmann@kaffee-nord.de",
    "+49 30 901820",
    "DE89370400440532013000",
)
OTHER, OTHER_EMAIL = "Jürgen Schäfer", "j.schaefer@kaffee-nord.de"
"""Nobody's: common names, a domain made up here, a number of Berlin's reserved block, the IBAN of the textbooks."""

REMAINS = ("sabine", "hoffmann", "kaffee-nord", "901820", "37040044", "jürgen", "schäfer", "j.schaefer")
"""What nobody may find afterwards, in any case."""

SENTENCE = f" Ask Ms {PERSON} ({EMAIL}, {PHONE}) or Mr {OTHER}, {IBAN}."
COLUMNS = {"CONTACT_NAME": (PERSON, OTHER), "CONTACT_EMAIL": (EMAIL, OTHER_EMAIL)}

INFERENCE = re.compile(r"/api/v2/cortex/(?:inference:|v1/)")
ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")
IDS = re.compile(r".*_id|.*Id|.*Handle|thread|id")
"""Fields whose numbers a recording replaces."""


# Planting -------------------------------------------------------------------------------------------------------------


def planted(interaction: Interaction) -> Interaction:
    """The interaction with personal data in every kind of place that it has."""
    match = interaction.request.match
    if match.last_user_text is not None:
        match = match.model_copy(update={"last_user_text": match.last_user_text + SENTENCE})
    documents = [_document(frame) for frame in interaction.frames]
    texts = _lengthened(interaction.frames, documents)
    frames = [
        frame if document is None else _said(frame, _rewritten(document, texts))
        for frame, document in zip(interaction.frames, documents, strict=True)
    ]
    return replace(interaction, request=interaction.request.model_copy(update={"match": match}), frames=Frames(frames))


def _document(frame: Frame) -> Any:
    return json.loads(frame.payload) if frame.payload.startswith(b"{") else None


def _said(frame: Frame, document: Any) -> Frame:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    data = frame.data.replace(frame.payload, text.encode())
    return replace(frame, data=data, cut=(len(data) // 3, len(data) // 2) if len(data) % 3 == 0 else ())


def pieces(frame: Frame, document: Any) -> Iterator[tuple[tuple[object, ...], dict[str, Any], str]]:
    """The strings of a frame that are part of a longer text: which, what holds it, and under what name."""
    if frame.event in ("response.text.delta", "response.thinking.delta"):
        yield (frame.event, document["content_index"]), document, "text"
    elif frame.event == "message.delta":
        for item in document["delta"]["content"]:
            if item["type"] == "text":
                yield (item["index"],), item, "text"
    elif frame.event == "content_block_delta":
        name = next(name for name in document["delta"] if name != "type")
        yield (document["index"], name), document["delta"], name
    elif not frame.event:
        for choice in document.get("choices", ()):
            yield from _pieces_of_choice(choice["delta"])


def _pieces_of_choice(delta: dict[str, Any]) -> Iterator[tuple[tuple[object, ...], dict[str, Any], str]]:
    if "content" in delta:
        yield ("content",), delta, "content"
    for item in delta.get("content_list", ()):
        if "text" in item:
            yield ("list",), item, "text"


def _lengthened(frames: tuple[Frame, ...], documents: list[Any]) -> dict[str, str]:
    """Every text of the stream with the planted sentence in it, after the deltas hold it: in as many, cut anywhere."""
    found: dict[tuple[object, ...], list[tuple[dict[str, Any], str]]] = defaultdict(list)
    for frame, document in zip(frames, documents, strict=True):
        for key, holder, name in pieces(frame, document) if document is not None else ():
            found[key].append((holder, name))
    texts = {}
    for parts in found.values():
        old = "".join([holder[name] for holder, name in parts])
        if old.startswith("{"):
            new = json.dumps(json.loads(old) | {"contact": EMAIL})
        else:
            middle = len(old) // 2
            new = old[:middle] + SENTENCE + old[middle:]
        texts[old] = new
        edges = [len(new) * at // len(parts) for at in range(len(parts) + 1)]
        for (holder, name), (start, end) in zip(parts, itertools.pairwise(edges), strict=True):
            holder[name] = new[start:end]
    return texts


def _rewritten(value: Any, texts: dict[str, str]) -> Any:
    """A document with whole texts as the deltas say them, and more people in its rows, charts, SQL and citations."""
    if isinstance(value, list):
        return [_rewritten(each, texts) for each in value]
    if not isinstance(value, dict):
        return texts.get(value, value) if isinstance(value, str) else value
    new = {name: _planters.get(name, _rewritten)(each, texts) for name, each in value.items()}
    if "resultSetMetaData" in new and "data" in new:
        for name, cells in COLUMNS.items():
            new["resultSetMetaData"]["rowType"].append({"name": name, "nullable": True, "type": "TEXT", "length": 64})
            new["data"] = [[*row, cell] for row, cell in zip(new["data"], itertools.cycle(cells), strict=False)]
    return new


def _chart(spec: str, _texts: dict[str, str]) -> str:
    document = json.loads(spec)
    for row, name, email in zip(document["data"]["values"], *map(itertools.cycle, COLUMNS.values()), strict=False):
        row |= {"CONTACT_NAME": name, "CONTACT_EMAIL": email}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _sql(statement: Any, _texts: dict[str, str]) -> Any:
    return f"{statement} -- WHERE contact_email = '{EMAIL}' AND contact_name = '{OTHER}'"


def _search_results(results: Any, texts: dict[str, str]) -> Any:
    return [_rewritten(each, texts) | {"text": each["text"] + SENTENCE} for each in results]


def _suggestions(queries: Any, _texts: dict[str, str]) -> Any:
    return [{"query": f"{each['query']} Only those of {OTHER_EMAIL}"} for each in queries]


_planters: dict[str, Callable[[Any, dict[str, str]], Any]] = {
    "chart_spec": _chart,
    "charts": lambda charts, texts: [_chart(each, texts) for each in charts],
    "sql": _sql,
    "search_results": _search_results,
    "suggested_queries": _suggestions,
}


# Recording ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pair:
    """A story as it was planted, and as it was recorded."""

    before: Cassette
    after: Cassette
    text: str


def recorded(tape: Cassette, out: Path, key_file: Path) -> Pair:
    """The story, planted and recorded."""
    before = replace(tape, interactions=tuple([planted(each) for each in tape.interactions]))
    recording = Recording(Options(out, Mode.ALL, key_file, about=tape.header.about))
    for number, interaction in enumerate(before.interactions, start=1):
        body = json.dumps(question(interaction)).encode()
        asking = Asking("POST", interaction.request.path, {"Content-Type": "application/json"}, body)
        head = interaction.response
        chunks = tuple([(frame.at_ms, piece) for frame in interaction.frames for piece in frame.pieces()])
        assert recording.take(Finished(number, asking, head.status, head.headers, chunks)) is None
    assert recording.save() == []
    return Pair(before, load(out), out.read_text(encoding="utf-8"))


def question(interaction: Interaction) -> dict[str, Any]:
    """A request that the interaction answers."""
    match = interaction.request.match
    if not INFERENCE.match(interaction.request.path):
        return snowflake_request(interaction)
    if match.tool_use_id is None:
        said: dict[str, Any] = {"role": "user", "content": match.last_user_text}
    else:
        said = {"role": "tool", "tool_call_id": match.tool_use_id, "content": SENTENCE}
    return {"model": match.model, "messages": [said], "stream": True}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where cassettes are kept: planted ones and recorded ones."""
    folder = tmp_path_factory.mktemp("round_trip")
    return folder / "planted", folder / "recorded"


@pytest.fixture(scope="module")
def pairs(folders: tuple[Path, Path]) -> dict[str, Pair]:
    """Every story, by name; its files are in the folders."""
    made = {}
    new_key(folders[0].with_name("key"))
    for tape in STORIES:
        out = folders[1] / f"{tape.name}.jsonl"
        out.parent.mkdir(parents=True, exist_ok=True)
        made[tape.name] = recorded(tape, out, folders[1].with_name("key"))
        save(made[tape.name].before, folders[0] / f"{tape.name}.jsonl")
    return made


# Comparing ------------------------------------------------------------------------------------------------------------


def shape(value: Any, name: str = "") -> Any:
    """What of a document is structure: keys and their order, types, lengths of lists, numbers that are no ids."""
    if isinstance(value, dict):
        return {key: shape(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    if isinstance(value, str):
        return shape(json.loads(value)) if value.startswith(('{"', '["')) and _is_json(value) else bool(value)
    return type(value) if IDS.fullmatch(name) else value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def structure(frame: bytes) -> Any:
    """What of a frame is structure: the bytes around its document, and the document's shape."""
    found = Frame(0, frame).payload
    if not found.startswith(b"{"):
        return frame
    head, _, tail = frame.partition(found)
    return head, shape(json.loads(found)), tail


def joined(interaction: Interaction) -> dict[tuple[object, ...], str]:
    """The texts that a stream's pieces say together."""
    texts: dict[tuple[object, ...], str] = defaultdict(str)
    for frame in interaction.frames:
        document = _document(frame)
        for key, holder, name in pieces(frame, document) if document is not None else ():
            texts[key] += holder[name]
    return texts


def leaves(value: Any) -> Iterator[str]:
    """Every string of a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)


def left_of(text: str) -> list[str]:
    """What of the planted people a text still says, in any case and behind escapes."""
    low = ESCAPE.sub(lambda match: chr(int(match[1], 16)), unquote(text)).lower()
    return [each for each in REMAINS if each in low]


@pytest.mark.parametrize("name", [tape.name for tape in STORIES])
def test_a_recording_keeps_the_structure(pairs: dict[str, Pair], name: str) -> None:
    """Order, names and count of frames, shape of documents, pace and cuts are those of the original."""
    pair = pairs[name]

    assert len(pair.after.interactions) == len(pair.before.interactions)
    for old, new in zip(pair.before.interactions, pair.after.interactions, strict=True):
        assert [structure(frame.data) for frame in new.frames] == [structure(frame.data) for frame in old.frames]
        assert [frame.at_ms for frame in new.frames] == [frame.at_ms for frame in old.frames]
        assert [len(frame.cut) for frame in new.frames] == [len(frame.cut) for frame in old.frames]
        assert new.response.status == old.response.status
        assert new.response.headers["Content-Type"] == old.response.headers["Content-Type"]
        assert (new.request.method, new.request.path) == (old.request.method, old.request.path)
        assert new.request.match.compared == old.request.match.compared


@pytest.mark.parametrize("name", [tape.name for tape in STORIES])
def test_nobody_is_left(pairs: dict[str, Pair], name: str) -> None:
    """Neither the file nor any text joined over frames says anything of the people who were planted."""
    pair = pairs[name]

    assert set(left_of("\n".join(dump(pair.before)))) >= {"sabine", "kaffee-nord", "jürgen", "37040044"}
    assert left_of(pair.text) == []
    assert [left_of(text) for each in pair.after.interactions for text in joined(each).values() if left_of(text)] == []


@pytest.mark.parametrize("name", [tape.name for tape in STORIES])
def test_deltas_still_say_the_final_text(pairs: dict[str, Pair], name: str) -> None:
    """Wherever a stream's pieces said what a later event says as a whole, they do so afterwards."""
    for old, new in zip(pairs[name].before.interactions, pairs[name].after.interactions, strict=True):
        said, now = joined(old), joined(new)
        found = [
            (now[key], other)
            for frame, fresh in zip(old.frames, new.frames, strict=True)
            for text, other in zip(leaves(_document(frame)), leaves(_document(fresh)), strict=True)
            for key in said
            if said[key] == text
        ]
        assert [pieces for pieces, whole in found if pieces != whole] == []
        assert found or not {"response.text", "response.thinking"} & {frame.event for frame in old.frames}


def test_one_person_is_one_fake_in_every_story(pairs: dict[str, Pair]) -> None:
    """The same key gives the same people, whichever story they are in."""
    names = {pair.after.interactions[0].request.match.last_user_text for pair in pairs.values()}
    sentences = {text.partition("Ask Ms ")[2] for text in names if text}

    assert len(sentences) == 1


# Through mock and proxy -----------------------------------------------------------------------------------------------

PLAYED = [
    pytest.param(tape.name, number, id=f"{tape.name}-{number}")
    for tape in STORIES
    if tape.name.startswith("agents/")
    for number in range(len(tape.interactions))
]


@pytest.fixture(scope="module")
def stacks(
    folders: tuple[Path, Path], pairs: dict[str, Pair], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, bool], Stack]]:
    """Proxies in front of a mock that plays the planted cassettes, and of one that plays the recorded ones."""
    config = tmp_path_factory.mktemp("agent") / "agent.json"
    config.write_text(json.dumps({"model": LEGACY_MODEL}))
    legacy = NO_RATES | {"CORTEX_PROXY_AGENT_CONFIG_FILE": str(config)}
    started: dict[tuple[str, bool], Any] = {}

    def serving(path: str, is_recorded: bool) -> Stack:
        key = (path if path == INLINE_RUN_PATH else "", is_recorded)
        if key not in started:
            arguments = ["--cassettes", str(folders[is_recorded])]
            environment = legacy if path == INLINE_RUN_PATH else NO_RATES
            entered = running(pace=0, strict=True, mock_arguments=arguments, proxy_environment=environment)
            started[key] = (entered, entered.__enter__())
        stack: Stack = started[key][1]
        return stack

    assert pairs
    yield serving
    for entered, _ in started.values():
        entered.__exit__(None, None, None)


@pytest.mark.parametrize(("name", "number"), PLAYED)
def test_the_proxy_cannot_tell_the_difference(
    stacks: Callable[[str, bool], Stack], pairs: dict[str, Pair], name: str, number: int
) -> None:
    """What the proxy forwards of the recorded story has the structure of what it forwards of the original."""
    answers = []
    for tape in (pairs[name].before, pairs[name].after):
        interaction = tape.interactions[number]
        stack = stacks(interaction.request.path, tape is pairs[name].after)
        answers.append(Client.opened(stack).chat(client_request(interaction), baggage="mock.pace=0"))

    original, safe = answers
    assert (safe.status_code, original.status_code) == (200, 200), safe.text
    assert safe.headers["Content-Type"] == original.headers["Content-Type"]
    assert _structures(safe.content) == _structures(original.content)
    assert left_of(safe.text) == []
    assert left_of(original.text) != []


def _structures(body: bytes) -> list[Any]:
    return [structure(frame + b"\n\n") for frame in own_frames_removed(body).split(b"\n\n")]
