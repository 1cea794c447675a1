"""What exchanges become once they are recorded: interactions of a cassette, safe to publish, that replay."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.cortex import RunRequest, agent_run_path
from fixtures import attest
from fixtures.pseudonym import new_key
from mocks import recording
from mocks.cassette import Cassette, Interaction, load
from mocks.matching import Asked, Candidate, candidates, find
from mocks.recording import (
    Asking,
    Dropped,
    Finished,
    Mode,
    Options,
    Recording,
    RecordingError,
    ensure_key,
    mode_of,
    named,
)

RUN = agent_run_path("CORTEX_BENCH_DB", "SALES", "SALES_AGENT")
JSON = {"Content-Type": "application/json"}
SSE = {"Content-Type": "text/event-stream"}
ANNA = "Anna Meier"
STRANGE = "Zorblax Quentrill"
"""A name that nobody would take for one, unless it stands in a column of names."""


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The same key in every run."""
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text("0123456789abcdef" * 4)
    return path


@pytest.fixture
def options(tmp_path: Path, key_file: Path) -> Options:
    """A recording into a file that is not there yet."""
    return Options(tmp_path / "tapes" / "talk.jsonl", Mode.ONCE, key_file)


def body_of(text: str, **fields: object) -> bytes:
    """The body of a run."""
    return json.dumps({"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}], **fields}).encode()


def asking(text: str = f"What did {ANNA} buy?", **fields: object) -> Asking:
    """A question."""
    return Asking("POST", RUN, {"content-type": "application/json"}, body_of(text, **fields))


def frame(event: str, data: object) -> bytes:
    """An SSE frame."""
    return f"event: {event}\ndata: {json.dumps(data)}\n\n".encode()


def run(number: int = 1, *texts: str, asked: Asking | None = None) -> Finished:
    """A run that answers with these deltas, one each 10 ms."""
    frames = [frame("response.text.delta", {"content_index": 0, "text": text}) for text in texts]
    frames.append(b"event: done\ndata: [DONE]\n\n")
    chunks = tuple((10.0 * at, data) for at, data in enumerate(frames, 1))
    return Finished(number, asked or asking(), 200, SSE, chunks)


def plain(number: int, document: object, path: str = "/api/v2/statements", **headers: str) -> Finished:
    """A JSON answer."""
    asked = Asking("POST", path, {"content-type": "application/json"}, b'{"statement":"select 1"}')
    return Finished(number, asked, 200, {**JSON, **headers}, ((5.0, json.dumps(document).encode()),))


def rows(*names: str) -> dict[str, Any]:
    """A result set with people's names."""
    row_type = [{"name": "FULL_NAME", "type": "text"}]
    return {"resultSetMetaData": {"rowType": row_type, "numRows": len(names)}, "data": [[name] for name in names]}


def recorded(options: Options, *finished: Finished) -> Cassette:
    """The cassette that these exchanges become."""
    made = Recording(options)
    assert [made.take(each) for each in finished] == [None] * len(finished)
    assert made.save() == []
    return load(options.out)


def texts(interaction: Interaction) -> str:
    """What the deltas of an answer say."""
    payloads = [each.payload for each in interaction.frames if each.event == "response.text.delta"]
    return "".join(json.loads(payload)["text"] for payload in payloads)


# --- what is stored


def test_a_recording_is_an_attested_cassette(options: Options) -> None:
    """The header says that it was recorded, by which rules and key, and what was replaced how often."""
    tape = recorded(options, run(1, f"{ANNA} bought two."))

    attestation = attest.check(options.out)
    assert attestation is not None
    assert (tape.header.provenance, tape.header.about) == ("recorded", "recorded interactions")
    assert tape.header.anonymised is not None
    assert tape.header.anonymised.replaced == attestation.replaced == 2
    assert attestation.counts == {"person": 2}


def test_nobody_is_in_the_file(options: Options) -> None:
    """Neither question nor answer, nor a name that frames cut in two, nor what the user said it is about."""
    options = replace(options, about=f"asked by {ANNA}")
    recorded(options, run(1, "Dear An", "na Mei", "er, hello"), plain(2, rows(ANNA)))

    stored = options.out.read_text(encoding="utf-8")
    assert [word for word in ("Anna", "Meier", "na Mei") if word in stored] == []


def test_frames_cuts_and_pace_stay(options: Options) -> None:
    """As many frames as came, each at the time of its last byte; where chunks cut one, it stays cut."""
    whole = frame("response.text.delta", {"content_index": 0, "text": "Net sales"})
    chunks = ((10.04, whole + whole[:20]), (20.0, whole[20:]), (35.0, b"event: done\ndata: [DONE]\n\n"))
    [interaction] = recorded(options, Finished(1, asking("Net sales?"), 200, SSE, chunks)).interactions

    assert [(each.at_ms, each.cut) for each in interaction.frames] == [(10.0, ()), (20.0, (20,)), (35.0, ())]
    assert interaction.body() == b"".join(data for _, data in chunks)


def test_a_plain_body_is_one_frame(options: Options) -> None:
    """How a network cut a body that is not a stream says nothing; it is due when its last byte came."""
    document = json.dumps({"message": "ok"}).encode()
    halves = ((1.0, document[:4]), (9.0, document[4:]))
    [interaction] = recorded(options, Finished(1, asking(), 200, JSON, halves)).interactions
    assert [(each.at_ms, each.data, each.cut) for each in interaction.frames] == [(9.0, document, ())]


def test_only_headers_that_a_replay_needs_are_stored(options: Options) -> None:
    """Cookies, hosts and how the body travelled stay away."""
    headers = {"Set-Cookie": "session=1", "Server": "edge-7", "Transfer-Encoding": "chunked", "Date": "today"}
    [interaction] = recorded(options, plain(1, {"message": "ok"}, **headers)).interactions
    assert interaction.response.headers == JSON


def test_a_compressed_body_is_stored_as_it_reads(options: Options) -> None:
    """Partitions of results come compressed; the cassette holds what they say."""
    document = json.dumps(rows("Net sales")).encode()
    finished = Finished(1, asking(), 200, {**JSON, "Content-Encoding": "gzip"}, ((5.0, gzip.compress(document)),))
    [interaction] = recorded(options, finished).interactions
    assert json.loads(interaction.body()).keys() == {"resultSetMetaData", "data"}
    assert "Content-Encoding" not in interaction.response.headers


def test_an_answer_without_a_body_is_stored(options: Options) -> None:
    """A deletion answers with a status alone."""
    finished = Finished(1, Asking("DELETE", "/api/v2/cortex/threads/77", {}, b""), 200, {}, ())
    [interaction] = recorded(options, finished).interactions
    assert (interaction.response.status, interaction.frames) == (200, ())


# --- what it answers


def test_the_cassette_answers_the_anonymised_question(options: Options) -> None:
    """The mock finds the interaction by the question as it is stored."""
    tape = recorded(options, run(1, "Two."))
    asked = tape.interactions[0].request.match.last_user_text
    assert asked is not None
    assert ANNA not in asked

    body = RunRequest.model_validate_json(body_of(asked))
    found = find(Asked.of_run("POST", RUN, body), candidates([tape]))
    assert isinstance(found, Candidate)


def test_a_first_turn_is_stored_without_a_parent(options: Options) -> None:
    """It answers whether or not the replay opens a thread for it."""
    tape = recorded(options, run(1, "Two.", asked=asking("Net sales?", thread_id=77, parent_message_id=0)))
    assert tape.interactions[0].request.match.compared == ("last_user_text",)


def test_a_follow_up_is_known_by_the_message_that_it_follows(options: Options) -> None:
    """Ids are drawn anew, but question and answer before keep calling the message the same."""
    metadata = frame("metadata", {"metadata": {"role": "assistant", "message_id": 90210}})
    first = Finished(1, asking("Net sales?", thread_id=77, parent_message_id=0), 200, SSE, ((1.0, metadata),))
    tape = recorded(options, first, run(2, "More.", asked=asking("And EMEA?", thread_id=77, parent_message_id=90210)))

    message_id = json.loads(tape.interactions[0].frames[0].payload)["metadata"]["message_id"]
    assert tape.interactions[1].request.match.parent_message_id == message_id
    assert message_id != 90210


def test_a_tool_result_is_known_by_its_call(options: Options) -> None:
    """What a client-side tool answered is asked with no text."""
    result = {"tool_use_id": "toolu_tz01", "name": "clock", "content": [{"type": "text", "text": "now"}]}
    body = json.dumps({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_result": result}]}]})
    asked = Asking("POST", RUN, {"content-type": "application/json"}, body.encode())
    tape = recorded(options, run(1, "Thanks.", asked=asked))
    assert tape.interactions[0].request.match.compared == ("tool_use_id",)


@pytest.mark.parametrize("path", recording.COMPLETION_PATHS)
def test_a_completion_is_known_by_its_model_and_question(options: Options, path: str) -> None:
    """Inference is matched as the mock matches it, in each of its three forms."""
    body = json.dumps({"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": "Hello"}]}).encode()
    asked = Asking("POST", path, {"content-type": "application/json"}, body)
    [interaction] = recorded(options, Finished(1, asked, 200, JSON, ((1.0, b"{}"),))).interactions
    match = interaction.request.match
    assert (match.last_user_text, match.model, match.compared) == (
        "Hello",
        "claude-sonnet-4-6",
        ("last_user_text", "model"),
    )


def test_a_path_that_the_mock_does_not_compare_keeps_its_query(options: Options) -> None:
    """Partitions of a result differ in nothing else."""
    asked = Asking("GET", "/api/v2/statements/x?partition=1", {}, b"")
    tape = recorded(options, Finished(1, asked, 200, JSON, ((1.0, b"{}"),)))
    assert tape.interactions[0].request.path.endswith("?partition=1")


# --- what is learned late


def test_what_is_learned_late_is_replaced_early(options: Options) -> None:
    """A name that only a later result set gives away is replaced in the answer before it, too."""
    tape = recorded(options, run(1, f"Ask {STRANGE} about it."), plain(2, rows(STRANGE)))

    [[fake]] = json.loads(tape.interactions[1].body())["data"]
    assert texts(tape.interactions[0]) == f"Ask {fake} about it."
    assert "Zorblax" not in options.out.read_text(encoding="utf-8")


def test_an_original_that_was_let_go_costs_what_cannot_be_mended(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the oldest only what was made of them is left; one that holds what was learned later goes, and is named."""
    monkeypatch.setattr(recording, "MAX_ORIGINAL_BYTES", 1)
    made = Recording(options)
    finished = (run(1, f"Ask {STRANGE}."), run(2, f"Ask {ANNA}."), plain(3, rows(STRANGE)))
    assert [made.take(each) for each in finished] == [None] * 3

    assert [(each.number, each.what) for each in made.save()] == [(1, "POST run")]
    tape = load(options.out)
    assert len(tape.interactions) == 2
    assert "Zorblax" not in options.out.read_text(encoding="utf-8")


# --- what is dropped


@pytest.mark.parametrize(
    ("finished", "reason"),
    [
        pytest.param(
            Finished(4, asking(), 200, {"Content-Type": "image/png"}, ((1.0, b"\x89PNG"),)),
            "content type 'image/png'",
            id="unknown content type",
        ),
        pytest.param(
            Finished(4, asking(), 200, {**SSE, "Content-Encoding": "gzip"}, ((1.0, b"x"),)),
            "compressed",
            id="compressed stream",
        ),
        pytest.param(
            Finished(4, asking(), 200, {**JSON, "Content-Encoding": "br"}, ((1.0, b"x"),)),
            "content encoding 'br'",
            id="unknown content encoding",
        ),
        pytest.param(
            Finished(4, asking(), 200, SSE, ((1.0, b'data: {"text":"\xff"}\n\n'),)),
            "",
            id="bytes that are no text",
        ),
        pytest.param(
            plain(4, {"resultSetMetaData": {"rowType": [{"name": "SHOE_SIZE", "type": "text"}]}, "data": [["44"]]}),
            "SHOE_SIZE",
            id="unknown column",
        ),
        pytest.param(Finished(4, asking(), 101, {}, ()), "cannot hold", id="a status that is none"),
    ],
)
def test_what_cannot_be_made_safe_is_dropped_and_named(options: Options, finished: Finished, reason: str) -> None:
    """It is not in the cassette; number, kind and reason are told, its values are not."""
    made = Recording(options)
    dropped = made.take(finished)

    assert isinstance(dropped, Dropped)
    assert str(dropped).startswith("#4 POST ")
    assert reason in dropped.reason
    assert ANNA not in str(dropped)
    assert made.save() == []
    assert not options.out.exists()


def test_a_fault_of_ours_does_not_tell_what_it_met(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error costs its exchange, and its words stay untold, because they may hold the original."""

    def fail(*_: object) -> None:
        raise KeyError(ANNA)

    monkeypatch.setattr(recording, "anonymise_exchange", fail)
    assert str(Recording(options).take(run(1, "x"))) == "#1 POST run: a fault in the anonymiser: KeyError"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", RUN, "POST run"),
        ("POST", "/api/v2/cortex/agent:run?x=1", "POST run"),
        ("GET", "/api/v2/cortex/threads/77", "GET threads"),
        ("POST", "/api/v2/statements", "POST statements"),
        ("POST", "/api/v2/databases/A/schemas/B/cortex-search-services/C:query", "POST search"),
        ("POST", "/api/v2/cortex/analyst/message", "POST analyst"),
        ("POST", "/api/v2/cortex/inference:complete", "POST inference"),
        ("GET", "/anna.meier@example.org", "GET another path"),
        ("ANNA MEIER", "/", "a method another path"),
    ],
)
def test_requests_are_named_without_their_values(method: str, path: str, expected: str) -> None:
    """A name says which part of Cortex was asked, and nothing that the path holds."""
    assert named(method, path) == expected


# --- twice


def test_the_same_exchanges_with_the_same_key_make_the_same_file(options: Options, tmp_path: Path) -> None:
    """Ids are told by the order in which they appear, so that two runs of one conversation are equal."""

    def conversation(query_id: str) -> tuple[Finished, ...]:
        answer = {**rows(ANNA), "statementHandle": query_id}
        status = Asking("GET", f"/api/v2/statements/{query_id}", {}, b"")
        return run(1, f"{ANNA} bought two."), plain(2, answer), Finished(3, status, 200, JSON, ((1.0, b"{}"),))

    again = replace(options, out=tmp_path / "again.jsonl")
    recorded(options, *conversation("01b2c3d4-0000-1111-0000-0001a2b3c4d5"))
    recorded(again, *conversation("01c4e6f8-0000-2222-0000-0009f8e7d6c5"))
    assert again.out.read_bytes() == options.out.read_bytes()


# --- modes


@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [
        (None, {}, Mode.ONCE),
        (None, {"CI": "true"}, Mode.NONE),
        (None, {"CI": "false"}, Mode.ONCE),
        ("all", {"CI": "true"}, Mode.ALL),
    ],
)
def test_no_pipeline_records_unless_told_to(given: str | None, environment: dict[str, str], expected: Mode) -> None:
    """Where CI is set nothing is recorded by default."""
    assert mode_of(given, environment) is expected


@pytest.mark.parametrize(
    ("mode", "answers", "forwards", "left"),
    [
        (Mode.NONE, True, False, 1),
        (Mode.ONCE, True, False, 1),
        (Mode.NEW_EPISODES, True, True, 1),
        (Mode.ALL, False, True, 0),
    ],
)
def test_a_mode_decides_who_answers(options: Options, mode: Mode, answers: bool, forwards: bool, left: int) -> None:
    """With a cassette there, each mode asks it, the upstream, or one after the other."""
    recorded(options, run(1, "Two."))
    made = Recording(replace(options, mode=mode))
    assert (made.answers, made.forwards, made.state.interactions) == (answers, forwards, left)


@pytest.mark.parametrize(("mode", "expected"), [(Mode.NEW_EPISODES, [1, 2]), (Mode.ALL, [2])])
def test_a_second_recording_adds_or_begins_anew(options: Options, mode: Mode, expected: list[int]) -> None:
    """New episodes stand behind the old ones, under one attestation of both; with `all` the old ones are gone."""
    recorded(options, run(1, f"{ANNA} bought 1."))
    before = attest.check(options.out)
    second = run(1, "Ask carla.ruiz@acme.org: 2.", asked=asking("Who knows?"))
    tape = recorded(replace(options, mode=mode), second)

    assert [int(texts(each)[-2]) for each in tape.interactions] == expected
    after = attest.check(options.out)
    assert after is not None
    assert before is not None
    assert (set(before.fakes) <= set(after.fakes)) is (mode is Mode.NEW_EPISODES)


def test_nothing_new_leaves_the_file_alone(options: Options) -> None:
    """A recording that only answered from its cassette does not write it."""
    recorded(options, run(1, "Two."))
    stamp = options.out.stat().st_mtime_ns
    made = Recording(replace(options, mode=Mode.NEW_EPISODES))
    assert made.save() == []
    assert options.out.stat().st_mtime_ns == stamp


def test_none_without_a_cassette_is_an_error(options: Options) -> None:
    """There is nothing that could answer."""
    with pytest.raises(RecordingError, match=r"no cassette.*--mode once"):
        Recording(replace(options, mode=Mode.NONE))


def test_the_original_question_is_answered_once_and_in_order(options: Options) -> None:
    """Who asks in the original words gets the stored answers, each once; then the nearest misses are told."""
    recorded(options, run(1, "First."), run(2, "Second."))
    made = Recording(replace(options, mode=Mode.NONE))

    answers = [made.answer(asking()) for _ in range(3)]
    assert [texts(each) for each in answers[:2] if isinstance(each, Interaction)] == ["First.", "Second."]
    assert answers[2] == []


def test_a_miss_names_what_differs(options: Options) -> None:
    """Field by field, on anonymised words."""
    recorded(options, run(1, "Two."))
    misses = Recording(replace(options, mode=Mode.NONE)).answer(asking("Something else?"))
    assert isinstance(misses, list)
    [miss] = misses
    assert [each["field"] for each in miss["differences"]] == ["last_user_text"]
    assert ANNA not in json.dumps(miss)


# --- what keeps a recording from beginning


def test_another_key_is_an_error_before_anything_is_recorded(options: Options, tmp_path: Path) -> None:
    """With it the same person would be two; both keys are named by their ids, and the file stays as it is."""
    recorded(options, run(1, f"{ANNA} bought two."))
    before = options.out.read_bytes()
    new_key(tmp_path / "other")
    for mode in Mode:
        with pytest.raises(RecordingError, match="recorded with the key"):
            Recording(replace(options, mode=mode, key_file=tmp_path / "other"))
    assert options.out.read_bytes() == before


def test_other_rules_are_an_error_before_anything_is_recorded(options: Options, tmp_path: Path) -> None:
    """A policy of one's own makes other fakes of the same data."""
    recorded(options, run(1, f"{ANNA} bought two."))
    policy = tmp_path / "policy.yaml"
    policy.write_text("policy: 1\ncolumns:\n  SHOE_SIZE: keep\n")
    with pytest.raises(RecordingError, match="recorded with the rules"):
        Recording(replace(options, mode=Mode.NEW_EPISODES, policy=policy))


@pytest.mark.parametrize("mode", [Mode.NEW_EPISODES, Mode.ALL])
def test_a_cassette_that_was_not_recorded_is_never_written_over(options: Options, mode: Mode) -> None:
    """Hand-written cassettes have no attestation to go on from."""
    recorded(options, run(1, "Two."))
    text = options.out.read_text(encoding="utf-8")
    header, rest = text.split("\n", 1)
    document = {**json.loads(header), "provenance": "documented"}
    del document["anonymised"]
    options.out.write_text(json.dumps(document) + "\n" + rest, encoding="utf-8")
    with pytest.raises(RecordingError, match="was not recorded"):
        Recording(replace(options, mode=mode))


def test_a_cassette_that_was_changed_by_hand_is_an_error(options: Options) -> None:
    """What nothing attests any more is not gone on from."""
    recorded(options, run(1, "Two."))
    options.out.write_text(options.out.read_text(encoding="utf-8").replace("Two.", "Six."), encoding="utf-8")
    with pytest.raises(RecordingError, match="changed after it was attested"):
        Recording(replace(options, mode=Mode.NEW_EPISODES))


@pytest.mark.parametrize(
    ("name", "content"),
    [("key", "too short"), ("policy.yaml", "policy: 1\nno_such_key: 1\n"), ("tape.jsonl", "{}")],
)
def test_files_that_cannot_be_used_are_named(options: Options, tmp_path: Path, name: str, content: str) -> None:
    """Key, policy or cassette: the message says which, and does not repeat what it holds."""
    broken = tmp_path / name
    broken.write_text(content)
    told = {
        "key": replace(options, key_file=broken),
        "policy.yaml": replace(options, policy=broken),
        "tape.jsonl": replace(options, out=broken),
    }
    with pytest.raises(RecordingError, match=re.escape(name)) as caught:
        Recording(told[name])
    assert content not in str(caught.value)


def test_a_missing_key_is_made_once(tmp_path: Path) -> None:
    """A first recording needs no preparation; the key is for its owner's eyes."""
    path = tmp_path / "key"
    assert ensure_key(path)
    made = path.read_bytes()
    assert not ensure_key(path)
    assert path.read_bytes() == made
    assert path.stat().st_mode & 0o077 == 0


# --- writing


def test_a_file_that_cannot_be_written_leaves_the_old_one(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole or not at all: no part of it, and no draft, is left behind."""
    recorded(options, run(1, "Two."))
    before = options.out.read_bytes()
    made = Recording(replace(options, mode=Mode.ALL))
    made.take(run(1, "Three."))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device", str(options.out))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RecordingError, match="No space left"):
        made.save()
    assert [each.name for each in options.out.parent.iterdir()] == [options.out.name]
    assert options.out.read_bytes() == before
