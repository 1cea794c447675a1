"""The review pack of a deliberate break names what broke and whom it concerns; without a change it says so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from contracts import review
from contracts.compat import DocumentError, compare, load
from contracts.compat.documents import git
from contracts.pactfile import PactFile
from contracts.review import markdown, page
from contracts.review.pack import CHANGED, GONE, NEW, SAME, Pack, make
from contracts.review.sources import Sources, State
from contracts.review.usage import concerned, elsewhere, uses
from contracts.tests.test_compat_rules import CAT, DOG, TEXT, WHOLE, document, request, response, thing

ROOM = Path(__file__).parents[1]
DOCUMENT = load(ROOM / "openapi.yaml")
PACTS = tuple(PactFile.load(each) for each in sorted((ROOM / "pacts").glob("*.json")))
HOSTILE = "<img src=x onerror=alert(1)>`|<b>"


def commit(folder: Path, subject: str) -> None:
    """Everything in the folder, committed."""
    git("add", ".", folder=folder)
    identity = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.com", "-c", "commit.gpgsign=false")
    git(*identity, "commit", "--quiet", "--allow-empty", "-m", subject, folder=folder)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that holds our document and our pacts as `v1`; the working directory."""
    root = tmp_path / "repository"
    (root / "contracts/pacts").mkdir(parents=True)
    (root / "contracts/openapi.yaml").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    for each in PACTS:
        (root / "contracts/pacts" / each.path.name).write_bytes(each.path.read_bytes())
    git("init", "--quiet", folder=root)
    commit(root, "contracts: as they were")
    git("tag", "v1", folder=root)
    monkeypatch.chdir(root)
    return root


def edit(root: Path, change: Callable[[Any], None], path: str = "contracts/openapi.yaml") -> None:
    """Change a file of the working tree."""
    value = json.loads((root / path).read_text(encoding="utf-8"))
    change(value)
    (root / path).write_text(json.dumps(value), encoding="utf-8")


def break_three_things(document: Any) -> None:
    """A field under another name, an event dropped, an enum tightened."""
    schemas = document["components"]["schemas"]
    answer = schemas["SqlAnswer"]
    answer["properties"]["rowsTotal"] = answer["properties"].pop("rowCount")
    answer["required"] = ["rowsTotal" if each == "rowCount" else each for each in answer["required"]]
    events = schemas["ChatEvent"]
    table = events["discriminator"]["mapping"].pop("response.table")
    events["oneOf"] = [each for each in events["oneOf"] if each["$ref"] != table]
    schemas["AnalystMessage"]["properties"]["role"]["enum"].remove("user")


def reviewed(since: str, out: Path) -> tuple[str, str]:
    """The pack's two texts."""
    said = list[str]()
    assert review.run(since, out=out, say=said.append) == 0, said
    return (out / "review.md").read_text(encoding="utf-8"), (out / "review.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """What a browser would make of a page: its tags with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every tag of a name."""
        return [attributes for name, attributes in self.tags if name == tag]


# --- the break -------------------------------------------------------------------------------------------------------


def test_a_deliberate_break_is_told_with_its_users(repository: Path, tmp_path: Path) -> None:
    """The renamed field, the dropped event and the tightened enum are named, with the interactions they concern."""
    edit(repository, break_three_things)
    text, html = reviewed("v1", tmp_path / "out")
    for told in (text.replace("`", ""), " ".join(Page(html).text.split()).replace("`", "")):
        assert "SqlAnswer.rowCount in the answer 200 of POST /api/v1/tools/sql is gone (rowsTotal looks like" in told
        assert "The stream's event response.table of POST /api/v1/chat is gone" in told
        assert 'AnalystMessage.role in the request of POST /api/v1/tools/analyst does not take "user" any more' in told
        assert re.search(r"bench-frontend(\*\*)? reads it in\W+rows of a statement", told)
        assert re.search(r"bench-frontend(\*\*)? reads it in\W+event response\.table", told)
        assert re.search(r"bench-frontend(\*\*)? sends it in\W+.*SQL for a question", told)
        assert re.search(
            r"bench-frontend(\*\*)? counts on it in the stream of\W+a question, answered with everything", told
        )
        assert "a break needs another minor version" in told
        assert "**Breaking:** SqlAnswer.rowCount" in told
    (count,) = re.findall(r'^ *-   "rowCount": (\d+),$', text, flags=re.M)
    assert re.findall(r'^ *\+   "rowsTotal": (\d+),$', text, flags=re.M) == [count]
    assert re.search(r'^ *- +"event": "response\.table"$', text, flags=re.M)


def test_a_commit_is_named_by_its_subject(repository: Path, tmp_path: Path) -> None:
    """The pack names both ends, and what was committed between them that touched the contracts."""
    edit(repository, break_three_things)
    commit(repository, "contracts: count rows under another name")
    (repository / "other.txt").write_text("x")
    commit(repository, "other: not ours")
    text, _ = reviewed("v1", tmp_path)
    assert re.search(r"From v1 \([0-9a-f]{7,}, \d{4}-\d\d-\d\d\) to the working tree\.", text)
    assert "- contracts: count rows under another name" in text
    assert "not ours" not in text


def test_no_change_is_said_plainly(repository: Path, tmp_path: Path) -> None:
    """Without a change the pack says so, and nothing else."""
    text, html = reviewed("HEAD", tmp_path)
    assert "**Nothing changed.** Neither the document" in text
    assert "##" not in text
    shown = Page(html)
    assert "Nothing changed" in shown.text
    assert not shown.named("table")
    assert not shown.named("article")


def test_pacts_that_changed_are_told(repository: Path, tmp_path: Path) -> None:
    """An interaction that is gone, new or another, and a sequence rule that is another, in what they differ."""
    pact = "contracts/pacts/bench-frontend-cortex-proxy.json"

    def change(document: Any) -> None:
        listed = document["interactions"]
        by_name = {each["description"]: each for each in listed}
        listed.remove(by_name["a chart of rows"])
        listed.append(by_name["rows of a statement"] | {"description": "rows of another statement"})
        by_name["what the proxy is"]["response"]["body"]["content"]["colour"] = "blue"
        rules = document["metadata"]["cortex-harness"]["sequences"]
        next(iter(rules.values()))["first"] = "other"

    edit(repository, change, pact)
    made = make(review.since("v1"))
    told = {(each.name, each.state): each.about for each in made.pacts}
    assert told["a chart of rows", GONE] == told["rows of another statement", NEW] == ""
    assert told["what the proxy is", CHANGED] == "`response.body.content.colour` is new"
    assert "`first`" in [about for (name, _), about in told.items() if name.startswith("sequence of ")]
    assert len(told) == 4
    text, html = reviewed("v1", tmp_path)
    assert "a chart of rows" in text
    assert "rows of another statement" in Page(html).text


def test_every_event_has_its_state(repository: Path) -> None:
    """Gone, new, changed or the same, each for its stream, with who knows it."""

    def change(document: Any) -> None:
        break_three_things(document)
        schemas = document["components"]["schemas"]
        schemas["BrandNewEvent"] = thing("event", "data", event={"const": "brand.new"}, data={"type": "object"})
        schemas["ChatEvent"]["oneOf"].append({"$ref": "#/components/schemas/BrandNewEvent"})
        schemas["ProxyEnd"]["properties"]["mood"] = TEXT

    edit(repository, change)
    states = {(each.stream, each.name): each for each in make(review.since("v1")).events}
    chat = "POST /api/v1/chat"
    assert states[chat, "response.table"].state == GONE
    assert states[chat, "brand.new"].state == NEW
    assert states[chat, "proxy.end"].state == states["POST /api/v1/tools/analyst", "proxy.end"].state == CHANGED
    assert states[chat, "response.text.delta"].state == SAME
    assert states[chat, "response.text.delta"].consumers == ("bench-frontend",)
    assert states[chat, "brand.new"].consumers == ()


# --- where it comes from ---------------------------------------------------------------------------------------------


def test_without_a_revision_the_last_release_is_compared(repository: Path) -> None:
    """A released document needs no git; of its time no pacts are known, and the pack does not make any up."""
    released = repository / "contracts/released"
    released.mkdir()
    (released / "0.1.0.yaml").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    edit(repository, break_three_things)
    made = make(review.since(None))
    assert made.before == "release 0.1.0"
    assert len(made.breaking) == 3
    assert made.pacts == ()
    assert not made.pacts_are_known
    assert "no pacts are known" in page.render(made)
    (repository / "contracts/openapi.yaml").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    same = make(review.since(None))
    assert "of release 0.1.0 no pacts are known" in markdown.render(same)
    assert "pact changes" not in page.render(same)


def test_our_own_release_can_be_reviewed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder the Markdown is said."""
    monkeypatch.chdir(ROOM.parent)
    assert review.run(None) == 0
    assert capsys.readouterr().out.startswith("# Contract review\n\nFrom release ")


@pytest.mark.parametrize("revision", ["v9", "--output=x", "HEAD:contracts", ""])
def test_an_unknown_revision_is_refused(repository: Path, revision: str) -> None:
    """Exit code 2 and git's words; nothing is written."""
    said = list[str]()
    assert review.run(revision, out=repository / "out", say=said.append) == 2
    assert said[0].startswith("cannot review: ")
    assert not (repository / "out").exists()


def test_files_that_are_none_of_ours_are_refused(repository: Path) -> None:
    """A document or a pact that cannot be read is named."""
    pact = repository / "contracts/pacts/bench-frontend-cortex-proxy.json"
    pact.write_text("{}", encoding="utf-8")
    said = list[str]()
    assert review.run("v1", say=said.append) == 2
    assert "bench-frontend-cortex-proxy.json: no pact" in said[0]
    (repository / "contracts/openapi.yaml").write_text("swagger: '2.0'", encoding="utf-8")
    with pytest.raises(DocumentError, match="no OpenAPI document"):
        review.since("v1")


def test_a_folder_that_cannot_be_written_is_an_error(repository: Path, tmp_path: Path) -> None:
    """A file where the folder should be: exit code 1."""
    (tmp_path / "file").write_text("")
    said = list[str]()
    assert review.run("v1", out=tmp_path / "file", say=said.append) == 1
    assert said[0].startswith("cannot write: ")


def test_below_the_root_the_same_is_reviewed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory may be any folder of the repository."""
    edit(repository, break_three_things)
    monkeypatch.chdir(repository / "contracts/pacts")
    assert len(make(review.since("v1")).breaking) == 3


# --- what it looks like ----------------------------------------------------------------------------------------------


def hostile_pack() -> Pack:
    """A pack in which every text comes from somebody who means harm."""
    named: Any = {HOSTILE: TEXT, "a": TEXT | {"enum": [HOSTILE]}}
    old = response({"$ref": "#/components/schemas/A"}, A=thing("a") | {"properties": named})
    new = response({"$ref": "#/components/schemas/A"}, A=thing(a=TEXT))
    before, after = (State(HOSTILE, each, ()) for each in (old, new))
    return make(Sources(before, after, commits=(HOSTILE,), changelog=HOSTILE))


def test_hostile_text_stays_text() -> None:
    """Names, values, subjects: nothing that they hold becomes a tag, neither of the page nor of the Markdown."""
    made = hostile_pack()
    assert len(made.breaking) == 3
    shown = Page(page.render(made))
    assert not shown.named("img")
    assert not shown.named("b")
    assert HOSTILE in shown.text
    outside = re.sub(r"```.*?```", "", markdown.render(made), flags=re.S)
    for line in outside.splitlines():
        assert "<" not in re.sub(r"`[^`]*`", "", line), line


def test_the_page_needs_nothing_from_elsewhere(repository: Path, tmp_path: Path) -> None:
    """No script, no address but those of its own headings, no style sheet, no picture."""
    edit(repository, break_three_things)
    _, html = reviewed("v1", tmp_path)
    shown = Page(html)
    assert not {"script", "link", "img", "iframe", "base", "form"} & {tag for tag, _ in shown.tags}
    assert not re.search(r"url\(|@import|https?://", html)
    known = {f"#{attributes['id']}" for _, attributes in shown.tags if "id" in attributes}
    assert {attributes.get("href") for attributes in shown.named("a")} <= known


def test_the_page_can_be_read_by_everybody(repository: Path, tmp_path: Path) -> None:
    """One first heading, a language, header cells with a scope, and a stop for the keyboard at all that scrolls."""
    edit(repository, break_three_things)
    shown = Page(reviewed("v1", tmp_path)[1])
    assert shown.named("html")[0]["lang"] == "en"
    assert [tag for tag, _ in shown.tags].count("h1") == 1
    assert shown.named("th")
    assert all(each.get("scope") for each in shown.named("th"))
    scrolling = [*shown.named("pre"), *(each for each in shown.named("div") if each.get("class") == "wide")]
    assert scrolling
    assert all(each.get("tabindex") == "0" and each.get("aria-label") for each in scrolling)


# --- who uses what ---------------------------------------------------------------------------------------------------


def test_our_pacts_name_what_the_page_reads() -> None:
    """Every operation that the page's pact names is found, and fields by the names of their components."""
    used = uses(DOCUMENT, PACTS)
    found = {(each.place.operation, str(each.anchor)) for each in used if each.consumer == "bench-frontend"}
    for operation, spot in (
        ("POST /api/v1/tools/sql", "SqlAnswer.rows[]"),
        ("POST /api/v1/chat", "ChatRequest.sessionId"),
        ("POST /api/v1/chat", "TextDelta.text"),
        ("POST /api/v1/chat", "Problem.retryable"),
        ("GET /api/v1/history/{sessionId}", "HistoryTurn.answer"),
    ):
        assert (operation, spot) in found
    http = {each.description for pact in PACTS for each in pact.interactions if pact.consumer == "bench-frontend"}
    assert {each.interaction for each in used} >= http - {"a tool that there is not"}


def test_fields_are_shown_once_and_innermost() -> None:
    """Who reads a turn's answer reads the turns; problems are the same for every operation, and shown once."""
    state = State("now", DOCUMENT, PACTS)
    rows = {each.operation: each for each in make(Sources(state, state)).consumers if each.consumer == "bench-frontend"}
    history = rows["GET /api/v1/history/{sessionId}"].reads
    assert "turns[].answer" in history
    assert not {"turns", "turns[]"} & set(history)
    assert "traceId" not in history
    assert "traceId" in rows["problems, of any operation"].reads


def test_what_is_used_of_others_is_told_by_its_path(repository: Path) -> None:
    """Of a provider that the document does not describe the pack shows operations and fields, and whose they are."""
    edit(repository, break_three_things)
    rows = {(each.consumer, each.operation): each for each in make(review.since("v1")).consumers}
    search = next(each for key, each in rows.items() if key[1].endswith("SALES_DOCS_SVC:query"))
    assert search.consumer == "cortex-proxy (of snowflake-cortex)"
    assert "query" in search.sends
    assert any(each.startswith("results[].") for each in search.reads)
    assert {each.consumer for each in uses(DOCUMENT, PACTS)} == {"bench-frontend"}


def test_a_field_that_must_be_sent_concerns_who_does_not(tmp_path: Path) -> None:
    """An interaction that sends the field already is not concerned when it becomes required; the others are."""
    old, new = (request({"$ref": "#/components/schemas/A"}, A=thing(*must, a=TEXT, b=WHOLE)) for must in ((), ("b",)))

    used = uses(old, [pact(tmp_path, {"with": ({"a": "x", "b": 1}, None), "without": ({"a": "x"}, None)})])
    (change,) = compare(old, new)
    assert [(each.interaction, each.does) for each in concerned(change, used)] == [("without", "does not send it in")]


def test_a_field_that_is_gone_concerns_who_reads_it(tmp_path: Path) -> None:
    """Of two interactions with the same answer only the one that reads the field is concerned."""
    old, new = (response({"$ref": "#/components/schemas/A"}, A=thing(a=TEXT, **more)) for more in ({"b": TEXT}, {}))  # type: ignore[arg-type]
    used = uses(old, [pact(tmp_path, {"one": (None, {"a": "x"}), "both": (None, {"a": "x", "b": "y"})}, method="GET")])
    (change,) = compare(old, new)
    assert [(each.interaction, each.does) for each in concerned(change, used)] == [("both", "reads it in")]


def test_the_side_decides_who_is_concerned(tmp_path: Path) -> None:
    """Of what is sent and read alike a change of the request concerns who sends it, one of the answer who reads it."""
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}
    paths = {"/things": {"post": {"requestBody": body, "responses": {"200": body}}}}
    old, new = (document(paths, components={"schemas": {"A": each}}) for each in (thing(a=TEXT), thing(a=WHOLE)))
    used = uses(old, [pact(tmp_path, {"asks": ({"a": "x"}, None), "reads": (None, {"a": "x"})})])
    found = {each.rule: [use.interaction for use in concerned(each, used)] for each in compare(old, new)}
    assert found == {"request-type-narrowed": ["asks"], "response-type-widened": ["reads"]}


def test_of_a_union_the_tagged_one_is_used(tmp_path: Path) -> None:
    """A value with a cat's tag uses the cat's fields, also those that dogs have."""
    either = response(
        {"oneOf": [{"$ref": f"#/components/schemas/{each}"} for each in ("Cat", "Dog")]}, Cat=CAT, Dog=DOG
    )
    used = uses(either, [pact(tmp_path, {"a cat": (None, {"kind": "cat", "lives": 9})}, method="GET")])
    assert {each.anchor.component for each in used} == {"", "Cat"}


def test_events_are_those_of_the_stream_that_a_state_names() -> None:
    """Both streams end with `proxy.end`; the interaction's state says which of them is meant."""
    (name,) = {each.interaction for each in uses(DOCUMENT, PACTS) if each.interaction.startswith("event proxy.start")}
    assert {each.place.path for each in uses(DOCUMENT, PACTS) if each.interaction == name} == {"/api/v1/chat"}


def test_a_pact_with_another_provider_uses_nothing_of_ours(tmp_path: Path) -> None:
    """Its events may have the names of ours; its fields are told by their path, as the other provider's."""
    message = {
        "type": "Asynchronous/Messages",
        "description": "a piece",
        "contents": {"content": {"event": "response.text.delta", "data": {"text": "x"}}},
    }
    written = {"consumer": {"name": "page"}, "provider": {"name": "other"}, "interactions": [message]}
    (tmp_path / "pact.json").write_text(json.dumps(written), encoding="utf-8")
    other = [PactFile.load(tmp_path / "pact.json")]
    assert uses(DOCUMENT, other) == ()
    assert ("page (of other)", "data.text") in {(each.consumer, each.path) for each in elsewhere(DOCUMENT, other)}


def pact(folder: Path, bodies: dict[str, tuple[Any, Any]], method: str = "POST") -> PactFile:
    """A pact about /things: bodies of request and answer by description."""
    interactions = [
        {
            "type": "Synchronous/HTTP",
            "description": name,
            "request": {"method": method, "path": "/things", "body": {"content": asked}},
            "response": {"status": 200, "body": {"content": answered}},
        }
        for name, (asked, answered) in bodies.items()
    ]
    written = {"consumer": {"name": "page"}, "provider": {"name": "things"}, "interactions": interactions}
    (folder / "pact.json").write_text(json.dumps(written), encoding="utf-8")
    return PactFile.load(folder / "pact.json")
