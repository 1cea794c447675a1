"""What a recording leaves on the disk: each file that its processes open for writing is looked into."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from mocks.cassette import load

SECRET = "-".join(["pat", "9f8e7d6c5b4a"])
"""Of headers: looks like nothing that a detector knows."""

CANARIES = ("Annelie", "Hoffmann", "contoso", SECRET, "Zorblax")
QUESTION = "Who is Annelie Hoffmann, annelie.hoffmann@contoso-gmbh.de?"
ROWS = {
    "resultSetMetaData": {"numRows": 1, "rowType": [{"name": "FULL_NAME", "type": "text"}]},
    "data": [["Zorblax Hoffmann"]],
}

WATCHED = """
import os, shutil, sys
from pathlib import Path

opened = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)

def note(event, args):
    if event == "open" and isinstance(args[0], str) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        os.write(opened, os.fsencode(os.path.abspath(args[0])) + b"\\n")

sys.addaudithook(note)  # in the clerk's process, too: it runs this file as well
shutil.rmtree = os.unlink = lambda *_, **__: None  # what is temporary stays, to be looked into

from mocks import recorder

if __name__ == "__main__":
    _, _, upstream, out, key = sys.argv
    sys.exit(recorder.run(upstream=upstream, out=Path(out), key_file=Path(key), mode="once"))
"""


class _Upstream(http.server.BaseHTTPRequestHandler):
    """Answers with people: a stream, rows, a picture, and a stream that never ends."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/rows":
            self._whole("application/json", json.dumps(ROWS).encode())
        elif self.path == "/picture":
            self._whole("image/png", b"\x89PNG Annelie")
        else:
            self._stream()

    def _whole(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Set-Cookie", f"session={SECRET}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        texts = ("Dear Anne", "lie Hoff", "mann, Zorblax Hoffmann knows ", "annelie.hoffmann@contoso-gmbh.de")
        frames = [f'event: response.text.delta\ndata: {{"text":"{text}"}}\n\n'.encode() for text in texts]
        for frame in [*frames, *([] if self.path == "/endless" else [b""])]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(frame), frame))
        self.wfile.flush()
        if self.path == "/endless":
            threading.Event().wait()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[str]:
    """Its address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Upstream) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def holding(paths: Iterable[Path], canaries: Iterable[str]) -> dict[str, list[str]]:
    """The canaries that each file holds, byte for byte and in any case; files without one are left out."""
    found = {}
    for path in paths:
        content = path.read_bytes().lower()
        if here := [each for each in canaries if each.lower().encode() in content]:
            found[path.name] = here
    return found


def test_a_canary_on_the_disk_would_be_found(tmp_path: Path) -> None:
    """The search finds what is planted for it."""
    (tmp_path / "bad").write_bytes(b"\x00 ANNELIE \xff")
    (tmp_path / "good").write_bytes(b"nobody")
    assert holding(tmp_path.iterdir(), CANARIES) == {"bad": ["Annelie"]}


def test_nothing_unanonymised_touches_the_disk(tmp_path: Path, upstream: str) -> None:
    """Not in the cassette, a draft of it, a temporary folder, a home folder or a log; not even for what is dropped."""
    opened, script, out = tmp_path / "opened", tmp_path / "watched.py", tmp_path / "tape.jsonl"
    opened.touch()
    script.write_text(WATCHED)
    for name in ("tmp", "home", "cwd"):
        (tmp_path / name).mkdir()
    places = {"TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path / "home"), "PYTHONDONTWRITEBYTECODE": "1"}
    with (tmp_path / "stderr").open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603 - ours
            [sys.executable, str(script), str(opened), upstream, str(out), str(tmp_path / "key")],
            env={**os.environ, **places, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            cwd=tmp_path / "cwd",
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    with process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        for path in ("/stream", "/rows", "/picture"):
            with asked(port, path) as answer:
                answer.read()
        with asked(port, "/endless") as answer:
            assert b"Anne" in answer.read1()
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0

    said = (tmp_path / "stderr").read_text(encoding="utf-8")
    assert len(load(out).interactions) == 2, said
    assert "content type 'image/png'" in said
    assert "the recording ended before its answer did" in said
    written = {Path(line) for line in opened.read_text(encoding="utf-8").splitlines()} - {Path(os.devnull)}
    assert {path for path in written if not path.is_relative_to(tmp_path)} == set()
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"tape.jsonl", "mitmproxy-ca.pem", "stderr"} <= {path.name for path in left}
    assert {path.name for path in written} <= {path.name for path in left} | {".tape.jsonl.part"}
    assert holding(left, CANARIES) == {}


@contextlib.contextmanager
def asked(port: int, path: str) -> Iterator[http.client.HTTPResponse]:
    """The answer, its head read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"messages": [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]})
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json", "Cookie": f"session={SECRET}"}
    connection.request("POST", path, body, headers)
    with contextlib.closing(connection), connection.getresponse() as response:
        yield response
