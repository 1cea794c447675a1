"""What is read from the source is what the program does when it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dashboards import sources
from harness import main
from proxy import backoff, breaker, exports, policies, settings, writer


def test_settings_are_those_of_the_proxy() -> None:
    """Every variable, and no other; each default that is known is the one that holds."""
    found = sources.settings()
    fields = {settings.ENV_PREFIX + name.upper(): field for name, field in settings.Settings.model_fields.items()}
    table = {
        f"{settings.ENV_PREFIX}POLICIES__{policy.upper()}__{name.upper()}": value
        for policy, row in policies.Policies()
        for name, value in row
    }
    assert found.keys() - {settings.ENV_PREFIX + "POLICIES"} == (fields.keys() | table.keys()) - {
        settings.ENV_PREFIX + "POLICIES"
    }
    defaults = {name: field.default for name, field in fields.items()} | table
    known = {name: value for name, value in found.items() if value is not sources.UNKNOWN}
    assert known == {name: defaults[name] for name in known}
    assert len(known) > 100


def test_constants_are_those_of_the_proxy() -> None:
    """Of modules and of their classes; what is not there, or is worked out, is not known."""
    assert sources.constant("breaker.OPEN_S") == breaker.OPEN_S
    assert sources.constant("backoff.RetryBudget.FLOOR") == backoff.RetryBudget.FLOOR
    assert sources.constant("exports.EXPORT_TIMEOUT_S") == exports.EXPORT_TIMEOUT_S
    assert sources.constant("writer.CAPACITY") == writer.CAPACITY
    for name in ("breaker.NOTHING", "nowhere.OPEN_S", "backoff.DICE"):
        assert sources.constant(name) is sources.UNKNOWN


def _commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    for name, command in group.commands.items():
        options = {
            word
            for each in command.params
            if isinstance(each, click.Option)
            for word in (*each.opts, *each.secondary_opts)
        }
        yield (*words, name), frozenset([*options, "--help", "-h"])
        if isinstance(command, click.Group):
            yield from _commands(command, (*words, name))


def test_commands_are_those_of_the_front_door() -> None:
    """Every command by its words, with every option."""
    assert {words: options for words, options in sources.commands().items() if words} == dict(_commands(main))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("A = 8 * 3600", 28_800, id="product"),
        pytest.param("A: float = 0.5", 0.5, id="annotated"),
        pytest.param("B = 2\nA = B + 1", 3, id="name"),
        pytest.param("A = compute()", sources.UNKNOWN, id="call"),
        pytest.param("A = compute() * 2", sources.UNKNOWN, id="product-of-a-call"),
    ],
)
def test_literals_and_what_is_made_of_them_are_known(tmp_path: Path, text: str, expected: object) -> None:
    """What the program would have to run for is not guessed."""
    path = tmp_path / "module.py"
    path.write_text(text, encoding="utf-8")
    assert sources.constants(path)["A"] == expected


def test_names_in_snowflake_are_told_from_settings() -> None:
    """The set-up's own names begin as our settings do."""
    assert "CORTEX_PROXY_ADDRESSES" in sources.snowflake_names()
    assert "CORTEX_PROXY_ADDRESSES" not in sources.settings()
