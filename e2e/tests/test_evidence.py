"""What is kept of a failed story: starred, looked through, and dropped where it leaks. Every secret here is made up."""

from __future__ import annotations

import base64
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from e2e import keys
from e2e.evidence import Kept, cleaned, keep, secrets_of

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.Y2FuYXJ5LWNhbmFyeS1jYW5hcnk"
PASSPHRASE = "canary-canary-canary-canary"
PERSON = "canary.reader@gmail.com"
PIXEL = b"\x89PNG\r\n\x1a\n"


def har(**entry: Any) -> str:
    """A HAR of one exchange, whose request carries a token as every client of the API does."""
    request = {"method": "POST", "url": "http://127.0.0.1/api/v1/chat", "headers": [], **entry}
    request["headers"] = [*request["headers"], {"name": "authorization", "value": f"Bearer {TOKEN}"}]
    answer = {"status": 200, "content": {"mimeType": "application/json", "text": json.dumps({"token": TOKEN})}}
    return json.dumps({"log": {"version": "1.2", "entries": [{"request": request, "response": answer}]}})


def trace(path: Path, **resources: bytes) -> None:
    """A trace as a browser leaves it: its own records, and resources."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("trace.trace", json.dumps({"type": "before", "params": {"value": TOKEN}}) + "\n")
        archive.writestr("trace.network", har() + "\n")
        for name, content in resources.items():
            archive.writestr(f"resources/{name.replace('_', '.')}", content)


def kept(tmp_path: Path, files: dict[str, str | bytes], **options: Any) -> Kept:
    """What of these files is kept."""
    raw = tmp_path / "raw"
    raw.mkdir()
    for name, content in files.items():
        (raw / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return keep(raw, tmp_path / "kept", **options)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(har(), id="har"),
        pytest.param(har(headers=[{"name": "X-Client-Key", "value": PASSPHRASE}]), id="header"),
        pytest.param(har(postData={"text": json.dumps({"password": PASSPHRASE})}), id="document-in-a-string"),
        pytest.param(json.dumps({"client_secret": PASSPHRASE}), id="member"),
        pytest.param(f'{{"a": 1}}\n{{"token": "{TOKEN}"}}\n', id="lines-of-json"),
        pytest.param(f'event: x\ndata: {{"token":"{PASSPHRASE}"}}\n\n', id="stream"),
        pytest.param(f"GET / HTTP/1.1\nauthorization: Bearer {TOKEN}\n", id="text"),
        pytest.param(f"GET /?api_key={PASSPHRASE} HTTP/1.1\n", id="query"),
    ],
)
def test_a_credential_is_starred(tmp_path: Path, content: str) -> None:
    """A token is known by its form, everything else by its name; what is left is kept."""
    found = kept(tmp_path, {"file": content})
    assert (found.files, found.dropped) == (["file"], [])
    text = (tmp_path / "kept" / "file").read_text()
    assert "***" in text
    assert TOKEN not in text
    assert PASSPHRASE not in text


def test_what_is_no_credential_stays(tmp_path: Path) -> None:
    """Questions, statuses and traces are what evidence is kept for."""
    said = {"message": "Net sales by region", "status": 429, "headers": [{"name": "traceparent", "value": "00-1"}]}
    assert json.loads(cleaned(json.dumps(said).encode())) == said


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"seen: {PERSON}", id="plain"),
        pytest.param(json.dumps({"text": f"mail {PERSON}"}), id="json"),
        pytest.param(base64.b64encode(f"mail to {PERSON} today".encode()), id="base64"),
        pytest.param(PERSON.encode("utf-16"), id="utf-16"),
    ],
)
def test_what_leaks_is_dropped_and_said(tmp_path: Path, content: str | bytes) -> None:
    """A file with a person in it is not kept, however it hides them; the reason names the kind, never the value."""
    found = kept(tmp_path, {"console.txt": content, "fine.txt": "nothing to see"})
    assert found.files == ["fine.txt"]
    assert [each.partition(": ")[0] for each in found.dropped] == ["console.txt"]
    assert "email" in found.dropped[0]
    assert "canary" not in "".join(found.lines())
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["fine.txt"]


def test_a_key_of_the_run_is_found_anywhere(tmp_path: Path) -> None:
    """Keys of the stack have no form that a detector could know; they are looked for as they are."""
    made = keys.ensure(tmp_path / "state")
    secrets = secrets_of(tmp_path / "state")
    session_key = made.session_key.read_text()
    found = kept(tmp_path, {"proxy.log": f"using {session_key}\n", "mock.log": "started\n"}, secrets=secrets)
    assert found.files == ["mock.log"]
    assert any("a key of this run" in each for each in found.dropped)


def test_a_trace_loses_its_tokens_and_what_leaks(tmp_path: Path) -> None:
    """A trace can be opened after its credentials were starred; a resource that leaks is left out of it, and said."""
    trace(tmp_path / "t.zip", a_json=json.dumps({"token": TOKEN}).encode(), b_txt=PERSON.encode(), c_png=PIXEL)
    found = kept(tmp_path, {"trace.zip": (tmp_path / "t.zip").read_bytes()})
    with zipfile.ZipFile(tmp_path / "kept" / "trace.zip") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert set(contents) == {"trace.trace", "trace.network", "resources/a.json", "resources/c.png"}
    assert not any(TOKEN.encode() in content for content in contents.values())
    assert [each.partition(": ")[0] for each in found.dropped] == ["trace.zip!resources/b.txt"]


def test_a_trace_whose_own_records_leak_is_dropped(tmp_path: Path) -> None:
    """Without its records a trace is nothing; what a reader typed may be in them."""
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("trace.trace", json.dumps({"params": {"value": PERSON}}))
    found = kept(tmp_path, {"trace.zip": (tmp_path / "t.zip").read_bytes()})
    assert found.files == []
    assert "trace.trace leaks email" in found.dropped[0]


def test_what_cannot_be_opened_is_dropped(tmp_path: Path) -> None:
    """An archive that was cut off cannot be looked into, so nobody can say that it is clean."""
    trace(tmp_path / "t.zip", c_png=PIXEL)
    whole = (tmp_path / "t.zip").read_bytes()
    broken = whole[:60] + b"\0\0\0\0" + whole[64:]
    found = kept(tmp_path, {"trace.zip": broken})
    assert found.files == []
    assert found.dropped


@pytest.mark.parametrize(("pictures", "files"), [(True, ["page.png", "trace.zip"]), (False, ["trace.zip"])])
def test_pictures_of_live_data_are_not_kept(tmp_path: Path, pictures: bool, files: list[str]) -> None:
    """What nobody can look into is kept of a rehearsal only, and told as such; a trace's own pictures, too."""
    trace(tmp_path / "t.zip", c_png=PIXEL)
    given: dict[str, str | bytes] = {"page.png": PIXEL, "trace.zip": (tmp_path / "t.zip").read_bytes()}
    found = kept(tmp_path, given, pictures=pictures)
    assert found.files == files
    with zipfile.ZipFile(tmp_path / "kept" / "trace.zip") as archive:
        assert ("resources/c.png" in archive.namelist()) is pictures
    assert ("kept page.png, which nobody can look into" in found.lines()) is pictures
    assert len(found.dropped) == (0 if pictures else 2)
