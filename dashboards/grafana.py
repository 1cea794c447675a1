"""A Grafana as the import sees it: its HTTP API through grafana-client, every refusal turned into words.

grafana-client is imported when a Grafana is first talked to: it lives in an environment of its own, and everything
that plans an import does without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from dashboards.plan import FOLDER_UID, TAG, Document, FoundDashboard, Source

OLDEST = 10
"""Major version. What is written, and how, was looked up for Grafana 10 to 13."""

MOST_FOUND = 1000
"""Dashboards of ours that a search is asked for."""

SEEN_CHARS = 200

PERMISSIONS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "read data sources": (("datasources:read",),),
    "read folders": (("folders:read",),),
    "create the folder": (("folders:create",),),
    "read dashboards": (("dashboards:read",),),
    "create dashboards": (("dashboards:create",),),
    "change dashboards": (("dashboards:write",),),
    "delete dashboards": (("dashboards:delete",),),
    "read alert rules": (
        ("alert.provisioning:read",),
        ("alert.rules.provisioning:read",),
        ("alert.rules:read",),
    ),
    "write alert rules": (
        ("alert.provisioning:write",),
        ("alert.rules.provisioning:write",),
        ("alert.rules:create", "alert.rules:write", "alert.rules:delete", "alert.provisioning.provenance:write"),
    ),
}
"""What an import does, and which permissions allow it: all of one line."""

FOR_DASHBOARDS = tuple(each for each in PERMISSIONS if "alert" not in each)
FOR_RULES = tuple(each for each in PERMISSIONS if "alert" in each)


class GrafanaError(Exception):
    """What Grafana did not do, what it said, and what helps.

    status: of its answer; 0 when there was none.
    """

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class Grafana:
    """One Grafana, asked with one token; every call ends in time.

    Raises: GrafanaError, from each method.
    """

    def __init__(self, url: str, token: str, timeout_s: float) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._api = _client(url, token, timeout_s)

    # --- what there is

    def version(self) -> str:
        """Its version; it knows the token.   Raises: GrafanaError when it is older than `OLDEST`, or no Grafana."""
        settings = self._ask("Asking for its version", self._api.client.GET, "/frontend/settings", form=dict)
        version = str((settings.get("buildInfo") or {}).get("version", ""))
        major = re.match(r"(\d+)\.", version)
        if major is None:
            raise GrafanaError(f"{self._url} answers, but not as a Grafana does: it tells no version")
        if int(major[1]) < OLDEST:
            raise GrafanaError(f"{self._url} is Grafana {version}; {OLDEST} or newer is needed. Nothing was written")
        return version

    def missing_permissions(self, wanted: Iterable[str]) -> list[str] | None:
        """What of this the token may not do, each with the permissions that allow it; None when it cannot be told."""
        try:
            held = self._ask(
                "Asking for the token's permissions",
                self._api.client.GET,
                "/access-control/user/permissions",
                form=dict,
            )
        except GrafanaError as error:
            if error.status == 404:
                return None
            raise
        lines = ((does, PERMISSIONS[does]) for does in wanted)
        return [f"{does}: {' or '.join(map(' and '.join, sets))}" for does, sets in lines if not _held(sets, held)]

    def sources(self) -> list[Source]:
        """Its data sources."""
        found = self._ask("Listing data sources", self._api.datasource.list_datasources, form=list)
        return [Source(str(each["uid"]), str(each["name"]), str(each["type"])) for each in found]

    def has_folder(self) -> bool:
        """Whether our folder is there."""
        return self._find("Looking for the folder", self._api.folder.get_folder, FOLDER_UID) is not None

    def our_dashboards(self) -> list[str]:
        """Uids of the dashboards in our folder that carry our tag."""
        found = self._ask(
            "Searching dashboards",
            lambda: self._api.search.search_dashboards(
                tag=TAG, type_="dash-db", folder_uids=FOLDER_UID, limit=MOST_FOUND
            ),
            form=list,
        )
        return [str(each["uid"]) for each in found]

    def dashboard(self, uid: str) -> FoundDashboard | None:
        """A dashboard and who saved it last."""
        found = self._find(f"Reading dashboard {uid}", self._api.dashboard.get_dashboard, uid)
        if found is None:
            return None
        meta = found.get("meta", {})
        path = f"/dashboards/uid/{quote(uid)}/versions"
        answer = self._ask(
            f"Reading the versions of dashboard {uid}", lambda: self._api.client.GET(path, params={"limit": 1})
        )
        versions = answer.get("versions", []) if isinstance(answer, dict) else answer  # a list until Grafana 11
        latest: Document = max(versions, key=lambda each: each.get("version", 0), default={})
        return FoundDashboard(
            document=found["dashboard"],
            folder_uid=meta.get("folderUid") or "",
            message=latest.get("message") or "",
            saved_by=latest.get("createdBy") or meta.get("updatedBy") or "",
            saved_at=latest.get("created") or meta.get("updated") or "",
            provisioned_from=(meta.get("provisionedExternalId") or "") if meta.get("provisioned") else None,
        )

    def rules(self) -> list[Document]:
        """All alert rules that the token sees."""
        return list(self._ask("Listing alert rules", self._api.alertingprovisioning.get_alertrules_all, form=list))

    def interval_s(self, group: str) -> int:
        """How often a group of our folder is evaluated."""
        asked = self._api.alertingprovisioning.get_rule_group
        return int(
            self._ask(f"Reading rule group {group}", asked, FOLDER_UID, quote(group, safe=""), form=dict)["interval"]
        )

    # --- what changes it

    def create_folder(self, folder: Document) -> None:
        """Make a folder."""
        self._ask(f"Creating folder {folder['title']}", self._api.folder.create_folder, folder["title"], folder["uid"])

    def delete_folder_if_empty(self, uid: str) -> None:
        """Remove a folder in which there is nothing.   Raises: GrafanaError also when there is something."""
        what = f"Deleting folder {uid}"
        inside = self._ask(what, lambda: self._api.search.search_dashboards(folder_uids=uid, limit=1), form=list)
        if inside or any(rule["folderUID"] == uid for rule in self.rules()):
            raise GrafanaError(f"{what}: it is not empty")
        self._find(what, self._api.folder.delete_folder, uid)

    def save_dashboard(self, document: Document, message: str, version: int | None) -> None:
        """Create a dashboard, or replace the version that was read.

        version: None takes it as it comes, new or not.   Raises: GrafanaError when somebody else saved meanwhile.
        """
        body = {
            "dashboard": {**document, "id": None} | ({} if version is None else {"version": version}),
            "folderUid": FOLDER_UID,
            "message": message,
            "overwrite": version is None,
        }
        self._ask(f"Saving dashboard {document['uid']}", self._api.dashboard.update_dashboard, body)

    def delete_dashboard(self, uid: str) -> None:
        """Remove a dashboard."""
        self._ask(f"Deleting dashboard {uid}", self._api.dashboard.delete_dashboard, uid)

    def save_group(self, group: Document) -> None:
        """Write a rule group as a whole: rules that it does not list are gone."""
        name = group["title"]
        save = self._api.alertingprovisioning.update_rule_group
        self._ask(f"Saving rule group {name}", save, FOLDER_UID, quote(name, safe=""), group)

    def delete_group(self, name: str) -> None:
        """Remove the rules that a group of our folder has now; without a rule it is gone."""
        for rule in self.rules():
            if (rule["folderUID"], rule["ruleGroup"]) == (FOLDER_UID, name):
                self.delete_rule(rule["uid"])

    def delete_rule(self, uid: str) -> None:
        """Remove an alert rule, if it is there."""
        self._find(f"Deleting alert rule {uid}", self._api.alertingprovisioning.delete_alertrule, uid)

    # --- how it is asked

    def _find(self, what: str, call: Callable[..., Any], *arguments: Any) -> Any:
        """The answer, or None for what is not there."""
        try:
            return self._ask(what, call, *arguments)
        except GrafanaError as error:
            if error.status == 404:
                return None
            raise

    def _ask(self, what: str, call: Callable[..., Any], *arguments: Any, form: type | None = None) -> Any:
        from grafana_client import client as library  # noqa: PLC0415

        http = library.niquests.exceptions
        try:
            answer = call(*arguments)
        except (library.GrafanaTimeoutError, http.Timeout) as error:
            raise GrafanaError(f"{what}: {self._url} did not answer within {self._timeout_s:g} s") from error
        except library.GrafanaException as error:
            raise GrafanaError(f"{what}: {_refusal(error.status_code, error.response)}", error.status_code) from error
        except http.TooManyRedirects as error:
            hint = "Give the address that it leads to; a login page in front must let the token through"
            raise GrafanaError(f"{what}: {self._url} sends elsewhere. {hint}") from error
        except http.JSONDecodeError as error:
            raise GrafanaError(f"{what}: {self._url} answers no JSON; {_WRONG_ADDRESS}") from error
        except (http.RequestException, OSError, ValueError) as error:
            raise GrafanaError(f"{what}: {self._url} cannot be reached ({_cause(error)})") from error
        if (isinstance(answer, str) and answer) or not isinstance(answer, form or object):
            raise GrafanaError(f"{what}: {self._url} answers {_seen(answer) or 'nothing'}; {_WRONG_ADDRESS}")
        return answer


_WRONG_ADDRESS = "is it the address of a Grafana, with its path if it has one, such as https://host/grafana ?"
_UNKNOWN = (
    "Grafana does not take this token: it was revoked, has run out, or is another Grafana's. "
    "Make one under Administration, Users and access, Service accounts"
)


def _client(url: str, token: str, timeout_s: float) -> Any:
    parts = _address(url)
    try:
        from grafana_client import GrafanaApi  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise GrafanaError(
            f"{error.name} is not installed. It needs an environment of its own, because it replaces the proxy's "
            "urllib3: pip install 'cortex-harness[push]' there, or run harness.py from a clone, which makes one"
        ) from error
    path = parts.path.strip("/")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    api = GrafanaApi(
        token,
        host=host,
        port=parts.port,
        url_path_prefix=f"{path}/" if path else "",  # it writes `api` right behind it
        protocol=parts.scheme,
        timeout=timeout_s,
    )
    api.client.s.max_redirects = 0  # on its way elsewhere a POST becomes a GET, and the token may leave
    return api


def _address(url: str) -> SplitResult:
    """The parts of an address.   Raises: GrafanaError for what cannot be one; the address may hold a password."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits or "@" in parts.netloc or parts.query or parts.fragment:
        raise GrafanaError(
            "the address of Grafana must be like https://host or https://host:3000/path, with no password"
        )
    return parts


def _held(sets: tuple[tuple[str, ...], ...], held: Mapping[str, Any]) -> bool:
    return any(all(action in held for action in each) for each in sets)


def _refusal(status: int, response: Any) -> str:
    """What a refusal means and what helps."""
    said = _said(response)
    hints = {
        401: _UNKNOWN,
        403: "The token lacks this permission; give its service account the role Admin, or that permission",
        404: "Grafana does not have it, or not at this address",
        412: "Somebody saved it meanwhile. Look at its versions in Grafana, then push again",
    }
    if "provisioned" in said.lower():
        return f"{status}: {said}. Grafana reads it from a file, and only that file changes it"
    hint = hints.get(status, "Its log says more" if status >= 500 else "")
    return f"{status}: {said}{'. ' + hint if hint else ''}"


def _said(response: Any) -> str:
    text = response.get("message", response) if isinstance(response, dict) else response
    return _seen(text).rstrip(".") or "without a word"


def _seen(answer: Any) -> str:
    text = " ".join(str(answer).split())
    if text.lower().startswith(("<!doctype", "<html")):
        return "a web page"
    return text if len(text) <= SEEN_CHARS else f"{text[:SEEN_CHARS]}..."


def _cause(error: BaseException) -> str:
    """The innermost reason: the outer ones repeat the address."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {_seen(error)}"
