"""`python -m e2e.smoke --target URL`: whether a deployment works; exit code 0 when it does, 1 when not, 2 for usage."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import click

from contracts.api import ToolName
from contracts.release import CURRENT
from e2e.smoke import result
from e2e.smoke.run import run
from e2e.smoke.visit import LOOPBACK_NAMES, Options

CLIENT_KEY_VARIABLE = "CORTEX_SMOKE_CLIENT_KEY"
CONTEXT = {"auto_envvar_prefix": "CORTEX_SMOKE", "help_option_names": ["-h", "--help"], "max_content_width": 100}
FILE = click.Path(path_type=Path, dir_okay=False)
CA_VARIABLES = ["CORTEX_SMOKE_CA_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"]


def _target(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if value == "local":
        return value
    found = urlsplit(value)
    if found.scheme not in ("http", "https") or not found.hostname or found.path.strip("/") or found.query:
        raise click.BadParameter(f"{value!r}: 'local', or scheme, host and port, such as https://cortex.example.com")
    if found.username or found.password:
        raise click.BadParameter("no credentials in the address; it is printed")
    return f"{found.scheme}://{found.netloc}"


def _print_schema(context: click.Context, _option: click.Parameter, is_wanted: bool) -> None:
    if is_wanted:
        click.echo(result.schema())
        context.exit()


@click.command(context_settings=CONTEXT)
@click.option("--target", required=True, callback=_target, help="Address of the deployment; 'local' starts a stack.")
@click.option("--client-key-file", type=FILE, help=f"Opens a session in production; or {CLIENT_KEY_VARIABLE}.")
@click.option("--question", help="To ask the agent.  [one that fits what stands upstream]")
@click.option("--analyst-question", default="Net sales by region", show_default=True, help="To ask Cortex Analyst.")
@click.option("--search-query", default="refund", show_default=True, help="To search for.")
@click.option(
    "--without", type=click.Choice([each.value for each in ToolName]), multiple=True, help="A tool to leave out."
)
@click.option("--expect-live", is_flag=True, help="Fail in front of a stand-in.")
@click.option("--contract", default=str(CURRENT), help="What clients rely on: an OpenAPI file.  [this version's]")
@click.option("--ca-file", envvar=CA_VARIABLES, type=click.Path(exists=True), help="Whom to trust.  [certifi]")
@click.option("--min-days", type=click.IntRange(0), default=14, show_default=True, help="The certificate must last.")
@click.option("--deadline-s", type=click.FloatRange(10, 59), default=55.0, show_default=True, help="For everything.")
@click.option("--trace-url", help="Where a trace is shown, with {trace_id}.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, and nothing else.")
@click.option("--json-file", type=FILE, help="Write the report as JSON.")
@click.option("--junit", type=FILE, help="Write JUnit XML.")
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the schema of --json.",
)
@click.option("--report", type=FILE, help="Write metrics for node exporter's textfile collector.")
def main(
    *,
    target: str,
    client_key_file: Path | None,
    without: tuple[str, ...],
    trace_url: str | None,
    as_json: bool,
    json_file: Path | None,
    junit: Path | None,
    report: Path | None,
    **given: object,
) -> None:
    """Ask a deployment everything once, read-only, in under a minute: exit code 0 ok, 1 failed, 2 usage.

    Every option has an environment twin: --target is CORTEX_SMOKE_TARGET.
    """
    key = _client_key(client_key_file)
    with ExitStack() as stopping:
        if target == "local":
            from e2e.stack import running  # noqa: PLC0415 - starting a stack needs more installed than asking one

            target = stopping.enter_context(running()).proxy_url
        if key and not target.startswith("https:") and urlsplit(target).hostname not in LOOPBACK_NAMES:
            raise click.UsageError("the client key is sent over https only, or to this machine")
        # What is given is what click has parsed by the options above, one for each field.
        options = Options(target, client_key=key, without=frozenset(map(ToolName, without)), **given)  # type: ignore[arg-type]
        with_colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        if not as_json:
            click.echo(f"Smoke of {target}, for {options.deadline_s:.0f} s at most")
        found = run(options, None if as_json else _printing(with_colour=with_colour), trace_url=trace_url)
    click.echo(found.model_dump_json(indent=1) if as_json else result.closing(found, with_colour=with_colour))
    _write(found, json_file, junit, report)
    sys.stdout.flush()
    sys.exit(0 if found.ok else 1)


def _printing(*, with_colour: bool) -> Callable[[result.CheckResult], None]:
    """Prints each result as it comes; what does not apply is told together at the end."""

    def tell(check: result.CheckResult) -> None:
        if check.result != "not_applicable":
            click.echo(result.line(check, with_colour=with_colour))

    return tell


def _client_key(path: Path | None) -> str | None:
    try:
        given = path.read_text(encoding="utf-8") if path else os.environ.get(CLIENT_KEY_VARIABLE, "")
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--client-key-file {path}: {error}") from error
    if path and not given.strip():
        raise click.UsageError(f"--client-key-file {path}: it is empty")
    if not given.strip().isprintable():
        raise click.UsageError("the client key is one line of printable characters")
    return given.strip() or None


def _write(found: result.Report, json_file: Path | None, junit: Path | None, report: Path | None) -> None:
    try:
        if json_file:
            json_file.write_text(found.model_dump_json(indent=1), encoding="utf-8")
        if junit:
            junit.write_bytes(result.junit(found))
        if report:
            result.textfile(found, report)
    except OSError as error:
        raise click.UsageError(f"{error.filename}: {error.strerror}") from error


if __name__ == "__main__":
    main()
