"""`cortex-harness dashboards push`: dashboards and alert rules into a Grafana, all of them or none.

Everything is asked for and compared before anything is written: version, permissions, data sources, folder, and what
is there already. A write that fails takes back those before it. What is not ours is never touched; plan.py says what
is. Alert rules are written with Grafana's provenance `api`, so that they are read-only for people, as the dashboards
are: a change belongs into the source, and a later push needs to overwrite nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dashboards import plan
from dashboards.grafana import FOR_DASHBOARDS, FOR_RULES, Grafana, GrafanaError
from dashboards.plan import KINDS, NEEDED, Action, Document, Found, Plan, PlanError, Source, Wanted, What

GENERATED = Path(__file__).with_name("generated")
DRIFT = 4
"""Exit code of a dry run that found something to do."""

Say = Callable[[str], None]


class PushError(Exception):
    """What stands in the way of a push; nothing was written."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a push goes.

    datasource, loki, tempo: uid or name; None takes the only one of its type.   dry_run: tell, write nothing.
    overwrite: also what somebody edited in Grafana since.   alerts: False leaves alert rules alone, where Prometheus
    has them already and each alert would come twice.   runbooks: the address below which their pages are, for the links
    of alerts; None leaves the repository's own path.
    """

    datasource: str | None = None
    loki: str | None = None
    tempo: str | None = None
    dry_run: bool = False
    overwrite: bool = False
    alerts: bool = True
    runbooks: str | None = None
    timeout_s: float = 10.0


def token_from(value: str | None, file: Path | None) -> str:
    """The token, from a file before a value.   Raises: PushError; the token is in no message."""
    if file is not None:
        try:
            value = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise PushError(f"the token cannot be read from {file}: {reason}") from error
    if not value:
        raise PushError("a token is needed: GRAFANA_TOKEN, --token-file or --token")
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise PushError("what was given as the token holds characters that none has")
    return value


def run(url: str, token: str, *, options: Options | None = None, say: Say = print, generated: Path = GENERATED) -> int:
    """Import what is in `generated` and say what was done; the exit status.

    0 done, or nothing to do; 1 not done, with the reason; 4 a dry run that found something to do.
    """

    def told(text: str) -> None:
        say(text.replace(token, "***"))

    options = options or Options()
    try:
        return _push(Grafana(url, token, options.timeout_s), options, told, generated)
    except (PushError, PlanError, GrafanaError) as error:
        told(f"Error: {error}")
        told("Nothing was written.")
        return 1
    except _HalfwayError as error:
        told(str(error))
        return 1


def _push(grafana: Grafana, options: Options, say: Say, generated: Path) -> int:
    boards, groups = documents(generated)
    say(f"Grafana {grafana.version()}")
    _check_permissions(grafana, options, say)
    sources = _sources(grafana, options, say)
    wanted = wanted_of(boards, groups if options.alerts else None, sources, options.runbooks)
    planned = plan.make(wanted, _found(grafana, wanted), overwrite=options.overwrite)
    if planned.objections:
        raise PushError("\n".join(["this Grafana holds what a push must not touch:", *planned.objections]))
    for line in planned.lines():
        say(line)
    if not planned.actions:
        say(f"Nothing to do: {_inventory(wanted)} are as they should be.")
        return 0
    if options.dry_run:
        say(f"Dry run: {len(planned.actions)} to do, nothing was written.")
        return DRIFT
    _write(grafana, planned, say)
    say(f"Done: {_inventory(wanted)} are as they should be.")
    return 0


# --- what should be there ---------------------------------------------------------------------------------------------


def documents(generated: Path) -> tuple[list[Document], list[Document]]:
    """The dashboards and rule groups of a build.   Raises: PushError where there is none."""
    boards = [_parsed(path, json.loads) for path in sorted((generated / "dashboards").glob("*.json"))]
    files = [_parsed(path, yaml.safe_load) for path in sorted((generated / "managed").glob("*.yaml"))]
    groups = [group for file in files for group in file.get("groups", [])]
    if not (boards and groups):
        raise PushError(f"{generated} holds {len(boards)} dashboards and {len(groups)} rule groups: build them first")
    return boards, groups


def _parsed(path: Path, parse: Callable[[str], Any]) -> Document:
    try:
        found = parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PushError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise PushError(f"{path} holds no document")
    return found


def wanted_of(
    boards: Iterable[Document],
    groups: Iterable[Document] | None,
    sources: dict[str, Source],
    runbooks: str | None = None,
) -> Wanted:
    """What is imported into a Grafana with these data sources."""
    return Wanted(
        [plan.with_sources(board, sources) for board in boards],
        None if groups is None else [plan.as_group(group, sources[NEEDED], runbooks) for group in groups],
    )


def _inventory(wanted: Wanted) -> str:
    rules = [rule for group in wanted.groups or [] for rule in group["rules"]]
    return f"{len(wanted.dashboards)} dashboards" + (f" and {len(rules)} alert rules" if rules else "")


# --- what is there ----------------------------------------------------------------------------------------------------


def _check_permissions(grafana: Grafana, options: Options, say: Say) -> None:
    missing = grafana.missing_permissions(FOR_DASHBOARDS + (FOR_RULES if options.alerts else ()))
    if missing is None:
        say("This Grafana does not tell a token's permissions; should one be missing, the push takes itself back.")
    elif missing:
        raise PushError("\n".join(["the token may not do all that a push does; it needs the permission to", *missing]))


def _sources(grafana: Grafana, options: Options, say: Say) -> dict[str, Source]:
    there = grafana.sources()
    asked = {NEEDED: options.datasource, "loki": options.loki, "tempo": options.tempo}
    chosen = {kind: plan.choose(kind, asked[kind], there) for kind in KINDS}
    for kind, source in chosen.items():
        say(f"{kind:<11} {source.name} (uid {source.uid})" if source else f"{kind:<11} none; its panels stay empty")
    return {kind: source for kind, source in chosen.items() if source is not None}


def _found(grafana: Grafana, wanted: Wanted) -> Found:
    has_folder = grafana.has_folder()
    uids = {str(each["uid"]) for each in wanted.dashboards}
    uids |= set(grafana.our_dashboards() if has_folder else [])
    boards = {uid: found for uid in sorted(uids) if (found := grafana.dashboard(uid)) is not None}
    rules = [] if wanted.groups is None else grafana.rules()
    names = dict.fromkeys(rule["ruleGroup"] for rule in rules if rule["folderUID"] == plan.FOLDER_UID)
    return Found(has_folder, boards, rules, {name: grafana.interval_s(name) for name in names})


# --- writing, and taking back -----------------------------------------------------------------------------------------


class _HalfwayError(Exception):
    """A write failed; the message says what stands."""


def _write(grafana: Grafana, planned: Plan, say: Say) -> None:
    done: list[Action] = []
    for action in planned.actions:
        try:
            _do(grafana, action)
        except (GrafanaError, KeyboardInterrupt) as error:
            if _may_have_happened(action, error):
                done.append(action)
            reason = str(error) or "interrupted"
            raise _HalfwayError("\n".join(_taken_back(grafana, done, planned, f"{action}: {reason}"))) from error
        done.append(action)
        say(f"done: {action}")


def _may_have_happened(action: Action, error: BaseException) -> bool:
    """Whether a failed write can have left something: no answer, a fault behind it, or a group removed rule by rule."""
    refused = isinstance(error, GrafanaError) and 0 < error.status < 500
    return not refused or (action.what is What.RULES and action.after is None)


def _taken_back(grafana: Grafana, done: Sequence[Action], planned: Plan, reason: str) -> Iterator[str]:
    """Undo what was done, the last first, and say what became of each."""
    yield f"Error: {reason}"
    rules = [action for action in done if action.what is What.RULES]
    others = [[action] for action in done if action.what is not What.RULES]
    stands = 0
    for together in filter(None, [rules, *reversed(others)]):
        try:
            _undo(grafana, together[0], planned)
        except GrafanaError as error:
            stands += len(together)
            yield from (f"still stands: {action}, because of: {error}" for action in together)
        else:
            yield from (f"taken back: {action}" for action in together)
    yield "Grafana is as it was." if stands == 0 else f"{stands} of {len(done)} writes stand: look at them in Grafana."


def _do(grafana: Grafana, action: Action) -> None:
    match action.what, action.after:
        case What.FOLDER, None:
            grafana.delete_folder_if_empty(action.name)
        case What.FOLDER, dict(folder):
            grafana.create_folder(folder)
        case What.DASHBOARD, None:
            grafana.delete_dashboard(action.name)
        case What.DASHBOARD, dict(document):
            version = None if action.before is None else action.before["version"]
            grafana.save_dashboard(document, plan.message(document), version or 0)
        case What.RULES, None:
            grafana.delete_group(action.name)
        case What.RULES, dict(group):
            grafana.save_group(group)


def _undo(grafana: Grafana, action: Action, planned: Plan) -> None:
    match action.what:
        case What.FOLDER:
            grafana.delete_folder_if_empty(action.name)
        case What.DASHBOARD:
            _restore(grafana, action)
        case What.RULES:
            _restore_rules(grafana, planned)


def _restore_rules(grafana: Grafana, planned: Plan) -> None:
    """Put all groups of the plan back at once: a rule that moved from one to another would be lost in between."""
    changed = [action for action in planned.actions if action.what is What.RULES]
    before = [action.before for action in changed if action.before is not None]
    for group in before:
        grafana.save_group(group)
    kept = {rule["uid"] for group in before for rule in group["rules"]}
    written = {rule["uid"] for action in changed if action.after is not None for rule in action.after["rules"]}
    for uid in sorted(written - kept):
        grafana.delete_rule(uid)


def _restore(grafana: Grafana, action: Action) -> None:
    """Put a dashboard back, unless somebody else saved or removed it since: then theirs stands."""
    found = grafana.dashboard(action.name)
    now = None if found is None else found.message
    if now != (None if action.after is None else plan.message(action.after)):
        return
    if action.before is None:
        grafana.delete_dashboard(action.name)
    else:
        grafana.save_dashboard(action.before, action.message, version=None)
