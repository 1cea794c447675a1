"""A stand-in for Grafana on loopback, for what an import uses of its HTTP API: stateful, and strict about bodies.

It answers as Grafana's documentation and source say: folders, dashboards with versions and their conflicts, search,
data sources, alert rules with provenance, permissions of a token. It is no proof of a real Grafana; test_real.py is,
where one is at hand. What a body must be is checked by `_*_faults`; state is kept in plain dictionaries.
Source: grafana/grafana, pkg/services/dashboards/errors.go, pkg/services/ngalert/api/tooling/definitions.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Document = dict[str, Any]

ADMIN_TOKEN, EDITOR_TOKEN, VIEWER_TOKEN = "glsa_admin", "glsa_editor", "glsa_viewer"

VIEWER = frozenset(["dashboards:read", "folders:read", "alert.rules:read", "datasources:query"])
EDITOR = VIEWER | {
    *("folders:create", "folders:write", "folders:delete"),
    *("dashboards:create", "dashboards:write", "dashboards:delete", "datasources:read"),
    *("alert.rules:create", "alert.rules:write", "alert.rules:delete", "alert.provisioning.provenance:write"),
}
ADMIN = EDITOR | {"alert.provisioning:read", "alert.provisioning:write", "datasources:write"}

READ_RULES = ("alert.provisioning:read", "alert.rules:read")
WRITE_RULES = ("alert.provisioning:write", "alert.rules:write")

UID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
DURATION = re.compile(r"(\d+(ms|[smhdwy]))+")
SCHEDULER_S = 10
NO_DATA_STATES = ("NoData", "Alerting", "OK", "KeepLast")
ERROR_STATES = ("Alerting", "Error", "OK", "KeepLast")
SAVING = {"dashboard", "folderId", "folderUid", "message", "overwrite", "isFolder", "updatedAt"}
GROUP = {"title", "folderUid", "interval", "rules"}
RULE = {
    *("id", "uid", "orgID", "folderUID", "ruleGroup", "title", "condition", "data", "updated", "noDataState"),
    *("execErrState", "for", "keep_firing_for", "annotations", "labels", "provenance", "isPaused"),
    *("notification_settings", "record", "missingSeriesEvalsToResolve"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. A body that is text goes as HTML."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def said(status: int, message: str, **more: str) -> Answer:
    """A refusal, or a plain confirmation."""
    return Answer(status, {"message": message, **more})


Interference = Callable[[Asked], Answer | None]
"""What a test puts in the way: an answer instead of the real one, or None."""


@dataclass
class State:
    """Everything the stand-in knows. Tests read it, and change it as somebody at the screen would."""

    version: str = "12.4.1"
    permissions: dict[str, frozenset[str]] = field(
        default_factory=lambda: {ADMIN_TOKEN: ADMIN, EDITOR_TOKEN: EDITOR, VIEWER_TOKEN: VIEWER}
    )
    tells_permissions: bool = True
    sources: list[Document] = field(default_factory=list)
    folders: dict[str, Document] = field(default_factory=dict)
    dashboards: dict[str, list[Document]] = field(default_factory=dict)
    """By uid, every version: {dashboard, folderUid, message, createdBy, created}."""
    provisioned: dict[str, str] = field(default_factory=dict)
    """File of each dashboard that Grafana reads from one."""
    rules: dict[str, Document] = field(default_factory=dict)
    intervals: dict[tuple[str, str], int] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    interfere: Interference | None = None

    def add_source(self, kind: str, name: str, uid: str) -> None:
        """A data source more."""
        self.sources.append({"id": len(self.sources) + 1, "uid": uid, "name": name, "type": kind, "url": ""})

    def save(self, document: Document, folder: str, message: str = "", by: str = "ada") -> None:
        """A new version of a dashboard, as somebody at the screen saves it."""
        versions = self.dashboards.setdefault(document["uid"], [])
        number = len(versions) + 1
        kept = {**document, "id": 1 + list(self.dashboards).index(document["uid"]), "version": number}
        created = f"2026-01-01T00:00:{number % 60:02d}Z"
        versions.append(
            {"dashboard": kept, "folderUid": folder, "message": message, "createdBy": by, "created": created}
        )

    def writes(self) -> list[str]:
        """Method and path of every request that changes something."""
        return [f"{each.method} {each.path}" for each in self.asked if each.method != "GET"]

    def inventory(self) -> dict[str, Any]:
        """What is there, without what Grafana itself numbers: equal inventories are equal Grafanas."""
        return {
            "folders": {uid: folder["title"] for uid, folder in sorted(self.folders.items())},
            "dashboards": {
                uid: (versions[-1]["folderUid"], _content(versions[-1]["dashboard"]))
                for uid, versions in sorted(self.dashboards.items())
            },
            "rules": {uid: {**rule, "id": 0, "updated": ""} for uid, rule in sorted(self.rules.items())},
            "intervals": {key: every for key, every in sorted(self.intervals.items()) if self.group(*key)},
        }

    def group(self, folder: str, name: str) -> list[Document]:
        """The rules of a group."""
        return [rule for rule in self.rules.values() if (rule["folderUID"], rule["ruleGroup"]) == (folder, name)]


def _content(document: Document) -> Document:
    return {key: value for key, value in document.items() if key not in ("id", "version")}


@dataclass(frozen=True, slots=True)
class Route:
    """A path, who may use it, and what answers."""

    method: str
    path: re.Pattern[str]
    answer: Callable[..., Answer]
    needs: tuple[str, ...] = ()
    """Any of these permissions."""


# --- what answers ---------------------------------------------------------------------------------------------------


def health(state: State, _asked: Asked) -> Answer:
    """For everybody."""
    return Answer(200, {"database": "ok", "version": state.version, "commit": "0000000"})


def settings(state: State, _asked: Asked) -> Answer:
    """What a page needs to know first; of it, the build."""
    return Answer(200, {"buildInfo": {"version": state.version, "commit": "0000000", "edition": "Open Source"}})


def permissions(state: State, asked: Asked) -> Answer:
    """Of the one who asks: actions, each with its scopes."""
    if not state.tells_permissions:
        return said(404, "Not found")
    return Answer(200, {action: ["*"] for action in state.permissions[_token(asked)]})


def sources(state: State, _asked: Asked) -> Answer:
    """All data sources."""
    return Answer(200, state.sources)


def folder(state: State, _asked: Asked, uid: str) -> Answer:
    """One folder."""
    return Answer(200, state.folders[uid]) if uid in state.folders else said(404, "folder not found")


def create_folder(state: State, asked: Asked) -> Answer:
    """A new folder."""
    uid, title = asked.body.get("uid"), asked.body.get("title")
    if not title or set(asked.body) - {"uid", "title", "parentUid"}:
        return said(400, "folder title cannot be empty")
    if uid in state.folders:
        return said(409, "a folder with that UID already exists")
    state.folders[uid] = {"id": len(state.folders) + 1, "uid": uid, "title": title, "version": 1}
    return Answer(200, state.folders[uid])


def delete_folder(state: State, asked: Asked, uid: str) -> Answer:
    """A folder and what is in it; with alert rules in it only when told so."""
    if uid not in state.folders:
        return said(404, "folder not found")
    held = [rule for rule in state.rules.values() if rule["folderUID"] == uid]
    if held and asked.query.get("forceDeleteRules") != ["true"]:
        return said(400, "folder cannot be deleted: folder contains alert rules")
    for name in [name for name, versions in state.dashboards.items() if versions[-1]["folderUid"] == uid]:
        del state.dashboards[name]
    title = state.folders.pop(uid)["title"]
    return Answer(200, {"id": 1, "title": title, "message": f"Folder {title} deleted"})


def search(state: State, asked: Asked) -> Answer:
    """Dashboards by tags, folder and type."""
    tags, folders = asked.query.get("tag", []), asked.query.get("folderUIDs", [])
    limit = int(asked.query.get("limit", ["1000"])[0])
    latest = {uid: versions[-1] for uid, versions in state.dashboards.items()}
    found = [
        {"uid": uid, "title": each["dashboard"]["title"], "type": "dash-db", "folderUid": each["folderUid"]}
        for uid, each in latest.items()
        if set(tags) <= set(each["dashboard"].get("tags", [])) and (not folders or each["folderUid"] in folders)
    ]
    return Answer(200, found[:limit])


def dashboard(state: State, _asked: Asked, uid: str) -> Answer:
    """A dashboard's latest version."""
    if uid not in state.dashboards:
        return said(404, "Dashboard not found")
    latest = state.dashboards[uid][-1]
    meta = {
        "folderUid": latest["folderUid"],
        "updatedBy": latest["createdBy"],
        "updated": latest["created"],
        "version": latest["dashboard"]["version"],
        "provisioned": uid in state.provisioned,
        "provisionedExternalId": state.provisioned.get(uid, ""),
    }
    return Answer(200, {"meta": meta, "dashboard": latest["dashboard"]})


def versions(state: State, asked: Asked, uid: str) -> Answer:
    """A dashboard's versions, the latest first; a bare list until Grafana 11."""
    if uid not in state.dashboards:
        return said(404, "Dashboard not found")
    limit = int(asked.query.get("limit", ["1000"])[0])
    found = [
        {"version": each["dashboard"]["version"], **{key: each[key] for key in ("message", "createdBy", "created")}}
        for each in reversed(state.dashboards[uid])
    ][:limit]
    return Answer(200, found if int(state.version.split(".")[0]) < 11 else {"continueToken": "", "versions": found})


def save_dashboard(state: State, asked: Asked) -> Answer:
    """A dashboard, new or as its next version."""
    if faults := list(_dashboard_faults(state, asked.body)):
        return said(400, "; ".join(faults))
    document, uid = asked.body["dashboard"], asked.body["dashboard"]["uid"]
    if uid in state.provisioned:
        return said(400, "Cannot save provisioned dashboard")
    there = state.dashboards.get(uid)
    if there and not asked.body.get("overwrite") and there[-1]["dashboard"]["version"] != document.get("version"):
        changed = "The dashboard has been changed by someone else"
        return Answer(412, {"message": changed, "status": "version-mismatch"})
    state.save(document, asked.body.get("folderUid", ""), asked.body.get("message", ""), by=f"sa-{_token(asked)}")
    latest = state.dashboards[uid][-1]["dashboard"]
    return Answer(200, {"id": latest["id"], "uid": uid, "status": "success", "version": latest["version"], "slug": uid})


def _dashboard_faults(state: State, body: Any) -> Iterator[str]:
    if unknown := set(body) - SAVING:
        yield f"unknown fields {sorted(unknown)}"
    document = body.get("dashboard")
    if not isinstance(document, dict) or not document.get("title"):
        yield "Dashboard title cannot be empty"
    elif not UID.fullmatch(str(document.get("uid", ""))):
        yield "uid contains illegal characters"
    elif document.get("id") is not None:
        yield "an id of another Grafana means nothing here"
    elif len({panel["id"] for panel in document.get("panels", [])}) != len(document.get("panels", [])):
        yield "panels share an id"
    if body.get("folderUid") and body["folderUid"] not in state.folders:
        yield "folder not found"
    if len(body.get("message", "")) > 500:
        yield "message too long, max 500 characters"


def delete_dashboard(state: State, _asked: Asked, uid: str) -> Answer:
    """A dashboard and its versions."""
    if uid in state.provisioned:
        return said(400, "provisioned dashboard cannot be deleted")
    if state.dashboards.pop(uid, None) is None:
        return said(404, "Dashboard not found")
    return Answer(200, {"title": uid, "message": f"Dashboard {uid} deleted", "id": 1})


def rules(state: State, _asked: Asked) -> Answer:
    """All alert rules."""
    return Answer(200, list(state.rules.values()))


def delete_rule(state: State, _asked: Asked, uid: str) -> Answer:
    """One rule. One that is not there is deleted already."""
    if uid in state.rules and state.rules[uid]["provenance"] == "file":
        return said(403, "cannot delete with provided provenance 'api', needs 'file'")
    state.rules.pop(uid, None)
    return Answer(204)


def rule_group(state: State, _asked: Asked, folder_uid: str, name: str) -> Answer:
    """A group with its rules."""
    found = state.group(folder_uid, name)
    if not found:
        return said(404, "rule group not found")
    every = state.intervals[folder_uid, name]
    return Answer(200, {"title": name, "folderUid": folder_uid, "interval": every, "rules": found})


def save_rule_group(state: State, asked: Asked, folder_uid: str, name: str) -> Answer:
    """A group as a whole: new rules are made, others changed, and those that are not listed are gone."""
    if faults := list(_group_faults(state, asked.body, folder_uid)):
        return said(400, "; ".join(faults))
    provenance = "" if "x-disable-provenance" in asked.headers else "api"
    listed = {rule["uid"] for rule in asked.body["rules"]}
    touched = {rule["uid"] for rule in state.group(folder_uid, name)} | (listed & state.rules.keys())
    kept_by = {state.rules[uid]["provenance"] for uid in touched}
    if kept_by - {"", provenance}:
        return said(409, f"cannot change provenance from '{', '.join(sorted(kept_by))}' to '{provenance}'")
    for uid in touched - listed:
        del state.rules[uid]
    for rule in asked.body["rules"]:
        stored = _as_stored(rule, folder_uid, name, int(state.version.split(".")[0]))
        state.rules[rule["uid"]] = stored | {"id": len(state.rules) + 1, "provenance": provenance}
    state.intervals[folder_uid, name] = asked.body["interval"]
    return Answer(200, asked.body)


def _as_stored(rule: Document, folder_uid: str, group: str, major: int) -> Document:
    """What Grafana keeps: with its own defaults, durations in its own writing, and without what it is too old for."""
    data = [{**each, "model": {"intervalMs": 1000, "maxDataPoints": 43200, **each["model"]}} for each in rule["data"]]
    unknown = () if major >= 12 else ("keep_firing_for", "missingSeriesEvalsToResolve")
    known = {key: value for key, value in rule.items() if key not in unknown}
    written = {key: re.sub(r"^(\d+)m$", r"\1m0s", rule[key]) for key in ("for",) if key in rule}
    settled = {"data": data, "folderUID": folder_uid, "ruleGroup": group, "updated": "2026-01-01T00:00:00Z"}
    return known | written | settled | {"notification_settings": None, "record": None}


def _group_faults(state: State, body: Any, folder_uid: str) -> Iterator[str]:
    if unknown := set(body) - GROUP:
        yield f"unknown fields {sorted(unknown)}"
    if folder_uid not in state.folders:
        yield "folder does not exist"
    every = body.get("interval", 0)
    if not isinstance(every, int) or every <= 0 or every % SCHEDULER_S:
        yield f"interval ({every}) should be non-zero and divided exactly by scheduler interval: {SCHEDULER_S}"
    titles = [rule.get("title") for rule in body["rules"]]
    listed = {rule.get("uid") for rule in body["rules"]}
    others = [each for each in state.rules.values() if each["folderUID"] == folder_uid and each["uid"] not in listed]
    if len(set(titles)) != len(titles) or set(titles) & {each["title"] for each in others}:
        yield "a conflicting alert rule is found: rule title under the same organisation and folder should be unique"
    for rule in body["rules"]:
        yield from _rule_faults(state, rule)


def _rule_faults(state: State, rule: Document) -> Iterator[str]:
    if unknown := set(rule) - RULE:
        yield f"unknown fields {sorted(unknown)}"
    if not UID.fullmatch(str(rule.get("uid", ""))):
        yield "uid contains illegal characters"
    if not 0 < len(rule.get("title", "")) <= 190:
        yield "title is empty or longer than 190 characters"
    asked = [query.get("refId") for query in rule.get("data", [])]
    if rule.get("condition") not in asked or len(set(asked)) != len(asked):
        yield f"condition {rule.get('condition')} does not exist, must be one of {asked}"
    there = {"__expr__", "-100"} | {each["uid"] for each in state.sources}
    if missing := {query.get("datasourceUid") for query in rule.get("data", [])} - there:
        yield f"data source not found: {sorted(map(str, missing))}"
    if rule.get("noDataState") not in NO_DATA_STATES or rule.get("execErrState") not in ERROR_STATES:
        yield "unknown no data state or execution error state"
    if any(not DURATION.fullmatch(str(rule.get(key, "0s"))) for key in ("for", "keep_firing_for")):
        yield "not a valid duration string"
    yield from _text_faults(rule.get("labels", {}), rule.get("annotations", {}))


def _text_faults(labels: Document, annotations: Document) -> Iterator[str]:
    if not all(isinstance(value, str) for value in [*labels.values(), *annotations.values()]):
        yield "labels and annotations are text"
    if ("__panelId__" in annotations) != ("__dashboardUid__" in annotations):
        yield "a panel goes with a dashboard"


ROUTES = [
    Route("GET", re.compile(r"/api/health"), health),
    Route("GET", re.compile(r"/api/frontend/settings"), settings),
    Route("GET", re.compile(r"/api/access-control/user/permissions"), permissions),
    Route("GET", re.compile(r"/api/datasources"), sources, ("datasources:read",)),
    Route("POST", re.compile(r"/api/folders"), create_folder, ("folders:create",)),
    Route("GET", re.compile(r"/api/folders/([^/]+)"), folder, ("folders:read",)),
    Route("DELETE", re.compile(r"/api/folders/([^/]+)"), delete_folder, ("folders:delete",)),
    Route("GET", re.compile(r"/api/search"), search),
    Route("POST", re.compile(r"/api/dashboards/db"), save_dashboard, ("dashboards:create", "dashboards:write")),
    Route("GET", re.compile(r"/api/dashboards/uid/([^/]+)"), dashboard, ("dashboards:read",)),
    Route("GET", re.compile(r"/api/dashboards/uid/([^/]+)/versions"), versions, ("dashboards:write",)),
    Route("DELETE", re.compile(r"/api/dashboards/uid/([^/]+)"), delete_dashboard, ("dashboards:delete",)),
    Route("GET", re.compile(r"/api/v1/provisioning/alert-rules"), rules, READ_RULES),
    Route("DELETE", re.compile(r"/api/v1/provisioning/alert-rules/([^/]+)"), delete_rule, WRITE_RULES),
    Route("GET", re.compile(r"/api/v1/provisioning/folder/([^/]+)/rule-groups/([^/]+)"), rule_group, READ_RULES),
    Route("PUT", re.compile(r"/api/v1/provisioning/folder/([^/]+)/rule-groups/([^/]+)"), save_rule_group, WRITE_RULES),
]


def _token(asked: Asked) -> str:
    return asked.headers.get("authorization", "").removeprefix("Bearer ")


def answer(state: State, asked: Asked) -> Answer:
    """What Grafana would answer: first whether it knows who asks, then whether they may, then the thing itself."""
    if state.interfere is not None and (instead := state.interfere(asked)) is not None:
        return instead
    if asked.path != "/api/health" and _token(asked) not in state.permissions:
        return said(401, "Invalid API key" if _token(asked) else "Unauthorized")
    for route in ROUTES:
        match = route.path.fullmatch(asked.path)
        if match and route.method == asked.method:
            if route.needs and not state.permissions[_token(asked)] & set(route.needs):
                needed = (
                    f"You'll need additional permissions to perform this action. Permissions needed: {route.needs[0]}"
                )
                return said(403, needed, title="Access denied", accessErrorId="ACE0000000000")
            return route.answer(state, asked, *map(unquote, match.groups()))
    return said(404, "Not found")


@dataclass(frozen=True, slots=True)
class Standin:
    """A running stand-in: its address, and its state."""

    url: str
    state: State


@contextmanager
def running(state: State | None = None, prefix: str = "") -> Iterator[Standin]:
    """A stand-in that listens on a free port of loopback.

    prefix: the path below which it is served, as `/grafana`.
    """
    known, lock = state or State(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            parts = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(
                self.command,
                parts.path.removeprefix(prefix) if parts.path.startswith(f"{prefix}/") else "/elsewhere",
                parse_qs(parts.query),
                json.loads(sent) if sent else None,
                {name.lower(): value for name, value in self.headers.items()},
            )
            with lock:
                known.asked.append(asked)
                reply = answer(known, asked)
            is_page = isinstance(reply.body, str)
            body = b"" if reply.body is None else (reply.body if is_page else json.dumps(reply.body)).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "text/html" if is_page else "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Standin(f"http://127.0.0.1:{server.server_port}{prefix}", known)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
