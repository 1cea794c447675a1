"""A server between a verifier and its provider, which changes the provider's answers on their way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

import requests

from contracts.cortex import EVENT_STREAM

LOOPBACK = "127.0.0.1"
TIMEOUT_S = 20
OF_THE_CONNECTION = frozenset(
    {"connection", "transfer-encoding", "content-length", "content-encoding", "date", "server"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer on its way."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def is_stream(self) -> bool:
        """Whether it is an event stream."""
        return self.headers.get("Content-Type", "").startswith(EVENT_STREAM)

    @property
    def frames(self) -> list[str]:
        """The frames of a stream, each with its blank line."""
        return [f"{each}\n\n" for each in self.body.split("\n\n") if each]


Change = Callable[[Answer], Answer]


@contextmanager
def changing(url: str, change: Change) -> Iterator[str]:
    """Address of a server that answers with what `change` makes of the answers of the provider at `url`."""
    server = ThreadingHTTPServer((LOOPBACK, 0), _handler(url, change))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(url: str, change: Change) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            named = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
            answer = requests.request(
                self.command, f"{url}{self.path}", data=sent or None, headers=named, timeout=TIMEOUT_S
            )
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in OF_THE_CONNECTION}
            self._answer(change(Answer(answer.status_code, kept, answer.content.decode())))

        def _answer(self, answer: Answer) -> None:
            body = answer.body.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = _pass  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server calls it
            """Nothing: a test's output is its own."""

    return cast(type[BaseHTTPRequestHandler], Handler)


def unchanged(answer: Answer) -> Answer:
    """The answer as it came."""
    return answer


def replacing(found: str, put: str) -> Change:
    """Puts one text in the place of another, wherever it stands in a body."""
    return lambda answer: replace(answer, body=answer.body.replace(found, put))


def with_status(status: int) -> Change:
    """Another status."""
    return lambda answer: replace(answer, status=status)


def without_header(name: str) -> Change:
    """The answer without a header."""
    return lambda answer: replace(answer, headers={key: each for key, each in answer.headers.items() if key != name})


def of_type(content_type: str) -> Change:
    """Another content type."""
    return lambda answer: replace(answer, headers={**answer.headers, "Content-Type": content_type})


def dropping(event: str, place: int = 0) -> Change:
    """A stream without one of the events of a name."""

    def drop(frames: list[str]) -> list[str]:
        at = _places(frames, event)[place]
        return [*frames[:at], *frames[at + 1 :]]

    return _framed(drop)


def swapping(first: str, second: str) -> Change:
    """A stream in which the first events of two names have changed places; of one name, its first two."""

    def swap(frames: list[str]) -> list[str]:
        one, other = _places(frames, first)[0], _places(frames, second)[1 if first == second else 0]
        swapped = list(frames)
        swapped[one], swapped[other] = frames[other], frames[one]
        return swapped

    return _framed(swap)


def repeating(event: str) -> Change:
    """A stream in which the first event of a name comes twice."""

    def repeat(frames: list[str]) -> list[str]:
        at = _places(frames, event)[0]
        return [*frames[: at + 1], *frames[at:]]

    return _framed(repeat)


def _places(frames: list[str], event: str) -> list[int]:
    found = [at for at, frame in enumerate(frames) if frame.startswith(f"event: {event}\n")]
    assert found, f"no event {event} to change"
    return found


def _framed(change: Callable[[list[str]], list[str]]) -> Change:
    return lambda answer: replace(answer, body="".join(change(answer.frames))) if answer.is_stream else answer
