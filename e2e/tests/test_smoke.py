"""The smoke passes where everything works, and each of its checks says what is wrong where something does not."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests
from click.testing import CliRunner, Result
from prometheus_client.parser import text_string_to_metric_families

from contracts.api import ToolName
from contracts.release import CURRENT
from e2e import keys
from e2e.bootstrap import ROOT
from e2e.smoke import checks, result
from e2e.smoke.__main__ import CLIENT_KEY_VARIABLE, main
from e2e.smoke.checks import CHECKS, WAVES, Check
from e2e.smoke.line import Line
from e2e.smoke.result import CheckResult, Report
from e2e.smoke.run import GOODBYE_S, run
from e2e.smoke.visit import CLIENT_KEY_HEADER, Ask, Options, Trouble, Visit
from e2e.stack import Child, Stack, proxy_settings, running
from e2e.tests.faulty import Authority, Fault, Gateway, Reply, edited, gateway, none, on, rewritten
from proxy import tokens

CLIENT_KEY = "client-key-for-tests-0123456789abcdef"
CHAT, TOKEN = "POST /api/v1/chat", "POST /api/v1/session/token"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Mock and proxy, which believes the gateway in front of it, as fast as they can."""
    with running(pace=0.0, beside=["nginx"]) as started:
        yield started


@pytest.fixture
def front(stack: Stack) -> Iterator[tuple[str, Gateway]]:
    """A gateway without faults."""
    with gateway(stack.proxy_url) as running_gateway:
        yield running_gateway


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Issues certificates."""
    return Authority.made(tmp_path_factory.mktemp("authority"))


def options(target: str, **more: Any) -> Options:
    """What a run is told, with this version's contract."""
    return Options(target, contract=str(CURRENT), **more)


def only(*names: str) -> tuple[tuple[Check, ...], ...]:
    """The waves with these checks and what they need; the last always, since it clears up."""
    wanted = set(names)
    for check in reversed(CHECKS):
        if check.name in wanted:
            wanted |= set(check.needs)
    return (*(tuple(each for each in wave if each.name in wanted) for wave in WAVES[:-1]), WAVES[-1])


def results(report: Report, result: str) -> dict[str, CheckResult]:
    """The checks that ended so, by name."""
    return {each.name: each for each in report.checks if each.result == result}


def test_everything_passes_in_front_of_our_own_stack(stack: Stack) -> None:
    """Each check passes, but those of TLS, which say why they do not apply."""
    report = run(options(stack.proxy_url))
    assert results(report, "failed") == {}
    assert {name: each.found for name, each in results(report, "not_applicable").items()} == dict.fromkeys(
        ("certificate", "tls", "hsts"), "the target is asked without TLS"
    )
    assert [each.name for each in report.checks] == [each.name for each in CHECKS]
    assert (report.ok, report.mode, report.version) == (True, "rehearsal", "0.1.0")


def test_everything_passes_behind_the_shipped_nginx(stack: Stack) -> None:
    """nginx as it is shipped takes nothing away that a check looks at, and tells no version."""
    assert stack.nginx_url is not None
    report = run(options(stack.nginx_url))
    assert {name: each.found for name, each in results(report, "failed").items()} == {}
    assert report.counts["passed"] == len(CHECKS) - 3


def test_everything_passes_over_tls(stack: Stack, authority: Authority) -> None:
    """Behind a gateway that ends TLS no check is left out, and the certificate's days are told."""
    with gateway(stack.proxy_url, authority.server("127.0.0.1")) as (url, _):
        report = run(options(url, ca_file=authority.ca_file))
    assert {each.name: each.found for each in report.checks if each.result != "passed"} == {}
    told = results(report, "passed")
    assert told["certificate"].found == "90 days left, from Made-up authority, for 127.0.0.1"
    assert told["tls"].found.startswith("TLSv1.3")
    assert told["hsts"].found == "max-age=31536000"


@dataclass(frozen=True)
class Broken:
    """A deployment with a fault.

    check: which finds it.   says: what is told of it, in part.   do: what it tells to do, in part.
    asks: headers that the gateway adds.   given: options.   beside: checks that run, too.   also: which fail then, too.
    """

    check: str
    fault: Fault
    says: str
    do: str = ""
    asks: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


def answered(status: int, kind: str, body: str, **headers: str) -> Callable[[Reply], Reply]:
    """Another answer in the place of the proxy's."""
    return lambda _reply: Reply(status, {"content-type": kind, **headers}, body.encode())


def problem(status: int, kind: str, detail: str) -> Callable[[Reply], Reply]:
    """A problem in the place of the proxy's answer."""
    body = {"type": f"https://cortex-harness.dev/problems/{kind}", "title": "It is refused", "status": status}
    return answered(status, "application/problem+json", json.dumps({**body, "detail": detail}))


GATEWAY_PAGE = "<html><head><title>502 Bad\n Gateway</title></head><body>nginx</body></html>"
LOGIN = answered(302, "text/html", "", location="https://login.example.com/authorize?state=secret")


def _named(frames: list[bytes], name: str) -> int:
    return next(place for place, frame in enumerate(frames) if frame.startswith(f"event: {name}\n".encode()))


def _swapped(frames: list[bytes]) -> list[bytes]:
    one, other = _named(frames, "response.text.delta"), _named(frames, "done")
    frames[one], frames[other] = frames[other], frames[one]
    return frames


def _without(name: str) -> Callable[[list[bytes]], list[bytes]]:
    return lambda frames: [frame for place, frame in enumerate(frames) if place != _named(frames, name)]


def _doubled(frames: list[bytes]) -> list[bytes]:
    place = _named(frames, "response.text.delta")
    return [*frames[: place + 1], *frames[place:]]


def _another_type(frames: list[bytes]) -> list[bytes]:
    return [frame.replace(b'"content_index":', b'"content_index":"first","was":') for frame in frames]


def _slow(reply: Reply) -> Reply:
    return replace(reply, body=reply.whole)


def _other_claims(token: dict[str, Any], *, iat: int, exp: int, told: int = 0) -> None:
    head, payload, tail = token["token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims |= {"iat": claims["iat"] + iat, "exp": claims["exp"] + exp}
    token["expiresAt"] = datetime.fromtimestamp(claims["exp"] - exp + told, UTC).isoformat()
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    token["token"] = f"{head}.{payload}.{tail}"


BROKEN: dict[str, Broken] = {
    "a gateway's page": Broken(
        "livez",
        on("GET /api/v1/livez", answered(502, "text/html", GATEWAY_PAGE)),
        "502: a web page (text/html), titled '502 Bad Gateway'",
        "see whether the proxy's processes run",
    ),
    "a login page behind a redirect": Broken(
        "livez", on("GET", LOGIN), "302, a redirect to https://login.example.com/authorize", "sign in"
    ),
    "another service": Broken(
        "livez",
        on("GET /api/v1/livez", answered(404, "text/plain", "")),
        "404: text/plain, with an empty body",
        "is --target",
    ),
    "another JSON": Broken(
        "livez", edited("GET /api/v1/livez", lambda _: {"up": 1}), "the answer is no Health: status: Field required"
    ),
    "an answer that is cut": Broken(
        "livez",
        on("GET /api/v1/livez", lambda reply: reply.saying(content_length="400")),
        "the connection broke before the answer was whole",
        "log",
    ),
    "a store that fails": Broken(
        "readyz",
        on(
            "GET /api/v1/readyz",
            answered(503, "application/json", '{"status":"failing","checks":{"config":"ok","store":"gone"}}'),
        ),
        "503, store: gone",
        "'not ready'",
    ),
    "a breaker that is open": Broken(
        "status",
        edited("GET /api/v1/status", lambda status: status["breakers"].update(analyst="open")),
        "calls are suspended to: analyst",
        "Snowflake's status page",
    ),
    "a process that drains": Broken(
        "status", edited("GET /api/v1/status", lambda status: status.update(draining=True)), "draining", "in a minute"
    ),
    "a stand-in where Snowflake is expected": Broken(
        "status", none, "live was expected", "leads to a stand-in", given={"expect_live": True}
    ),
    "a contract that breaks": Broken(
        "contract",
        edited(
            "GET /api/v1/openapi.json", lambda document: document["paths"].pop("/api/v1/history/{sessionId}") and None
        ),
        "1 break (theirs is 0.1.0, ours 0.1.0): /api/v1/history/{sessionId} is gone",
        "clients of our version will fail there",
    ),
    "no contract": Broken(
        "contract", on("GET /api/v1/openapi.json", answered(200, "text/html", "<p>")), "the target's openapi.json: "
    ),
    "a clock that is an hour behind": Broken(
        "clock",
        lambda _asked, reply: reply.saying(
            date=time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - 3599.5))
        ),
        "their clock is 3600 s behind ours; 5 s are borne",
        "NTP",
    ),
    "an answer without a token": Broken(
        "refusal",
        on("GET /api/v1/history", answered(200, "application/json", "{}")),
        "200 without a token",
        "the door is open",
    ),
    "a gateway's own 401": Broken(
        "refusal", on("GET /api/v1/history", answered(401, "text/html", "<title>Sign in</title>")), "titled 'Sign in'"
    ),
    "no token for this client": Broken(
        "token",
        on(TOKEN, problem(401, "client-key-invalid", "A valid X-Client-Key header is required here.")),
        "401 client-key-invalid: It is refused. A valid X-Client-Key header is required here.",
        "give the client key",
    ),
    "a token that cannot be read": Broken(
        "token",
        edited(TOKEN, lambda token: token.pop("sessionId") and None),
        'the answer is no SessionToken: sessionId: Field required; it begins \'{"token": "***"',
    ),
    "a token that ends otherwise than its answer says": Broken(
        "token_clock",
        edited(TOKEN, lambda token: _other_claims(token, iat=90, exp=90)),
        "it ends 90 s after the answer's expiresAt",
        "see who has changed it",
        also=("goodbye",),
    ),
    "a token clock that is behind": Broken(
        "token_clock",
        edited(TOKEN, lambda token: _other_claims(token, iat=-90, exp=-90, told=-90)),
        " s behind ours; 5 s are borne",
        "NTP",
        also=("goodbye",),
    ),
    "events out of order": Broken(
        "turn", rewritten(_swapped), "response.text.delta: promised before done, came after it", "the run's trace"
    ),
    "a lost piece of text": Broken(
        "turn", rewritten(_without("response.text.delta")), "promised the response.text.delta before it, joined: "
    ),
    "a doubled piece of text": Broken(
        "turn", rewritten(_doubled), "promised the response.text.delta before it, joined: "
    ),
    "a lost event": Broken(
        "turn", rewritten(_without("response.status")), "promised as many events as events says, 24; came 2"
    ),
    "a turn without its end": Broken(
        "turn", rewritten(_without("proxy.end")), "the last event: promised proxy.end, came done"
    ),
    "a payload of another type": Broken(
        "turn", rewritten(_another_type), "content_index: Input should be a valid integer"
    ),
    "a turn at which Snowflake fails": Broken(
        "turn", none, "the turn ended as upstream_error", asks={"baggage": "mock.scenario=fails_mid_stream"}
    ),
    "a turn that tells no usage": Broken(
        "turn",
        none,
        "proxy.end does not tell the tokens that were used",
        "ask one that somebody did",
        given={"question": "What has nobody recorded?"},
    ),
    "a turn that is refused": Broken(
        "turn", on(CHAT, problem(429, "rate-limited", "Wait.")), "429 rate-limited", "who asks so often"
    ),
    "a page in the stream's place": Broken(
        "turn", on(CHAT, answered(200, "text/html", "<title>Maintenance</title>")), "titled 'Maintenance'"
    ),
    "a stream that is held back": Broken(
        "streaming",
        on(CHAT, _slow),
        "ms after the proxy sent it, of ",
        "switch off buffering",
        asks={"baggage": "mock.pace=0.5"},
    ),
    "a stream that may be compressed": Broken(
        "streaming", on(CHAT, lambda reply: reply.saying(cache_control="no-cache")), "without no-transform"
    ),
    "a turn that is not kept": Broken(
        "history",
        edited("GET /api/v1/history", lambda page: page.update(turns=[]) if "turns" in page else None),
        "the turn is not among the 0 kept ones",
        "one Redis",
    ),
    "another turn that is kept": Broken(
        "history",
        edited("GET /api/v1/history", lambda page: [each.update(answer="") for each in page.get("turns", ())] and None),
        "kept as complete=True, 0 characters",
    ),
    "no security header": Broken(
        "headers",
        on("GET /api/v1/livez", lambda reply: reply.saying(x_content_type_options=None)),
        "GET /api/v1/livez: X-Content-Type-Options is None, not nosniff",
        "see what the gateway drops",
        beside=("livez",),
    ),
    "a server that tells its version": Broken(
        "headers",
        lambda _asked, reply: reply.saying(server="nginx/1.25.3"),
        "Server tells a version: nginx/1.25.3",
        beside=("livez",),
    ),
    "a cache that may keep": Broken(
        "headers",
        lambda _asked, reply: reply.saying(cache_control="max-age=60"),
        "Cache-Control is 'max-age=60', so caches may keep it",
        beside=("livez",),
    ),
    "another request id": Broken(
        "ids",
        lambda _asked, reply: reply.saying(x_request_id="gateway-1"),
        "X-Request-Id came back as 'gateway-1', not as it was sent",
        "the gateway drops or replaces",
        beside=("livez",),
    ),
    "no trace": Broken(
        "ids", lambda _asked, reply: reply.saying(x_trace_id=None), "X-Trace-Id is None", beside=("livez",)
    ),
    "no quotas": Broken(
        "rate_limits", on(TOKEN, lambda reply: reply.saying(ratelimit_policy=None)), "no RateLimit-Policy", "drops"
    ),
    "quotas that nobody counts": Broken(
        "rate_limits",
        on(TOKEN, lambda reply: reply.saying(ratelimit='"token";r=120;t=60, "token-burst";r=30;t=1')),
        "token: 120 left of 120; this request should be counted",
    ),
    "quotas of another deployment": Broken(
        "rate_limits",
        edited("GET /api/v1/status", lambda status: status["endpoints"]["token"].update(requests=7)),
        "status says 7 in 60 s",
        "two versions or settings",
        beside=("status",),
    ),
    "a tool whose object does not exist": Broken(
        "tool_search",
        on("POST /api/v1/tools/search", problem(502, "upstream-not-found", "There is no such service.")),
        "502 upstream-not-found: It is refused. There is no such service.",
        "or leave it out by --without search",
    ),
    "an analyst that answers otherwise": Broken(
        "tool_analyst",
        edited("POST /api/v1/tools/analyst", lambda answer: answer.pop("text") and None),
        "the answer is no AnalystAnswer: text: Field required",
    ),
    "a wrong sum": Broken(
        "tool_sql",
        edited("POST /api/v1/tools/sql", lambda answer: answer.update(rows=[["2"]])),
        "SELECT 1 gave [['2']]",
    ),
    "a chart that is refused": Broken(
        "tool_chart", on("POST /api/v1/tools/chart", problem(502, "chart-invalid", "No chart.")), "502 chart-invalid"
    ),
    "a session that does not end": Broken(
        "goodbye",
        on("GET /api/v1/history", answered(200, "application/json", "{}")),
        "the token still works after its session's end",
        "see the Redis",
    ),
    "a turn that cannot be deleted": Broken(
        "goodbye",
        on("DELETE /api/v1/history", answered(405, "text/html", "<title>Not allowed</title>")),
        "'Not allowed'",
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
def test_a_fault_is_told(front: tuple[str, Gateway], broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one check that concerns it fails, says what was found, what was asked and what to do; all others pass."""
    monkeypatch.setattr(checks, "HISTORY_SETTLE_S", 0.3)
    url, deployment = front
    deployment.fault = broken.fault
    deployment.asks |= broken.asks
    report = run(options(url, **broken.given), waves=only(broken.check, *broken.beside))
    failed = results(report, "failed")
    assert set(failed) == {broken.check, *broken.also}, {name: each.found for name, each in failed.items()}
    told = failed[broken.check]
    assert "eyJ" not in report.model_dump_json()  # as every token begins
    assert broken.says in told.found
    assert told.do
    assert broken.do in told.do


# --- the line


def told_of_line(url: str, **more: Any) -> CheckResult:
    """The one check of the line that fails."""
    report = run(options(url, **more), waves=only("certificate", "tls", "hsts"))
    (failed,) = results(report, "failed").values()
    return failed


@dataclass(frozen=True)
class BadTls:
    """A gateway whose certificate has a fault.

    name, days: whom the certificate is for, from and until when.   trusts: whether we trust its authority.
    """

    check: str
    says: str
    do: str
    name: str = "127.0.0.1"
    days: tuple[float, float] = (-1, 90)
    trusts: bool = True


BAD_TLS = {
    "expired": BadTls("connection", "the certificate has expired", "renew it", days=(-30, -1)),
    "not yet valid": BadTls("connection", "the certificate is not valid yet", "clock", days=(1, 90)),
    "of another address": BadTls("connection", "is not for this address", "ask by the name", name="192.0.2.1"),
    "of an unknown authority": BadTls("connection", "its authority is unknown here", "--ca-file", trusts=False),
    "about to end": BadTls("certificate", "5 days left", "renew it", days=(-85, 5.4)),
}


@pytest.mark.parametrize("bad", BAD_TLS.values(), ids=list(BAD_TLS))
def test_a_bad_certificate_is_told(stack: Stack, authority: Authority, bad: BadTls) -> None:
    """Its fault is told in words, and nothing is asked of a gateway that cannot be trusted."""
    with gateway(stack.proxy_url, authority.server(bad.name, bad.days)) as (url, deployment):
        told = told_of_line(url, ca_file=authority.ca_file if bad.trusts else None)
    assert told.name == bad.check
    assert bad.says in told.found
    assert bad.do in str(told.do)
    assert bool(deployment.seen) is (bad.check == "certificate")


def test_a_host_without_tls_is_told(front: tuple[str, Gateway]) -> None:
    """Plain HTTP where TLS was asked for is called that."""
    told = told_of_line(front[0].replace("http:", "https:"))
    assert "no TLS handshake: " in told.found
    assert "starts with http://" in str(told.do)


def test_a_gateway_without_hsts_is_told(stack: Stack, authority: Authority) -> None:
    """A proxy that is not told of TLS sends no Strict-Transport-Security; what to do names the setting."""
    with gateway(stack.proxy_url, authority.server("127.0.0.1")) as (url, deployment):
        deployment.asks.clear()
        told = told_of_line(url, ca_file=authority.ca_file)
        assert (told.name, told.found) == ("hsts", "no Strict-Transport-Security")
        assert "CORTEX_PROXY_TRUSTED_PROXIES" in str(told.do)
        deployment.fault = lambda _asked, reply: reply.saying(strict_transport_security="max-age=300")
        assert told_of_line(url, ca_file=authority.ca_file).found == "Strict-Transport-Security: max-age=300"


def test_old_tls_is_told() -> None:
    """A line that speaks what is older than TLS 1.2 fails."""
    visit = Visit(options("https://cortex.example.com"), line=Line(1.0, tls="TLSv1.1", cipher="AES128-SHA"))
    with pytest.raises(Trouble, match=re.escape("TLSv1.1 (AES128-SHA)")):
        checks.tls(Ask(visit, 0.0))


def test_an_unknown_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve is called that."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("NO_PROXY", "*")
    assert told_of_line("https://staging.example.com").found == "staging.example.com:443: the name is unknown here"


def test_nobody_who_listens_is_told() -> None:
    """One check fails, and all others say that they need it."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        report = run(options(f"http://127.0.0.1:{sock.getsockname()[1]}"))
    (failed,) = results(report, "failed").values()
    assert failed.found.endswith(": nobody listens there")
    left_out = results(report, "not_applicable")
    assert {each.found for each in left_out.values()} == {"needs connection, which did not pass"}
    assert len(left_out) == len(CHECKS) - 1


def test_a_target_that_says_nothing_ends_in_time() -> None:
    """A socket that accepts and stays silent uses up the run's time and no more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began_s = time.monotonic()
        report = run(options(f"http://127.0.0.1:{silent.getsockname()[1]}", deadline_s=GOODBYE_S + 0.3))
        took_s = time.monotonic() - began_s
    failed = results(report, "failed")
    assert {"livez", "readyz", "status", "token"} <= failed.keys()
    assert failed["livez"].found == "no answer in time"
    assert took_s < GOODBYE_S


def test_a_target_that_drips_ends_in_time() -> None:
    """An answer of which a byte comes now and then is given up as well: no read takes long, but the whole does."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            line, probe = (server.accept()[0] for _ in range(2))
            with line, probe, contextlib.suppress(OSError):
                while not stop.wait(0.05):
                    probe.sendall(b"H")

        thread = threading.Thread(target=drip)
        thread.start()
        target = f"http://127.0.0.1:{server.getsockname()[1]}"
        report = run(options(target, deadline_s=GOODBYE_S + 0.3), waves=only("livez"))
        stop.set()
        thread.join()
    assert results(report, "failed")["livez"].found == "no answer in time"


def test_a_turn_that_does_not_end_is_told(front: tuple[str, Gateway]) -> None:
    """A slow agent is given up in time, told by its last event, and the session is ended all the same."""
    url, deployment = front
    deployment.asks["baggage"] = "mock.pace=20"
    report = run(options(url, deadline_s=GOODBYE_S + 1.5), waves=only("turn"))
    told = results(report, "failed")["turn"]
    assert re.fullmatch(r"no end within \d+ s; \d+ events came, the last was [a-z.]+", told.found)
    assert "by --question" in str(told.do)
    assert "goodbye" in results(report, "passed")


def test_every_check_is_known_to_fail() -> None:
    """No check is without a deployment in these tests that it fails for."""
    of_line = {"connection", "certificate", "tls", "hsts"}
    assert {each.name for each in CHECKS} - {each.check for each in BROKEN.values()} == of_line


# --- manners


def test_nothing_is_left_behind(stack: Stack, front: tuple[str, Gateway]) -> None:
    """Whatever is asked shows one trace and who asks; the token is of no use afterwards."""
    url, deployment = front
    report = run(options(url))
    assert {each["traceparent"].split("-")[1] for each in deployment.seen} == {report.trace_id}
    assert {each["User-Agent"] for each in deployment.seen} == {"cortex-harness-smoke/0.1.0"}
    (shown,) = {each["Authorization"] for each in deployment.seen if "Authorization" in each}
    asked = next(each for each in report.checks if each.name == "history").asked[0].removeprefix("GET ")
    again = requests.get(f"{stack.proxy_url}{asked}", headers={"Authorization": shown}, timeout=5)
    assert again.status_code == 401


def test_a_run_is_one_users_load(front: tuple[str, Gateway]) -> None:
    """A run asks less than twenty-five times, the agent once and each tool once."""
    asked = [what for each in run(options(front[0])).checks for what in each.asked]
    assert len(asked) < 25
    assert [what for what in asked if "POST" in what] == [
        "POST /api/v1/session/token",
        "POST /api/v1/chat",
        *(f"POST /api/v1/tools/{name}" for name in ToolName),
    ]


def test_secrets_are_masked(front: tuple[str, Gateway]) -> None:
    """Neither client key nor token is told when the target repeats them, nor what a terminal would act on."""
    url, deployment = front

    def echo(asked: str, reply: Reply) -> Reply:
        given = deployment.seen[-1]
        said = f"{given.get('X-Client-Key')} {given.get('Authorization')} \x1b[2J\x07"
        return reply if asked == TOKEN else problem(403, "upstream-forbidden", said)(reply)

    deployment.fault = echo
    deployment.asks["X-Client-Key"] = CLIENT_KEY
    text = run(options(url, client_key=CLIENT_KEY)).model_dump_json()
    assert "***" in text
    assert not re.search(r"\\u001b|\\u0007|eyJ|" + CLIENT_KEY, text)


def test_what_the_smoke_knows_of_the_proxy_is_so() -> None:
    """It does not import what signs tokens only for a name and a number."""
    assert (CLIENT_KEY_HEADER, checks.CLOCK_TOLERANCE_S) == (tokens.CLIENT_KEY_HEADER, tokens.LEEWAY_S)


def test_redirects_are_not_followed(front: tuple[str, Gateway]) -> None:
    """Where a redirect leads, nothing is asked, so nothing is shown to whoever is there."""
    url, deployment = front
    with gateway("http://127.0.0.1:9") as (elsewhere, login):
        deployment.fault = on("POST", answered(307, "text/html", "", location=f"{elsewhere}/login"))
        report = run(options(url, client_key=CLIENT_KEY), waves=only("token"))
    assert results(report, "failed")["token"].found == f"307, a redirect to {elsewhere}/login"
    assert login.seen == []


def test_what_netrc_holds_is_not_sent(
    front: tuple[str, Gateway], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password for the host in ~/.netrc does not take the token's place."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password made-up\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(Options, "is_local", False)  # of this machine's own, netrc is left aside anyhow
    url, deployment = front
    assert run(options(url), waves=only("livez", "history")).ok
    assert not [each for each in deployment.seen if each.get("Authorization", "").startswith("Basic")]


def test_a_tool_may_be_missing(front: tuple[str, Gateway]) -> None:
    """One that the target does not know, or that is left out, does not apply and says why."""
    url, deployment = front
    deployment.fault = on("POST /api/v1/tools/chart", problem(404, "tool-unknown", "'chart' is none."))
    report = run(options(url, without=frozenset({ToolName.SEARCH})), waves=only("tool_chart", "tool_search"))
    told = results(report, "not_applicable")
    assert report.ok
    assert told["tool_search"].found == "left out by --without"
    assert told["tool_chart"].found.startswith("the target does not offer it (404 tool-unknown")


def test_a_defect_of_a_check_fails_it(front: tuple[str, Gateway]) -> None:
    """A check that breaks is a failure that says so, and the run goes on to its end."""

    def broken(_ask: Ask) -> str:
        raise ZeroDivisionError("by zero")

    report = run(options(front[0]), waves=((Check("broken", "Nothing.", broken),), *only("livez")))
    assert results(report, "failed")["broken"].found == "ZeroDivisionError: by zero"
    assert "livez" in results(report, "passed")


# --- the command


def command(*arguments: str, **environment: str) -> Result:
    """What the command prints and its exit code."""
    return CliRunner(env={CLIENT_KEY_VARIABLE: None, **environment}).invoke(main, arguments)


def test_the_command_tells_people(front: tuple[str, Gateway]) -> None:
    """A line for each check; of a failed one what is wanted, asked and to do; at the end how many, and the trace."""
    url, deployment = front
    deployment.fault = BROKEN["a process that drains"].fault
    done = command("--target", url, "--without", "analyst", "--trace-url", "https://traces.example.com/{trace_id}")
    assert done.exit_code == 1
    lines = done.output.splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("FAILED"))
    assert re.fullmatch(r"FAILED status +\d+ ms  proxy 0\.1\.0, .*; draining", lines[place])
    assert lines[place + 1].startswith("       wanted Nothing is suspended or draining")
    assert lines[place + 2] == "       asked  GET /api/v1/status"
    assert lines[place + 3].startswith("       do     ")
    assert "n/a    tool_analyst: left out by --without" in lines
    assert re.match(r"18 ok, 1 failed, 4 not applicable, in \d+\.\d s\. Proxy 0\.1\.0, in front of", lines[-3])
    assert lines[-2] == "Failed: status"
    assert re.fullmatch("Trace:  https://traces.example.com/[0-9a-f]{32}", lines[-1])
    assert "\x1b" not in done.output


def test_colours_are_for_terminals(front: tuple[str, Gateway]) -> None:
    """With colours a text is the same, between escapes."""
    report = run(options(front[0]), waves=only("livez"))
    livez = results(report, "passed")["livez"]
    for plain, coloured in (
        [result.line(livez, with_colour=with_colour) for with_colour in (False, True)],
        [result.closing(report, with_colour=with_colour) for with_colour in (False, True)],
    ):
        assert "\x1b[32m" in coloured
        assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_the_command_tells_machines(front: tuple[str, Gateway], tmp_path: Path) -> None:
    """JSON alone on stdout; JSON, JUnit XML and metrics in files; and all say the same."""
    url, deployment = front
    deployment.fault = BROKEN["a process that drains"].fault
    written, junit, metrics = (tmp_path / name for name in ("smoke.json", "smoke.xml", "smoke.prom"))
    files = ("--json-file", str(written), "--junit", str(junit), "--report", str(metrics))
    done = command("--json", *files, CORTEX_SMOKE_TARGET=url)
    assert done.exit_code == 1
    report = Report.model_validate_json(done.stdout)
    assert Report.model_validate_json(written.read_bytes()) == report
    assert results(report, "failed").keys() == {"status"}
    assert report.counts == {"passed": 19, "failed": 1, "not_applicable": 3}
    (suite,) = ElementTree.parse(junit).getroot()  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("23", "1", "3")
    assert [case.get("name") for case in suite.iter("testcase")] == [each.name for each in report.checks]
    families = {each.name: each for each in text_string_to_metric_families(metrics.read_text(encoding="utf-8"))}
    counted = {each.labels["outcome"]: each.value for each in families["cortex_suite_tests"].samples if each.value}
    assert counted == {"passed": 19.0, "failed": 1.0, "skipped": 3.0}
    assert families.keys() >= {"cortex_suite_duration_seconds", "cortex_suite_finished_timestamp_seconds"}


NOBODY = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Missing option '--target'"),
        (("--target", "cortex.example.com"), "scheme, host and port"),
        (("--target", "https://cortex.example.com/api"), "scheme, host and port"),
        (("--target", "https://me:word@cortex.example.com"), "no credentials in the address"),
        (("--target", "http://cortex.example.com"), "over https only"),
        (("--target", NOBODY, "--client-key-file", "/no/such"), "/no/such"),
        (("--target", NOBODY, "--without", "weather"), "'weather' is not one of"),
        (("--target", NOBODY, "--deadline-s", "90"), "--deadline-s"),
        (("--target", NOBODY, "--junit", "/no/such/file.xml"), "No such file"),
    ],
    ids=["no target", "no scheme", "path", "password", "plain", "no key file", "no tool", "long", "no folder"],
)
def test_wrong_usage_is_told(arguments: tuple[str, ...], says: str) -> None:
    """Exit code 2 and what is accepted; no secret is repeated."""
    done = command(*arguments, **{CLIENT_KEY_VARIABLE: CLIENT_KEY})
    assert done.exit_code == 2
    assert says in done.output
    assert CLIENT_KEY not in done.output
    assert "word@" not in done.output


def test_production_wants_the_client_key(stack: Stack, tmp_path: Path) -> None:
    """Against a proxy in production all passes with the key of a file, and without it what to do is told."""
    key = tmp_path / "client.key"
    key.write_text(f"{CLIENT_KEY}\n", encoding="utf-8")
    settings = proxy_settings(stack.mock_url, keys.ensure(stack.log_dir))
    del settings["CORTEX_PROXY_PAGE_DIR"]  # for development only
    settings |= {"CORTEX_PROXY_ENVIRONMENT": "production", "CORTEX_PROXY_CLIENT_KEY_FILE": str(key)}
    with Child("proxy", ["proxy", "--port", "0"], settings, tmp_path / "proxy.log") as proxy:
        url = proxy.url()
        with_key = command("--target", url, "--client-key-file", str(key), "--json")
        without = command("--target", url, "--json")
    assert with_key.exit_code == 0, with_key.output
    failed = results(Report.model_validate_json(without.stdout), "failed")
    assert failed.keys() == {"token"}
    assert "CORTEX_SMOKE_CLIENT_KEY" in str(failed["token"].do)
    assert CLIENT_KEY not in with_key.output + without.output


# --- the page about it

PAGE = (ROOT / "docs" / "smoke.md").read_text(encoding="utf-8")


def test_the_page_lists_the_checks() -> None:
    """docs/smoke.md has every check, by group, with its promise, and no other."""
    listed = re.findall(r"^\| (\d) \| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert listed == [(str(place), each.name, each.about) for place, wave in enumerate(WAVES, start=1) for each in wave]


def test_the_page_shows_a_report() -> None:
    """The example is one, made of what a check says; the schema beside it is the model's, and `--schema` prints it."""
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (check,) = Report.model_validate_json(example).checks
    assert check.about in {each.about for each in CHECKS}
    committed = (ROOT / "docs" / "smoke.schema.json").read_text(encoding="utf-8")
    assert command("--schema").output == committed, "run 'python -m e2e.smoke --schema > docs/smoke.schema.json'"


def test_the_page_names_what_there_is() -> None:
    """Options and variables that the page names are the command's."""
    options_there = {name for each in main.params for name in each.opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) <= options_there
    assert set(re.findall(r"CORTEX_SMOKE_[A-Z_]+", PAGE)) == {CLIENT_KEY_VARIABLE, "CORTEX_SMOKE_TARGET"}
