"""What an import into Grafana would do: what should be there against what is there, as data and without a connection.

Ours is a dashboard with our tag, our prefix and in our folder, and a rule with our label in our folder. Everything
else stays as it is: where it is in the way, the plan objects instead of acting.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Document = dict[str, Any]

FOLDER_UID, FOLDER_TITLE = "cortex", "Cortex"
TAG = "cortex-harness"
UID_PREFIX = "cortex-"
OWNER_LABEL = "managed_by"
"""Of an alert rule; its value is the tag."""

FROM_FILES = "file"
FROM_API = "api"
"""Grafana's words for who may change a rule. People may change neither, as they may not change our dashboards."""

EXPRESSIONS = "__expr__"
"""Where Grafana computes by itself: no data source of anybody's."""

NEEDED = "prometheus"
KINDS = (NEEDED, "loki", "tempo")

SHOWN_CHANGES = 12
"""Changed places told of one dashboard or group; the rest are counted."""

MAX_VALUE_CHARS = 60

_MESSAGE = "Imported by cortex-harness, sha256:{digest}"
_OURS = re.compile(r"Imported by cortex-harness, sha256:([0-9a-f]{64})")
_SET_BY_GRAFANA = ("id", "version")
_NAMES = ("uid", "refId", "title", "name")
_IN_BODIES = {"keepFiringFor": "keep_firing_for", "missing_series_evals_to_resolve": "missingSeriesEvalsToResolve"}
"""What the API calls fields that provisioning files call otherwise. Grafana 10 and 11 know neither and drop them."""

_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}


class PlanError(Exception):
    """What was asked for does not fit this Grafana; the message says what does."""


# --- data sources ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """A data source of that Grafana."""

    uid: str
    name: str
    kind: str


def choose(kind: str, asked: str | None, there: Iterable[Source]) -> Source | None:
    """The data source of a kind that was asked for, by uid or name, or else the only one; None where there is none.

    Raises: PlanError with the candidates.
    """
    of_kind = [each for each in there if each.kind == kind]
    fitting = [each for each in of_kind if asked in (None, each.uid)] or [
        each for each in of_kind if asked == each.name
    ]
    if len(fitting) == 1:
        return fitting[0]
    if not of_kind and asked is None and kind != NEEDED:
        return None
    option = "--datasource" if kind == NEEDED else f"--{kind}"
    candidates = ", ".join(f"{each.name} (uid {each.uid})" for each in of_kind) or "none"
    found = f"there is no {kind} data source {asked!r}" if asked else f"there are {len(of_kind)} {kind} data sources"
    raise PlanError(f"{found}; of that type Grafana has: {candidates}. Name one with {option}.")


def with_sources(dashboard: Document, sources: Mapping[str, Source]) -> Document:
    """The dashboard whose data source variables begin with what was chosen."""
    listed = dashboard.get("templating", {}).get("list", [])
    return {**dashboard, "templating": {"list": [_beginning_with(each, sources) for each in listed]}}


def _beginning_with(variable: Document, sources: Mapping[str, Source]) -> Document:
    source = sources.get(str(variable.get("query"))) if variable.get("type") == "datasource" else None
    return variable if source is None else {**variable, "current": {"text": source.name, "value": source.uid}}


# --- alert rules: from the form of provisioning files to that of the API ---------------------------------------------


def as_group(group: Document, source: Source, runbooks: str | None = None) -> Document:
    """A rule group as `PUT /api/v1/provisioning/folder/{uid}/rule-groups/{group}` takes it.

    runbooks: where their pages are, instead of where the build says.
    """
    rules = [_with_runbook(_as_rule(rule, str(group["name"]), source), runbooks) for rule in group["rules"]]
    return {
        "title": group["name"],
        "folderUid": FOLDER_UID,
        "interval": int(seconds(group["interval"])),
        "rules": rules,
    }


def _as_rule(rule: Document, group: str, source: Source) -> Document:
    linked = {"__dashboardUid__": rule.get("dashboardUid"), "__panelId__": rule.get("panelId")}
    annotations = rule.get("annotations", {}) | {
        name: str(value) for name, value in linked.items() if value is not None
    }
    kept = {_IN_BODIES.get(name, name): rule[name] for name in rule if name not in ("dashboardUid", "panelId")}
    return kept | {
        "folderUID": FOLDER_UID,
        "ruleGroup": group,
        "orgID": 1,
        "data": [_asking(query, source) for query in rule["data"]],
        "annotations": annotations,
        "labels": rule.get("labels", {}) | {OWNER_LABEL: TAG},
    }


def _with_runbook(rule: Document, prefix: str | None) -> Document:
    page = str(rule["annotations"].get("runbook_url", "")).rpartition("/")[2]
    if prefix is None or not page:
        return rule
    return rule | {"annotations": rule["annotations"] | {"runbook_url": f"{prefix.rstrip('/')}/{page}"}}


def _asking(query: Document, source: Source) -> Document:
    if query["datasourceUid"] == EXPRESSIONS:
        return query
    model = dict(query["model"])
    if "datasource" in model:
        model["datasource"] = {"type": source.kind, "uid": source.uid}
    return query | {"datasourceUid": source.uid, "model": model}


def seconds(duration: str) -> float:
    """Seconds of a duration in Prometheus' writing, which has many for the same: `5m`, `300s`, `5m0s`."""
    parts = _DURATION.findall(duration)
    if "".join(number + unit for number, unit in parts) != duration:
        raise PlanError(f"{duration!r} is no duration such as 30s or 5m")
    return float(sum(int(number) * _SECONDS[unit] for number, unit in parts))


# --- what should be there and what is ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that is imported.

    groups: None leaves alert rules alone.
    """

    dashboards: Sequence[Document]
    groups: Sequence[Document] | None


@dataclass(frozen=True, slots=True)
class FoundDashboard:
    """A dashboard as Grafana has it.

    message: of its latest version; ours tells what we wrote, any other that somebody saved it since.
    provisioned_from: the file that Grafana reads it from, if any.
    """

    document: Document
    folder_uid: str
    message: str = ""
    saved_by: str = ""
    saved_at: str = ""
    provisioned_from: str | None = None

    @property
    def is_ours(self) -> bool:
        """Whether a push may change or remove it. The prefix is for copies, which keep tags and folder."""
        ours = TAG in self.document.get("tags", []) and str(self.document["uid"]).startswith(UID_PREFIX)
        return ours and self.folder_uid == FOLDER_UID


@dataclass(frozen=True, slots=True)
class Found:
    """What a Grafana has of ours, or in our way.

    rules: of our folder, and those elsewhere with a uid of ours.   intervals_s: of the groups in our folder.
    """

    has_folder: bool
    dashboards: Mapping[str, FoundDashboard] = field(default_factory=dict)
    rules: Sequence[Document] = ()
    intervals_s: Mapping[str, int] = field(default_factory=dict)


class What(StrEnum):
    """What an action is about."""

    FOLDER = "folder"
    DASHBOARD = "dashboard"
    RULES = "alert rules"


@dataclass(frozen=True, slots=True)
class Action:
    """One write: before None creates, after None deletes.

    changes: the places that differ, for people.   message: of the version of a dashboard that was there before.
    """

    what: What
    name: str
    title: str
    before: Document | None
    after: Document | None
    changes: tuple[str, ...] = ()
    message: str = ""

    @property
    def verb(self) -> str:
        """What it does, in one word."""
        if self.before is None:
            return "create"
        return "delete" if self.after is None else "change"

    def __str__(self) -> str:
        return f"{self.verb} {self.what} {self.title} ({self.name})"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push would do. With an objection it does nothing."""

    actions: tuple[Action, ...]
    objections: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The plan for people to read."""
        for action in self.actions:
            yield f"{action.verb:<7} {action.what:<12} {action.title} ({action.name})"
            yield from (f"          {change}" for change in action.changes[:SHOWN_CHANGES])
            if (more := len(action.changes) - SHOWN_CHANGES) > 0:
                yield f"          ... and {more} more"


def make(wanted: Wanted, found: Found, *, overwrite: bool = False) -> Plan:
    """The writes that turn what is found into what is wanted: creations and changes first, deletions last."""
    objections = [
        *_objections_to_dashboards(wanted, found, overwrite=overwrite),
        *_objections_to_rules(wanted, found, overwrite=overwrite),
    ]
    actions = [*_folder(found), *_dashboards(wanted, found), *_groups(wanted, found)]
    ordered = sorted(actions, key=lambda action: action.after is None)  # stable
    return Plan(tuple(ordered), tuple(objections))


def _folder(found: Found) -> list[Action]:
    folder = {"uid": FOLDER_UID, "title": FOLDER_TITLE}
    return [] if found.has_folder else [Action(What.FOLDER, FOLDER_UID, FOLDER_TITLE, None, folder)]


# --- dashboards -----------------------------------------------------------------------------------------------------


def digest(dashboard: Document) -> str:
    """Tells one content from another."""
    content = {key: value for key, value in dashboard.items() if key not in _SET_BY_GRAFANA}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def message(dashboard: Document) -> str:
    """What a version that we write is called. A later push reads from it what was written, and whether it still stands:
    Grafana may store other JSON than it was given."""
    return _MESSAGE.format(digest=digest(dashboard))


def _dashboards(wanted: Wanted, found: Found) -> Iterator[Action]:
    for dashboard in wanted.dashboards:
        there = found.dashboards.get(dashboard["uid"])
        if there is None or there.message != message(dashboard):
            yield _saving(dashboard, there)
    kept = {each["uid"] for each in wanted.dashboards}
    for uid in sorted(found.dashboards.keys() - kept):
        there = found.dashboards[uid]
        if there.is_ours:
            title = str(there.document.get("title"))
            yield Action(What.DASHBOARD, uid, title, there.document, None, message=there.message)


def _saving(dashboard: Document, there: FoundDashboard | None) -> Action:
    if there is None:
        return Action(What.DASHBOARD, dashboard["uid"], dashboard["title"], None, dashboard)
    changes = tuple(differences(_content(there.document), _content(dashboard)))
    return Action(
        What.DASHBOARD, dashboard["uid"], dashboard["title"], there.document, dashboard, changes, there.message
    )


def _content(dashboard: Document) -> Document:
    return {key: value for key, value in dashboard.items() if key not in _SET_BY_GRAFANA}


def _objections_to_dashboards(wanted: Wanted, found: Found, *, overwrite: bool) -> Iterator[str]:
    kept = {each["uid"] for each in wanted.dashboards}
    for uid, there in sorted(found.dashboards.items()):
        if not (there.is_ours or uid in kept):
            continue
        name = f"dashboard {there.document.get('title')} ({uid})"
        if there.provisioned_from is not None:
            yield (
                f"{name}: Grafana reads it from {there.provisioned_from or 'a file'}, and only that file changes it. "
                "Update the file, or take its provider away, and push again."
            )
        elif not there.is_ours:
            yield (
                f"{name}: it has our uid, but not our tag '{TAG}' or not our folder '{FOLDER_TITLE}', so it may be "
                f"somebody's own. Move it to the folder with uid '{FOLDER_UID}', or delete it, and push again."
            )
        elif not (_OURS.fullmatch(there.message) or overwrite):
            yield (
                f"{name}: {there.saved_by or 'somebody'} saved version {there.document.get('version')} of it"
                f"{' at ' + there.saved_at if there.saved_at else ''}, and a push would hide that. Move the "
                "change to the source of the dashboard, or save it as a copy; then push with --overwrite."
            )


# --- alert rules ----------------------------------------------------------------------------------------------------


def _groups(wanted: Wanted, found: Found) -> Iterator[Action]:
    if wanted.groups is None:
        return
    there = _groups_there(found)
    for group in wanted.groups:
        before = there.get(group["title"])
        changes = [] if before is None else list(differences(_as_asked(before, group), _comparable(group)))
        if before is None or changes:
            title = f"{len(group['rules'])} rules, every {group['interval']} s"
            yield Action(What.RULES, group["title"], title, before, group, tuple(changes))
    for name in sorted(there.keys() - {group["title"] for group in wanted.groups}):
        if any(_is_ours(rule) for rule in there[name]["rules"]):
            yield Action(What.RULES, name, f"{len(there[name]['rules'])} rules", there[name], None)


def _groups_there(found: Found) -> dict[str, Document]:
    """The groups in our folder, in the API's form."""
    names = dict.fromkeys(rule["ruleGroup"] for rule in found.rules if rule["folderUID"] == FOLDER_UID)
    return {
        name: {
            "title": name,
            "folderUid": FOLDER_UID,
            "interval": found.intervals_s[name],
            "rules": [each for each in found.rules if (each["folderUID"], each["ruleGroup"]) == (FOLDER_UID, name)],
        }
        for name in names
    }


def _is_ours(rule: Document) -> bool:
    return bool((rule.get("labels") or {}).get(OWNER_LABEL) == TAG and rule["folderUID"] == FOLDER_UID)


def _comparable(group: Document) -> Document:
    return group | {"rules": [_with_seconds(rule) for rule in group["rules"]]}


def _with_seconds(rule: Document) -> Document:
    durations = {name: seconds(rule[name]) for name in ("for", "keep_firing_for") if name in rule}
    return {name: value for name, value in rule.items() if name != "orgID"} | durations


def _as_asked(there: Document, asked: Document) -> Document:
    """What is there without what nobody asked for: Grafana adds defaults of its own to each rule."""
    by_uid = {rule["uid"]: _with_seconds(rule) for rule in asked["rules"]}
    found = [_with_seconds(rule) for rule in there["rules"]]
    rules = [_as_known(rule, by_uid[rule["uid"]]) if rule["uid"] in by_uid else rule for rule in found]
    return there | {"rules": rules}


def _as_known(found: Document, asked: Document) -> Document:
    """A rule as `_projected`, with the fields that this Grafana does not know as they were asked for."""
    unknown = {name: asked[name] for name in _IN_BODIES.values() if name in asked and name not in found}
    return dict(_projected(found, asked)) | unknown


def _projected(found: Any, asked: Any) -> Any:
    if isinstance(found, dict) and isinstance(asked, dict):
        return {key: _projected(found[key], asked[key]) for key in asked if key in found}
    if isinstance(found, list) and isinstance(asked, list) and len(found) == len(asked):
        return [_projected(one, other) for one, other in zip(found, asked, strict=True)]
    return found


def _objections_to_rules(wanted: Wanted, found: Found, *, overwrite: bool) -> Iterator[str]:
    if wanted.groups is None:
        return
    uids = {rule["uid"] for group in wanted.groups for rule in group["rules"]}
    names = {group["title"] for group in wanted.groups}
    touched = names | {rule["ruleGroup"] for rule in found.rules if _is_ours(rule)}
    for rule in found.rules:
        in_touched_group = rule["folderUID"] == FOLDER_UID and rule["ruleGroup"] in touched
        if rule["uid"] in uids or in_touched_group:
            yield from _objections_to_rule(rule, overwrite=overwrite)


def _objections_to_rule(rule: Document, *, overwrite: bool) -> Iterator[str]:
    name = f"alert rule {rule['title']} ({rule['uid']}) in group {rule['ruleGroup']}"
    provenance = rule.get("provenance") or ""
    if not _is_ours(rule):
        yield (
            f"{name}: it is not ours, having no label {OWNER_LABEL}={TAG} or another folder, and a group is written as "
            "a whole. Move it to another group, or delete it, and push again."
        )
    elif provenance == FROM_FILES:
        yield (
            f"{name}: Grafana reads it from a file, and only that file changes it. Update the file, or list the rule "
            "under deleteRules there, and push again."
        )
    elif provenance not in ("", FROM_API):
        yield f"{name}: Grafana says that '{provenance}' manages it. Delete it there, and push again."
    elif not (provenance == FROM_API or overwrite):
        yield f"{name}: it was made editable, so somebody may have changed it. Push with --overwrite to replace it."


# --- differences ----------------------------------------------------------------------------------------------------


def differences(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """The places in which two documents differ, each with both values, cut to a readable length."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _difference_at(before, after, key, f"{where}.{key}" if where else str(key))
    elif isinstance(before, list) and isinstance(after, list) and before != after:
        one, other = _by_name(before, after)
        for key in dict.fromkeys([*one, *other]):
            yield from _difference_at(one, other, key, f"{where}[{key}]")
    elif before != after:
        yield f"{where}: {_shown(before)} -> {_shown(after)}"


def _difference_at(before: Mapping[Any, Any], after: Mapping[Any, Any], key: Any, where: str) -> Iterator[str]:
    if key not in before:
        yield f"{where}: new, {_shown(after[key])}"
    elif key not in after:
        yield f"{where}: gone, was {_shown(before[key])}"
    else:
        yield from differences(before[key], after[key], where)


def _by_name(before: list[Any], after: list[Any]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Both lists by what their items are called, so that a new panel differs and not each one behind it."""
    for name in _NAMES:
        keys = [[item.get(name) if isinstance(item, dict) else None for item in items] for items in (before, after)]
        if all(None not in each and len(set(map(str, each))) == len(each) for each in keys):
            return dict(zip(keys[0], before, strict=True)), dict(zip(keys[1], after, strict=True))
    return dict(enumerate(before)), dict(enumerate(after))


def _shown(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}..."
