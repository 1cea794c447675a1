"""Cassettes: what is written comes back, and a file that is not one is refused with its line and the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.attest import Attestation, content_of
from mocks.cassette import (
    Cassette,
    CassetteFormatError,
    Frame,
    Frames,
    Header,
    Interaction,
    Match,
    Request,
    ResponseHead,
    UnattestedError,
    dump,
    load,
    load_all,
    parse,
    save,
)
from mocks.state import HERE

HEADER = '{"cassette":1,"provenance":"documented","source":"made up","about":"a test"}'
REQUEST = '{"request":{"method":"POST","path":"/run"}}'
RESPONSE = '{"response":{"status":200,"headers":{"Content-Type":"text/event-stream"}}}'
FRAME = '{"at_ms":1,"frame":"event: a\\ndata: 1\\n\\n"}'

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
SHIPPED = load_all(HERE / "cassettes")


@st.composite
def frame_lists(draw: st.DrawFn) -> list[Frame]:
    """Frames in the order of time, some of them cut."""
    times = sorted(draw(st.lists(st.floats(0, 1e7), max_size=6)))
    frames = []
    for at_ms in times:
        data = (draw(TEXT) + "\n\n").encode()
        cut = sorted(draw(st.sets(st.integers(1, len(data) - 1), max_size=3)))
        frames.append(Frame(at_ms, data, tuple(cut)))
    return frames


def cassette(frames: list[Frame], **match: object) -> Cassette:
    """A cassette of one event stream."""
    request = Request(method="POST", path="/run", match=Match.model_validate(match))
    head = ResponseHead(status=200, headers={"Content-Type": "text/event-stream"}, frames=len(frames))
    header = Header(provenance="documented", source="made up", about="a test")
    return Cassette("made_up", header, (Interaction(request, head, tuple(frames), line=2),))


@given(frame_lists(), TEXT)
def test_what_is_dumped_is_parsed_equal(frames: list[Frame], question: str) -> None:
    """Any frame text comes back byte for byte: newlines, U+2028, control characters, everything."""
    made = cassette(frames, last_user_text=question)
    assert parse(dump(made), "made_up", "nowhere") == made


@given(frame_lists())
def test_pieces_join_to_the_frame(frames: list[Frame]) -> None:
    """A frame's pieces are never empty, one more than its cuts, and join to its bytes."""
    for frame in frames:
        pieces = frame.pieces()
        assert b"".join(pieces) == frame.data
        assert len(pieces) == len(frame.cut) + 1
        assert all(pieces)


def test_a_saved_file_keeps_unusual_line_ends(tmp_path: Path) -> None:
    """U+2028, U+0085 and CRLF inside a frame are content, not ends of lines."""
    made = cassette([Frame(1.5, "data: a\u2028b\x85c\r\n\r\n".encode())])
    path = tmp_path / "deep" / "made_up.jsonl"
    save(made, path)
    assert load(path) == made


def test_a_file_with_crlf_line_ends_loads(tmp_path: Path) -> None:
    """A checkout that turned newlines into CRLF still loads; frames keep theirs, which JSON escapes."""
    path = tmp_path / "made_up.jsonl"
    path.write_bytes("\r\n".join([HEADER, REQUEST, RESPONSE, FRAME, ""]).encode())
    assert load(path).interactions[0].body() == b"event: a\ndata: 1\n\n"


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda tape: str(tape.name))
def test_a_shipped_cassette_survives_a_round_trip(shipped: Cassette, tmp_path: Path) -> None:
    """Loading and saving a committed cassette changes no byte of it."""
    path = tmp_path / "copy.jsonl"
    save(shipped, path)
    assert path.read_bytes() == (HERE / "cassettes" / f"{shipped.name}.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("data", "event", "payload"),
    [
        pytest.param(b"event: a\ndata: {}\n\n", "a", b"{}", id="plain"),
        pytest.param(b"event: a\r\ndata: {}\r\n\r\n", "a", b"{}", id="crlf"),
        pytest.param(b"event: a\rdata: {}\r\r", "a", b"{}", id="cr"),
        pytest.param(b"event:a\ndata:{}\n\n", "a", b"{}", id="no-space"),
        pytest.param(b"data: 1\ndata: 2\nevent: a\n\n", "a", b"1\n2", id="two-data-lines"),
        pytest.param(b": comment\n\n", "", b"", id="comment"),
        pytest.param(b"data: event: a\n\n", "", b"event: a", id="event-inside-data"),
        pytest.param(b"event: \xff\n\n", "\ufffd", b"", id="bad-utf8"),
    ],
)
def test_event_and_payload(data: bytes, event: str, payload: bytes) -> None:
    """A frame's name and data are read as the specification of event streams says."""
    frame = Frame(0, data)
    assert (frame.event, frame.payload) == (event, payload)


def replaced(line: str, **changes: object) -> str:
    """A line with other values."""
    return json.dumps({**json.loads(line), **changes})


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        pytest.param([], 1, "the file is empty", id="empty-file"),
        pytest.param([HEADER], 2, "ends after its header", id="only-a-header"),
        pytest.param([REQUEST, RESPONSE], 1, "the header line is missing", id="no-header"),
        pytest.param([HEADER, HEADER], 2, "a second header", id="two-headers"),
        pytest.param([HEADER, RESPONSE], 2, "the request line is missing", id="no-request"),
        pytest.param([HEADER, REQUEST, RESPONSE, RESPONSE], 4, "the request line is missing", id="two-responses"),
        pytest.param([HEADER, REQUEST, FRAME], 3, "the response line is missing", id="no-response"),
        pytest.param([HEADER, REQUEST], 3, "the request of line 2 has no response line", id="no-response-at-end"),
        pytest.param([HEADER, REQUEST, REQUEST], 3, "line 2 has no response line", id="two-requests"),
        pytest.param([replaced(HEADER, cassette=2)], 1, "version 2 is not known; this release reads 1", id="version"),
        pytest.param(["\ufeff" + HEADER], 1, "a byte order mark", id="bom"),
        pytest.param([HEADER, ""], 2, "an empty line", id="empty-line"),
        pytest.param([HEADER, "{"], 2, "no JSON document", id="bad-json"),
        pytest.param([HEADER, "[" * 100_000], 2, "no JSON document", id="deep-json"),
        pytest.param([HEADER, "[]"], 2, "found a JSON list, expected an object", id="list"),
        pytest.param([HEADER, '{"reqest":{}}'], 2, "did you mean 'request'?", id="unknown-line"),
        pytest.param([HEADER, "{}"], 2, "expected a request, response or frame line", id="no-keys"),
        pytest.param([replaced(HEADER, abuot="x")], 1, "'abuot'; did you mean 'about'?", id="unknown-in-header"),
        pytest.param([replaced(HEADER, provenance="live")], 1, "provenance", id="provenance"),
        pytest.param([HEADER, REQUEST[:-1] + ',"x":1}'], 2, "unknown key 'x'", id="unknown-beside-request"),
        pytest.param(
            [HEADER, '{"request":{"method":"POST","path":"/","match":{"last_user_txt":""}}}'],
            2,
            "'match.last_user_txt'; did you mean 'last_user_text'?",
            id="unknown-in-match",
        ),
        pytest.param(
            [HEADER, REQUEST, replaced(RESPONSE, response={"status": 99, "headers": {}})], 3, "status", id="status"
        ),
        pytest.param(
            [HEADER, REQUEST, replaced(RESPONSE, response={"status": 200, "headers": {"Content-Length": "1"}})],
            3,
            "'Content-Length' tells how a body travelled",
            id="header-of-the-connection",
        ),
        pytest.param(
            [HEADER, REQUEST, replaced(RESPONSE, response={"status": 200, "headers": {"A": "b\nc"}})],
            3,
            "cannot be sent",
            id="header-with-newline",
        ),
        pytest.param(
            [HEADER, REQUEST, replaced(RESPONSE, response={"status": 200, "headers": {}, "frames": 2}), FRAME],
            5,
            "announces 2 frames, found 1: a line is missing",
            id="lost-frame",
        ),
        pytest.param([HEADER, REQUEST, RESPONSE, replaced(FRAME, at_ms=-1)], 4, "at_ms", id="negative-time"),
        pytest.param([HEADER, REQUEST, RESPONSE, '{"at_ms":Infinity,"frame":""}'], 4, "no JSON", id="endless-time"),
        pytest.param([HEADER, REQUEST, RESPONSE, replaced(FRAME, at_ms="1")], 4, "at_ms", id="time-as-text"),
        pytest.param(
            [HEADER, REQUEST, RESPONSE, replaced(FRAME, at_ms=2), FRAME], 5, "is before the previous", id="back-in-time"
        ),
        pytest.param([HEADER, REQUEST, RESPONSE, replaced(FRAME, cut=[0])], 4, "must ascend", id="cut-at-start"),
        pytest.param([HEADER, REQUEST, RESPONSE, replaced(FRAME, cut=[18])], 4, "must ascend", id="cut-at-end"),
        pytest.param([HEADER, REQUEST, RESPONSE, replaced(FRAME, cut=[5, 5])], 4, "must ascend", id="cut-twice"),
        pytest.param([HEADER, REQUEST, RESPONSE, replaced(FRAME, cut=[6, 5])], 4, "must ascend", id="cut-backwards"),
        pytest.param(
            [HEADER, REQUEST, RESPONSE, replaced(FRAME, cot=[5])], 4, "did you mean 'cut'?", id="cut-misspelt"
        ),
        pytest.param([HEADER, REQUEST, RESPONSE, replaced(FRAME, frame="\ud800")], 4, "no JSON", id="half-a-pair"),
        pytest.param(
            [HEADER, REQUEST, RESPONSE, replaced(FRAME, frame="data: 1\n"), FRAME], 5, "blank line", id="open-frame"
        ),
    ],
)
def test_what_is_no_cassette_is_refused(lines: list[str], line: int, words: str) -> None:
    """The error names the file, the line and what is wrong there."""
    with pytest.raises(CassetteFormatError) as refusal:
        parse(lines, "made_up", "folder/made_up.jsonl")
    assert str(refusal.value).startswith(f"folder/made_up.jsonl, line {line}: ")
    assert words in str(refusal.value)


def test_the_last_frame_may_be_cut_short() -> None:
    """A recorded stream may end inside its last frame."""
    tape = parse([HEADER, REQUEST, RESPONSE, FRAME, replaced(FRAME, frame="event: b\nda")], "made_up", "nowhere")
    assert tape.interactions[0].body() == b"event: a\ndata: 1\n\nevent: b\nda"


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    path = tmp_path / "latin.jsonl"
    path.write_bytes(HEADER.replace("made up", "Zürich").encode("latin-1"))
    with pytest.raises(CassetteFormatError, match=r"latin\.jsonl: not UTF-8"):
        load(path)


@pytest.mark.parametrize("name", ["", "missing"], ids=["empty-folder", "no-folder"])
def test_a_folder_without_cassettes_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing to play is an error, not an empty mock."""
    with pytest.raises(CassetteFormatError, match="no cassette found"):
        load_all(tmp_path / name)


def test_names_are_paths_below_the_folder(tmp_path: Path) -> None:
    """Cassettes are found in every folder below, by name."""
    for name in ("b", "a/c"):
        save(cassette([]), tmp_path / f"{name}.jsonl")
    assert [tape.name for tape in load_all(tmp_path)] == ["a/c", "b"]


def test_frames_know_what_is_true_of_all() -> None:
    """Bytes, sizes, events and times are those of the frames, in order; making them of themselves makes nothing."""
    made = Frames.of([Frame(1.0, b"event: a\n\n"), Frame(3.0, b"data: x\n\n", held_ms=5.0)])
    assert (made.data, list(made.sizes), made.names) == (b"event: a\n\ndata: x\n\n", [10, 9], ("a", ""))
    assert list(made.due_ms(2.0)) == [2.0, 11.0]
    assert Frames.of(made) is made


@pytest.mark.parametrize(
    ("frame", "is_plain"),
    [
        pytest.param(Frame(1.0, b"abc"), True, id="whole"),
        pytest.param(Frame(1.0, b"abc", cut=(1,)), False, id="cut"),
        pytest.param(Frame(1.0, b"abc", held_ms=1.0), False, id="held"),
    ],
)
def test_plain_frames(frame: Frame, is_plain: bool) -> None:
    """A frame that comes in pieces, or later than recorded, is not like the others."""
    assert Frames.of([Frame(0.0, b"x"), frame]).is_plain is is_plain


def recorded(folder: Path, name: str, anonymised: dict[str, object] | None) -> Path:
    """A recorded cassette of one answer, with what its header says of how it was anonymised."""
    header = {**json.loads(HEADER), "provenance": "recorded"}
    if anonymised is not None:
        header["anonymised"] = anonymised
    path = folder / f"{name}.jsonl"
    path.write_text("".join(f"{line}\n" for line in (json.dumps(header), REQUEST, RESPONSE, FRAME)))
    return path


def attestation() -> dict[str, object]:
    """What a recorder attests of these lines."""
    content = content_of(f"{line}\n".encode() for line in (REQUEST, RESPONSE, FRAME))
    return Attestation(
        "sha256:x", "0a1b2c3d", content, {"faker": "1"}, {"person": 2}, ["0" * 16], ["f" * 16]
    ).to_document()


def test_an_attested_recording_is_loaded_and_kept(tmp_path: Path) -> None:
    """The whole attestation comes through loading and saving."""
    recorded(tmp_path, "a", attestation())
    [tape] = load_all(tmp_path)
    assert tape.header.anonymised is not None
    assert tape.header.anonymised.replaced == 2
    assert json.loads(next(dump(tape)))["anonymised"] == attestation()


@pytest.mark.parametrize(
    "anonymised",
    [
        pytest.param(None, id="nothing"),
        pytest.param({"rules": "sha256:x", "replaced": 2}, id="rules only"),
        pytest.param({**attestation(), "content": "sha256:" + "0" * 64}, id="of another content"),
    ],
)
def test_unattested_recordings_are_refused_unless_welcome(tmp_path: Path, anonymised: dict[str, object] | None) -> None:
    """All of them are named, with what to do; who says so plays them all the same."""
    paths = [recorded(tmp_path, name, anonymised) for name in ("a", "b")]
    with pytest.raises(UnattestedError) as refused:
        load_all(tmp_path)
    assert all(str(path) in str(refused.value) for path in paths)
    assert "--unattested" in str(refused.value)
    assert [tape.name for tape in load_all(tmp_path, unattested=True)] == ["a", "b"]
