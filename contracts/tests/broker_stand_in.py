"""A stand-in for a Pact broker on loopback: the resources that Pact's command asks for, and what they were told.

Written from the answers that `pact-broker-cli` 0.10.9 reads and from the broker's public description; no broker was
there to compare it with.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from contracts.loopback import Loopback

Json = dict[str, Any]


@dataclass
class Told:
    """What a broker has been told, and by whom it was asked."""

    contracts: list[Json] = field(default_factory=list)
    published: list[Json] = field(default_factory=list)
    results: list[Json] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)
    deployed: list[str] = field(default_factory=list)
    questions: list[dict[str, list[str]]] = field(default_factory=list)
    credentials: set[str] = field(default_factory=set)


class BrokerStandIn(Loopback["_Server"]):
    """Serves while it is entered.

    credential: the only `Authorization` that is let in.   matrix: rows for can-i-deploy; deployable unless one of
    them is not a success.   results_at: where verification results are to go; the stand-in itself when left out.
    """

    def __init__(self, credential: str | None = None, matrix: list[Json] | None = None, results_at: str = "") -> None:
        self.credential, self.matrix, self.results_at = credential, matrix or [], results_at
        self.told = Told()
        super().__init__(_Server(("127.0.0.1", 0), _Handler))
        self._server.answer = self._answer

    def _answer(self, method: str, target: str, authorization: str | None, body: Json) -> tuple[int, Json]:
        self.told.credentials.add(authorization or "")
        if self.credential is not None and authorization != self.credential:
            return 401, {"error": {"message": "Unauthorized"}}
        at = urlsplit(target)
        for verb, prefix, view in self._views():
            if method == verb and at.path.startswith(prefix):
                return 200, view(target, body)
        return 404, {"error": {"message": f"no {method} {at.path}"}}

    def _views(self) -> list[tuple[str, str, Callable[[str, Json], Json]]]:
        return [
            ("POST", "/contracts/publish", self._publish),
            ("POST", "/results", self._result),
            ("POST", "/deployed/", self._deployed),
            ("PUT", "/pacticipants/", self._place),
            ("GET", "/pacticipants/", self._version),
            ("GET", "/pacts/", self._pact),
            ("GET", "/matrix", self._matrix),
            ("GET", "/environments", self._environments),
            ("GET", "/", self._index),
        ]

    def _index(self, _path: str, _body: Json) -> Json:
        version = "/pacticipants/{pacticipant}/versions/{version}"
        branch = "/pacticipants/{pacticipant}/branches/{branch}/versions/{version}"
        return _linked(
            {
                "pb:publish-contracts": {"href": f"{self.url}/contracts/publish"},
                "pb:environments": {"href": f"{self.url}/environments"},
                "pb:pacticipant-version": {"href": f"{self.url}{version}", "templated": True},
                "pb:pacticipant-branch-version": {"href": f"{self.url}{branch}", "templated": True},
            }
        )

    def _publish(self, _path: str, body: Json) -> Json:
        self.told.published.append(body)
        self.told.contracts += [json.loads(base64.b64decode(each["content"])) for each in body["contracts"]]
        made = {
            "pacticipant": {"name": body["pacticipantName"]},
            "version": {"number": body["pacticipantVersionNumber"]},
        }
        return {"_embedded": made, "_links": {}, "notices": [{"type": "success", "text": "published"}]}

    def _result(self, _path: str, body: Json) -> Json:
        self.told.results.append(body)
        return body

    def _deployed(self, path: str, _body: Json) -> Json:
        self.told.deployed.append(path.removeprefix("/deployed/"))
        return {"uuid": "d-1", "_links": {}}

    def _place(self, path: str, _body: Json) -> Json:
        self.told.placed.append(path)
        return {"_links": {}}

    def _version(self, path: str, _body: Json) -> Json:
        _, _, name, _, number = path.split("/")[:5]
        link = {"name": "production", "href": f"{self.url}/deployed/production/{name}/{number}"}
        return {"number": number, **_linked({"self": {"href": f"{self.url}{path}"}, "pb:record-deployment": [link]})}

    def _pact(self, _path: str, _body: Json) -> Json:
        return _linked({"pb:publish-verification-results": {"href": self.results_at or f"{self.url}/results"}})

    def _matrix(self, path: str, _body: Json) -> Json:
        self.told.questions.append(parse_qs(urlsplit(path).query))
        failed = sum(not row["verificationResult"]["success"] for row in self.matrix)
        summary = {
            "deployable": not failed,
            "reason": "a verification failed" if failed else "all verifications are successful",
            "success": len(self.matrix) - failed,
            "failed": failed,
            "unknown": 0,
        }
        return {"summary": summary, "notices": [], "matrix": self.matrix}

    def _environments(self, _path: str, _body: Json) -> Json:
        known = {"uuid": "e-1", "name": "production", "displayName": "Production", "production": True}
        return {"_embedded": {"environments": [known]}, "_links": {}}


def _linked(links: Json) -> Json:
    return {"_links": links}


def row(*, success: bool) -> Json:
    """A line of the matrix: the page's pact with the proxy."""
    return {
        "consumer": {"name": "bench-frontend", "version": {"number": "1"}},
        "provider": {"name": "cortex-proxy", "version": {"number": "2"}},
        "pact": {"createdAt": "2026-01-01T00:00:00+00:00"},
        "verificationResult": {"success": success, "verifiedAt": "2026-01-01T00:00:00+00:00", "_links": {}},
    }


class _Server(ThreadingHTTPServer):
    answer: Callable[[str, str, str | None, Json], tuple[int, Json]]


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        authorization = self.headers.get("Authorization")
        status, document = self.server.answer(self.command, self.path, authorization, json.loads(body or b"{}"))
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/hal+json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = _serve  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Says nothing."""
