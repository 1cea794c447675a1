"""The limit for a mock on this stack: an RSGI application that knows one answer, `python -m e2e.bench.bare`.

It reads the request's body and streams the same frames, either with one write or with one each (`--each`); nothing is
parsed, checked, matched or noted. It ends when its standard input does, so that it never outlives whoever started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

from granian.constants import HTTPModes
from granian.server.embed import Server

from contracts.cortex import EVENT_STREAM
from e2e.stack import LOOPBACK

FRAMES = 100
FRAME = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1795402948,"model":"m","choices":[{"index":0,'
    b'"delta":{"content":"xxxxxxxxxx"},"logprobs":null,"finish_reason":null}]}\n\n'
)
"""As large as aimock's; a stream is a hundred of them."""


class Bare:
    """Answers every request with the frames."""

    def __init__(self, *, each: bool) -> None:
        self._writes = [FRAME] * FRAMES if each else [FRAME * FRAMES]

    async def __rsgi__(self, _scope: Any, protocol: Any) -> None:
        """Read the body, then write."""
        await protocol()
        transport = protocol.response_stream(200, [("content-type", EVENT_STREAM)])
        for data in self._writes:
            await transport.send_bytes(data)


async def _serve(port: int, *, each: bool) -> None:
    server = Server(Bare(each=each), address=LOOPBACK, port=port, http=HTTPModes.http1, log_enabled=False)
    serving = asyncio.ensure_future(server.serve())
    print(json.dumps({"ready": "bare", "url": f"http://{LOOPBACK}:{port}"}), flush=True)  # noqa: T201
    over = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    await asyncio.wait((serving, over), return_when=asyncio.FIRST_COMPLETED)
    server.stop()  # type: ignore[no-untyped-call]
    await serving


def main() -> None:
    """Serve until standard input ends."""
    import uvloop  # noqa: PLC0415 - absent on Windows

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--each", action="store_true")
    options = parser.parse_args()
    uvloop.run(_serve(options.port, each=options.each))


if __name__ == "__main__":
    main()
