"""Whether runbooks are true: every name in them is the code's, every link leads somewhere, every alert has a page.

python -m dashboards.runbook_lint   say every fault; exit 1 when there is one
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from contracts.api import EndReason, ProblemType
from contracts.telemetry import ALL_METRICS, POLICIES, ROUTES, Signal, Surface
from contracts.traces import EVERY_LINE, LOG_EVENTS, LOG_FIELDS, SPANS
from dashboards import manifests, rules, runbook, slo, sources, thresholds
from dashboards.alerts import ALERTS
from dashboards.check import flow, logql, promql
from dashboards.check.model import Documents, Fault, at
from dashboards.check.names import PERHAPS, Series
from dashboards.check.tokens import Malformed
from dashboards.check.view import look
from dashboards.rule import Alert, panel_id
from dashboards.runbook import Page

BOARDS = Path(__file__).with_name("generated") / "dashboards"
HEADINGS = ("Meaning", "Impact", "First look", "Causes", "Remedy", "False positives", "Roll back")
NOT_OF_ALERTS = ("README", "incident-response", "rollback")
QUERIES = range(1, 6)
"""How many queries a first look has."""

Found: TypeAlias = Iterator[tuple[str, str, str]]
"""Where in the page, what was found, what to do."""


@dataclass(frozen=True)
class Known:
    """What pages may name. Tests make their own; `known` gives that of this repository.

    panels: address -> uid of its dashboard and its id, of those that are generated.
    """

    alerts: Mapping[str, Sequence[Alert]]
    series: Mapping[str, Series]
    panels: Mapping[str, tuple[str, int]]
    pages: Mapping[str, Page] = field(default_factory=lambda: MappingProxyType({}))
    root: Path = sources.ROOT

    @cached_property
    def words(self) -> frozenset[str]:
        """Every name of the catalogues that is written with dashes or underscores."""
        labels = {
            word for metric in ALL_METRICS for label, values in metric.labels.items() for word in (label, *values)
        }
        exposed = {word.replace(".", "_") for word in labels}
        families = {metric.exposed for metric in ALL_METRICS}
        objectives = {objective.name for objective in slo.load().objectives}
        jobs = {thresholds.PROXY_JOB, thresholds.MOCK_JOB, "cortex-harness"}
        attributes = {attribute.name for span in SPANS for attribute in span.attributes}
        names = (*labels, *exposed, *families, *objectives, *jobs, *attributes, *self.series, *self.alerts, *FOREIGN)
        return frozenset([*names, *(problem.value for problem in ProblemType)])


FOREIGN = frozenset(
    (
        *("metric_relabel_configs", "proxy_buffering", "mem_limit", "stop_grace_period", "reloadConfigSuccess"),
        *("maxUnavailable", "preStop", "terminationGracePeriodSeconds", "resources.limits.memory", "harness.py"),
    )
)
"""Names of other programs, and of the manifests in proxy/deploy, that pages speak of."""


def known(pages: Mapping[str, Page] = MappingProxyType({})) -> Known:
    """What this repository knows.   pages: those that may link to each other."""
    view = look(Documents(rules=rules.documents()))
    return Known(runbook.by_name(ALERTS), view.known, panels(), pages)


def panels(folder: Path = BOARDS) -> dict[str, tuple[str, int]]:
    """The generated panels by address; none before anything is generated."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        raw = json.loads(path.read_text(encoding="utf-8"))
        for panel in look(Documents(dashboards={path.name: raw})).panels:
            if panel.type != "row":
                found[panel.address] = (str(raw.get("uid")), int(panel.raw.get("id", 0)))
    return found


# --- pages and alerts


def _has_alert(page: Page, known: Known) -> Found:
    if page.name not in NOT_OF_ALERTS and page.name not in known.alerts:
        yield "", "a page of an alert that does not exist", "rename it to its alert, or delete it"


def _is_titled(page: Page, known: Known) -> Found:
    if page.name in known.alerts and page.title != page.name:
        yield "title", f"{page.title!r}", f"begin the page with '# {page.name}'"


def _has_sections(page: Page, known: Known) -> Found:
    if page.name not in known.alerts:
        return
    if page.headings != HEADINGS:
        yield "headings", ", ".join(page.headings) or "none", f"have these, in this order: {', '.join(HEADINGS)}"
    for heading in HEADINGS:
        if heading in page.headings and not section(page, heading).strip():
            yield heading, "an empty section", "say it, or say why there is nothing to say"


def section(page: Page, heading: str) -> str:
    """The text below a heading, up to the next one or what is derived."""
    found = re.search(rf"(?ms)^## {re.escape(heading)}$\n(.*?)(?=^## |^<!-- |\Z)", page.text)
    return found[1] if found else ""


def _looks_first(page: Page, known: Known) -> Found:
    if page.name not in known.alerts or "First look" not in page.headings:
        return
    first = Page(page.name, section(page, "First look"))
    count = sum(1 for block in first.blocks if block.language == "promql" for _ in block.queries)
    if count not in QUERIES:
        yield "First look", f"{count} PromQL queries", f"have {QUERIES.start} to {QUERIES.stop - 1} to paste"
    if not first.panels:
        yield "First look", "no panel", "name a panel by its address, as [overview/errors]"


def _is_current(page: Page, known: Known) -> Found:
    if runbook.refreshed(page, known.alerts) != page.text:
        yield "", "a head, an index or panel links that are not the rules'", "run python -m dashboards.runbook"


# --- panels and links


def _panels_exist(page: Page, known: Known) -> Found:
    for address in page.panels:
        uid, number = f"cortex-{address.partition('/')[0]}", panel_id(address)
        if known.panels and known.panels.get(address) != (uid, number):
            found = known.panels.get(address, "no such panel")
            yield f"[{address}]", f"{found} in dashboards/generated", "name a panel that is there, with its address"


_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _links_lead_somewhere(page: Page, known: Known) -> Found:
    for target in _LINK.findall(page.prose):
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        name = file.removesuffix(".md") or page.name
        there = known.pages.get(name)
        if there is None or (file and not file.endswith(".md")):
            yield target, "no such page", "link to a page of this folder"
        elif anchor and anchor not in {_anchor(heading) for heading in there.headings}:
            yield target, f"{name}.md has no such heading", f"one of: {', '.join(map(_anchor, there.headings))}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _is_listed(page: Page, known: Known) -> Found:
    index = known.pages.get(runbook.INDEX)
    if index and page.name != runbook.INDEX and f"({page.name}.md" not in index.text:
        yield "", "README.md does not link to it", "run python -m dashboards.runbook, or add a link"


# --- queries


def _asks_in_promql(page: Page, known: Known) -> Found:
    for block in (each for each in page.blocks if each.language == "promql"):
        for text in block.queries:
            where = f"line {block.line}"
            try:
                query = promql.parse(text)
            except ValueError as error:
                yield where, f"{text!r} is no PromQL: {error}", "write a query that can be pasted"
                continue
            yield from ((where, *fault) for fault in _unknown_in(query, known.series))


def _unknown_in(query: promql.Query, series: Mapping[str, Series]) -> Iterator[tuple[str, str]]:
    for selector, _ in query.selectors:
        name = promql.name_of(selector)
        if name and name not in series:
            yield f"{name} is no metric of the catalogue, nor recorded", "see docs/telemetry.md for its name"
        elif name:
            yield from _unknown_labels(name, series[name], promql.matches(selector))
    for node, _ in query.aggregations:
        inner = flow.labels(node.expr, series)
        grouped = frozenset(node.modifier.labels) if node.modifier else frozenset()
        for label in sorted(grouped - {"__name__"}):
            if not inner.can_have(label) or label in PERHAPS:
                yield f"sums by {label}, which its series do not have", f"they have {', '.join(sorted(inner.may))}"


def _unknown_labels(name: str, series: Series, matches: Sequence[promql.Match]) -> Iterator[tuple[str, str]]:
    for match in matches:
        if match.label == "__name__" or (series.is_open and match.label not in series.labels):
            continue
        values = series.labels.get(match.label)
        if values is None:
            yield f"{name} has no label {match.label}", f"it has {', '.join(series.labels)}"
        elif values and not _fits(match, (*values, "other")):
            yield f"{match} fits no value of {name}", f"one of {', '.join(filter(None, values))}"


def _fits(match: promql.Match, values: Sequence[str]) -> bool:
    """Whether every alternative that a matcher names is one of the values; empty means a missing label."""
    if match.operator in ("=", "!="):
        return match.value in (*values, "")
    return all(_is_one_of(each, values) for each in match.value.split("|"))


def _is_one_of(pattern: str, values: Sequence[str]) -> bool:
    return any(re.fullmatch(pattern, value) for value in values)


# --- log lines

_EVENTS = {event.event: event for event in LOG_EVENTS}
_FILTER = re.compile(r"\b(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"")
_IN_TEMPLATE = re.compile(r"\{\{\s*\.(\w+)\s*\}\}")
_JQ_FIELD = re.compile(r"(?<![\w.])\.([A-Za-z]\w*)")
_VALUES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "event": tuple(_EVENTS),
        "problem": tuple(problem.value for problem in ProblemType),
        "surface": tuple(surface.value for surface in Surface),
        "signal": tuple(signal.value for signal in Signal),
        "route": ROUTES,
        "policy": POLICIES,
        "limitDecision": ("allowed", "refused"),
        "service_name": (thresholds.PROXY_JOB, thresholds.MOCK_JOB),
    }
)


def _asks_in_logql(page: Page, _known: Known) -> Found:
    for block in (each for each in page.blocks if each.language == "logql"):
        for text in block.queries:
            where = f"line {block.line}"
            try:
                query = logql.parse(text)
            except Malformed as error:
                yield where, f"no LogQL: {error}", "write a query that can be pasted"
                continue
            fields = (*query.fields, *_IN_TEMPLATE.findall(text), *(label for label, _, _ in query.matchers))
            yield from ((where, *fault) for fault in _unknown_in_log(text, fields))


def _unknown_in_log(text: str, fields: Sequence[str]) -> Iterator[tuple[str, str]]:
    events: list[str] = []
    for name, sign, value in _FILTER.findall(text):
        alternatives = value.split("|") if "~" in sign else [value]
        values = _VALUES.get(name) or (tuple(EndReason) if name == "reason" and events == ["stream ended"] else ())
        for each in alternatives if values else ():
            if each and not (_is_one_of(each, values) if "~" in sign else each in values):
                yield f'{name} is never "{each}"', f"one of: {', '.join(values)}"
        if name == "event" and sign in ("=", "=~"):
            events += alternatives
    told = {name for event in events if event in _EVENTS for name in _EVENTS[event].fields}
    for name in dict.fromkeys(fields):
        if name not in LOG_FIELDS and name != "service_name":
            yield f"{name} is no field of the log", "see LOG_FIELDS in contracts/traces.py"
        elif events and name in LOG_FIELDS and name not in (*told, *EVERY_LINE):
            yield f"{name} is in no line of {', '.join(events)}", f"they have {', '.join(sorted(told))}"


def _asks_jq(page: Page, _known: Known) -> Found:
    for line, number in _shell_lines(page):
        if "| jq " in line:
            for name in _JQ_FIELD.findall(line.partition("| jq ")[2]):
                if name not in LOG_FIELDS:
                    yield f"line {number}", f"{name} is no field of the log", "see LOG_FIELDS in contracts/traces.py"


# --- settings, constants, names

_SETTING = re.compile(r"\bCORTEX_PROXY_[A-Z0-9_]+")
_DEFAULT = re.compile(r"`(CORTEX_PROXY_[A-Z0-9_]+)`\s+\(default\s+([^)]+)\)")
_CONSTANT = re.compile(r"`([a-z_]+(?:\.[A-Z]\w+)+)`\s+\(([^)]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_WORDS = re.compile(r"[a-z][a-z0-9]*(?:[._:-][a-z0-9]+)+|[a-z]+(?:[A-Z][a-z]*)+")


def _names_settings(page: Page, known: Known) -> Found:
    accepted = sources.settings(known.root).keys() | sources.snowflake_names(known.root)
    for name in dict.fromkeys(_SETTING.findall(page.text)):
        if name not in accepted:
            yield name, "no such setting", "see proxy/settings.py"


def _quotes_values(page: Page, known: Known) -> Found:
    settings = sources.settings(known.root)
    quoted = [(name, said, settings.get(name, sources.UNKNOWN)) for name, said in _DEFAULT.findall(page.prose)]
    for name, said in _CONSTANT.findall(page.prose):
        quoted.append((name, said, sources.constant(name, known.root)))
    for name, said, value in quoted:
        if value is sources.UNKNOWN:
            yield name, "no such constant, or one that is worked out as it runs", "leave its value out"
        elif not _says(said, value):
            yield name, f"quoted as {said}", f"it is {value}"


def _says(said: str, value: Any) -> bool:
    try:
        return float(said) == float(value)
    except (TypeError, ValueError):
        return said == str(value)


def _names_things(page: Page, known: Known) -> Found:
    fields = frozenset(LOG_FIELDS)
    for span in dict.fromkeys(_SPAN.findall(page.prose)):
        is_key = span in sources_keys(known.root)
        if _WORDS.fullmatch(span) and not is_key and span not in known.words | fields:
            yield f"`{span}`", "no name of a metric, label, value, problem or log field", "see docs/telemetry.md"


def sources_keys(root: Path) -> frozenset[str]:
    """Settings as they are called inside, and their files without `_file`."""
    names = {name.removeprefix(sources.PREFIX).lower() for name in sources.settings(root)}
    return frozenset([*names, *(name.removesuffix("_file") for name in names)])


_PATH = re.compile(r"(?<![\w/.:$\"}])((?:proxy|dashboards|docs|mocks|contracts)/[\w./-]*\w)")


def _names_files(page: Page, known: Known) -> Found:
    if not (known.root / "pyproject.toml").exists():
        return  # installed: pages and manifests stayed in the repository
    for path in dict.fromkeys(_PATH.findall(runbook.Page("", page.prose).text + _shell_text(page))):
        if not (known.root / path).exists():
            yield path, "no such file", "name one of the repository, from its root"


# --- commands

_OURS = re.compile(r"cortex-harness\b((?:[ \t]+[^\s`;|&#)]+)*)")
_MODULE = re.compile(r"python(?:3)? -m (dashboards\.\w+)")
_PROXY_URL = re.compile(r"127\.0\.0\.1:8080(/[\w/.-]*)")


def _shell_lines(page: Page) -> Iterator[tuple[str, int]]:
    for block in (each for each in page.blocks if each.language in ("bash", "sh")):
        yield from ((line, block.line + offset) for offset, line in enumerate(block.text.splitlines()))


def _shell_text(page: Page) -> str:
    return "\n".join(line for line, _ in _shell_lines(page))


def _names_commands(page: Page, known: Known) -> Found:
    spans = [(text, "in the text") for text in _SPAN.findall(page.prose)]
    lines = [(line, f"line {number}") for line, number in _shell_lines(page)]
    for text, where in (*spans, *lines):
        for arguments in _OURS.findall(text):
            yield from ((where, *fault) for fault in _unknown_command(arguments.split(), known.root))
        for module in _MODULE.findall(text):
            if not (known.root / f"{module.replace('.', '/')}.py").exists():
                yield where, f"{module} does not exist", "name a module of dashboards/"
        for path in _PROXY_URL.findall(text):
            if path not in ROUTES:
                yield where, f"the proxy has no {path}", f"one of {', '.join(ROUTES)}"


def _names_manifests(page: Page, known: Known) -> Found:
    if not (known.root / "pyproject.toml").exists():
        return
    spans = [(text, "in the text") for text in _SPAN.findall(page.prose)]
    lines = [(line, f"line {number}") for line, number in _shell_lines(page)]
    for text, where in (*spans, *lines):
        if re.match(r"kubectl |(?:podman|docker) compose ", text):
            for fault in manifests.faults(text, known.root):
                yield where, fault, "name what proxy/deploy has"


def _unknown_command(arguments: Sequence[str], root: Path) -> Iterator[tuple[str, str]]:
    commands = sources.commands(root)
    words: tuple[str, ...] = ()
    for each in arguments:
        if (*words, each) not in commands:
            break
        words = (*words, each)
    rest = arguments[len(words) :]
    if sources.takes_anything(words):
        return
    deeper = sorted(name[len(words)] for name in commands if len(name) > len(words) and name[: len(words)] == words)
    if rest and not rest[0].startswith("-") and deeper:
        yield f"cortex-harness {' '.join([*words, rest[0]])} does not exist", f"one of {', '.join(deeper)}"
        return
    for option in (each.partition("=")[0] for each in rest if each.startswith("-")):
        if option not in commands[words]:
            yield f"cortex-harness {' '.join(words)} has no {option}", f"it has {', '.join(sorted(commands[words]))}"


# --- all of them

Check: TypeAlias = Callable[[Page, Known], Found]

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "runbook-alert": _has_alert,
        "runbook-title": _is_titled,
        "runbook-headings": _has_sections,
        "runbook-first-look": _looks_first,
        "runbook-current": _is_current,
        "runbook-panels": _panels_exist,
        "runbook-links": _links_lead_somewhere,
        "runbook-index": _is_listed,
        "runbook-promql": _asks_in_promql,
        "runbook-logql": _asks_in_logql,
        "runbook-jq": _asks_jq,
        "runbook-settings": _names_settings,
        "runbook-values": _quotes_values,
        "runbook-names": _names_things,
        "runbook-files": _names_files,
        "runbook-commands": _names_commands,
        "runbook-manifests": _names_manifests,
    }
)


def faults_of(page: Page, known: Known) -> list[Fault]:
    """Everything that is wrong with a page."""
    file = f"dashboards/runbooks/{page.name}.md"
    return [
        Fault(rule, at(file, where), found, todo)
        for rule, check in CHECKS.items()
        for where, found, todo in check(page, known)
    ]


def faults(folder: Path = runbook.FOLDER) -> list[Fault]:
    """Everything that is wrong with the folder's pages, and the alerts that have none.   Raises: OSError."""
    pages = runbook.load(folder)
    here = known(pages)
    missing = [
        Fault("runbook-alert", f"dashboards/runbooks/{name}.md", f"{name} has no page", f"write {', '.join(HEADINGS)}")
        for name in (*here.alerts, *NOT_OF_ALERTS)
        if name not in pages
    ]
    return [*missing, *(fault for page in pages.values() for fault in faults_of(page, here))]


def main() -> int:
    """Say every fault; the exit status."""
    found = faults()
    sys.stderr.writelines(f"{each.rule}: {each.where}: {each.found}; {each.todo}\n" for each in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
