"""`docs/scenarios.md`: every scenario with its story, and the grammar of faults; written from the files themselves.

python -m mocks.catalogue           write it
python -m mocks.catalogue --check   exit 4 when it is not what would be written
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, RootModel

from mocks.answers import ANSWERS
from mocks.cassette import Cassette
from mocks.cassette import load_all as load_cassettes
from mocks.faults import Plan
from mocks.grammar import PARTS, Fault, Quota
from mocks.prediction import Effects, predict
from mocks.route import Surface
from mocks.scenario import PageExpectation, Scenario, fitting
from mocks.scenario import load_all as load_scenarios
from mocks.state import HERE

PAGE = HERE.parent / "docs" / "scenarios.md"
EXIT_STALE = 4
DEFAULT_CASSETTE = "agents/net_sales_by_region"
MOCK_URL = "http://127.0.0.1:4010"

_OPENING = f"""\
# Scenarios and faults

Written by `python -m mocks.catalogue` from `mocks/scenarios/` and the grammar; change those, not this page.

A **scenario** is a named behaviour of the mock: a fault, what must be seen by a client of the proxy and by the reader
of its page, and which counters of the proxy move. A **fault** changes an answer on its way out. Both are chosen, the
nearest first:

- **For one request**, by a header, by baggage, which passes through the proxy, or by the query:
  `X-Mock-Scenario: <name>`, `mock.scenario=<name>`, `?mock_scenario=<name>`, or for a fault of one's own
  `X-Mock-Fault: <JSON>`, `mock.fault=<JSON, percent-encoded>`, `?mock_fault=<JSON, percent-encoded>`.
- **For one test**, with the header `X-Test-Id`: `PUT /__mock/scenarios/active` or `PUT /__mock/faults`.
- **For everyone**: the same two without that header. `DELETE` ends what `PUT` began, `GET` shows it.

Each time, a fault goes before a scenario. The scenario `none` keeps every other away.

```bash
curl -X PUT {MOCK_URL}/__mock/faults -d '{{"fault": {{"respond": "unavailable", "times": 2}}, "on": ["agent"]}}'
curl -X POST {MOCK_URL}/__mock/faults/preview \\
  -d '{{"cassette": "{DEFAULT_CASSETTE}", "fault": {{"cut": {{"after": "response.text.delta"}}}}}}'
curl -X POST {MOCK_URL}/__mock/step -H 'X-Test-Id: my-test' -d '{{"count": 1}}'
```

A fault that an answer cannot bear is refused with 409 and the reason; an unknown key with 400 and the nearest name.
Where a fault answers itself (`respond`), nothing is done first: a statement that is throttled is not run.
"""

_PLACES = """\
A **place** is `after` or `before` an event's name, with `count` for the how-manieth. `head` is the place behind the
status line and headers, `*` any event. `cut` and `reset` also know `request`: nothing is answered at all.
Milliseconds are real time; a pace only scales what was recorded.
"""


def page(scenarios: Mapping[str, Scenario], cassettes: Mapping[str, Cassette]) -> str:
    """The whole document."""
    listed = [f"| [{name}](#{name}) | {_cell(each.about)} |" for name, each in scenarios.items()]
    sections = ("\n".join(_section(each, cassettes)) for each in scenarios.values())
    parts = [
        _OPENING,
        "\n".join([f"## {len(scenarios)} scenarios\n", "| Name | What happens |", "|---|---|", *listed, ""]),
        *sections,
        "\n".join(_grammar()),
    ]
    return "\n".join(parts)


# --- scenarios


def _section(scenario: Scenario, cassettes: Mapping[str, Cassette]) -> Iterator[str]:
    yield f"### {scenario.scenario}\n"
    yield f"{_sentence(scenario.about)} {scenario.story}".rstrip() + "\n"
    if scenario.fault is not None:
        given = {"fault": scenario.fault.document}
        shown = yaml.safe_dump(given, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)
        yield f"```yaml\n{shown}```\n"
        yield f"- From the mock: {_seen(scenario, cassettes)}."
    yield f"- From the proxy: {_promised(scenario)}."
    if scenario.page is not None:
        yield f"- On the page: {', '.join(_read(scenario, scenario.page))}."
    if scenario.telemetry:
        yield f"- Telemetry: {', '.join(_moves(scenario))}."
    if scenario.panels.moves or scenario.alerts.fires:
        yield f"- Panels and alerts: {', '.join([*scenario.panels.moves, *scenario.alerts.fires])}."
    body = json.dumps({"scenario": scenario.scenario})
    yield f"- Switch it on: `curl -X PUT {MOCK_URL}/__mock/scenarios/active -d '{body}'`\n"


def _seen(scenario: Scenario, cassettes: Mapping[str, Cassette]) -> str:
    assert scenario.fault is not None, "only a fault changes what is seen"
    before, where = Plan(200, {}, ()), ""
    if scenario.concerns(Surface.AGENT):
        tape = fitting(scenario, (cassettes[DEFAULT_CASSETTE], *cassettes.values()))
        assert tape is not None, f"no cassette can bear {scenario.scenario}"
        first = tape.interactions[0]
        before, where = Plan.of(first.response, first.frames), f" of `{tape.name}`"
    effects = predict(before, scenario.fault, scenario.client.problem)
    assert effects.applies, f"{scenario.scenario} is loaded, so it applies: {effects.why}"
    return ", ".join(_told(effects, len(before.frames), where))


def _told(effects: Effects, planned: int, where: str) -> Iterator[str]:
    endings = {"clean": "then the body ends properly", "cut": "then the connection drops", "reset": "then a TCP reset"}
    if effects.status is None:
        yield "no status line"
    else:
        yield f"status {effects.status} as `{effects.content_type}`"
    if where and effects.status == 200 and effects.frames != 1:
        yield f"{effects.frames} frames ({planned} are recorded){where}" + (
            "" if effects.whole else ", the last in part"
        )
        yield f"terminal event `{effects.terminal}`" if effects.terminal else "no terminal event"
    if effects.stepwise:
        yield "each frame when a step allows it"
    yield endings[effects.ends]
    if abs(effects.added_ms) >= 1 and effects.ends == "clean" and where and effects.terminal:
        when = "later" if effects.added_ms > 0 else "earlier"
        yield f"the end comes {abs(effects.added_ms):,.0f} ms {when} than recorded"
    if effects.depends:
        yield effects.depends


def _promised(scenario: Scenario) -> str:
    seen = scenario.client
    said = [f"status {seen.status}"]
    if seen.problem is not None:
        said.append(f"problem `{seen.problem}`")
    if seen.ends_with is not None:
        said.append(f"the last frame is `{seen.ends_with}`")
    what = ", ".join(said)
    return what if scenario.asks == 1 else f"{what}, on request {scenario.asks}; those before it are served"


_SHOWN = {"whole": "the whole answer", "part": "a part of the answer", "none": "nothing of the answer"}


def _read(scenario: Scenario, page: PageExpectation) -> Iterator[str]:
    yield _SHOWN[page.answer]
    if page.misses:
        yield f"without {_quoted(page.misses)}"
    if scenario.client.problem is not None and scenario.concerns(Surface.AGENT):
        yield "an error" if page.wait_s is None else f"an error, which asks to wait {page.wait_s} s"
    if page.again is not None:
        yield f"after trying again {_SHOWN[page.again]}"
    if page.reads:
        yield f"with the words {_quoted(page.reads)}"
    if page.meanwhile:
        yield f"until then {_quoted(page.meanwhile)}"


def _quoted(words: Iterable[str]) -> str:
    return " and ".join(f'"{each}"' for each in words)


def _moves(scenario: Scenario) -> Iterator[str]:
    for name, expected in scenario.telemetry.items():
        labels = ", ".join(f'{label}="{value}"' for label, value in (expected.model_extra or {}).items())
        yield f"`{name}{{{labels}}}`" + ("" if expected.delta is None else f" by {expected.delta:g}")


# --- the grammar


def _grammar() -> Iterator[str]:
    yield "## The grammar\n"
    yield (
        "A fault is a mapping of parts; those given apply in the order below, whatever is written first. A list of\n"
        "faults, or `in_order`, applies them one after the other.\n"
    )
    yield _PLACES
    for name in PARTS:
        yield from _part(name, _model(Fault.model_fields[name].annotation))
    yield "### Conditions\n"
    yield "Beside the parts, a fault says on which requests it is played. Requests are counted for each test.\n"
    yield from _table({name: kind for name, kind in _properties(Fault).items() if name not in PARTS})
    yield "`quota`:\n"
    yield from _table(_properties(Quota))
    yield "### Answers by name\n"
    yield "For `respond`, alone or as `like`.\n"
    yield "| Name | Status | Code | What it is |\n|---|---|---|---|"
    yield from (
        f"| `{name}` | {each.status} | {each.code or '-'} | {_cell(each.about)} |" for name, each in ANSWERS.items()
    )


def _part(name: str, model: type[BaseModel]) -> Iterator[str]:
    yield f"### `{name}`\n"
    yield f"{' '.join((model.__doc__ or '').split())}\n"
    if issubclass(model, RootModel):
        yield f"Value: {_type(model.model_json_schema())}.\n"
    else:
        yield from _table(_properties(model))


def _table(properties: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "| Key | Value | Default | Meaning |\n|---|---|---|---|"
    for name, each in properties.items():
        default = json.dumps(each["default"]) if each.get("default") is not None else "-"
        yield f"| `{name}` | {_type(each)} | {default} | {_cell(each.get('description', ''))} |"
    yield ""


def _properties(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    schema = model.model_json_schema()
    found: dict[str, dict[str, Any]] = schema.get("properties") or schema["$defs"][model.__name__]["properties"]
    return found


def _model(annotation: Any) -> type[BaseModel]:
    model: type[BaseModel] = annotation.__args__[0]  # of `Model | None`
    return model


def _type(schema: Mapping[str, Any]) -> str:
    """In words, bounds included."""
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"] if each.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "see above" if name == Surface.__name__ else name.lower()
    kind = str(schema.get("type", "value"))
    if kind == "array":
        inner = schema["items"]
        surfaces = ", ".join(f"`{each}`" for each in Surface if each is not Surface.ADMIN)
        return f"list of {surfaces}" if inner.get("$ref", "").endswith("/Surface") else f"list of {_type(inner)}"
    return kind + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    said = []
    for key, word in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to")):
        if key in schema:
            said.append(f"{word} {schema[key]:,}")
    return f" {' '.join(said)}" if said else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# --- the command


def shipped() -> str:
    """The document for what is shipped."""
    tapes = load_cassettes(HERE / "cassettes")
    return page(load_scenarios(HERE / "scenarios", tapes), {tape.name: tape for tape in tapes})


def main(arguments: Sequence[str] | None = None, path: Path = PAGE) -> int:
    """Write the page, or check it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mocks.catalogue", description="Write docs/scenarios.md.")
    parser.add_argument("--check", action="store_true", help=f"write nothing; exit {EXIT_STALE} when it is stale")
    wanted = shipped()
    if not parser.parse_args(arguments).check:
        path.write_text(wanted, encoding="utf-8")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == wanted:
        return 0
    _say([f"{path.name} is stale: run python -m mocks.catalogue"])
    return EXIT_STALE


def _say(lines: Iterable[str]) -> None:
    sys.stderr.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
