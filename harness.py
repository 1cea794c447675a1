"""The front door: every command of cortex-harness, each a few lines that call a room.

Run as `python3 harness.py ...` from a clone it first makes its own environment from `uv.lock`; installed, it is the
console script `cortex-harness`. Exit codes: 0 ok, 1 failed, 2 usage, 3 leak, 4 drift.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":  # before anything that is not in the standard library
    from e2e import bootstrap

    bootstrap.enter(sys.argv[1:])

import json
import os
from pathlib import Path
from typing import Any, Literal

import click

# Looking for pydantic's plugins reads every installed package: a tenth of a second of each start, for none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

CONTEXT = {"auto_envvar_prefix": "CORTEX_HARNESS", "help_option_names": ["-h", "--help"], "max_content_width": 100}

PORT = click.IntRange(0, 65535)
PACE = click.FloatRange(0, 1000)
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
REPEATABLE = {
    "role": "roles",
    "warehouse": "warehouses",
    "pat_file": "pats",
    "oauth_token_file": "oauth_tokens",
    "network": "networks",
}
"""Options of the mock that may be repeated, and what it calls them together."""


_EXTRAS = {
    "mock": "mock",
    "proxy": "proxy",
    "record": "record",
    "anonymise": "fixtures",
    "verify": "fixtures",
    "faker": "fixtures,up",
    "dashboards": "dashboards,up",
    "grafana_client": "push",
}
"""What to install, by the command that needs it or by the package that is missing."""


class _FrontDoor(click.Group):
    """Says which extra is missing instead of showing where an import failed."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            extra = _EXTRAS.get(error.name or "") or _EXTRAS.get(ctx.invoked_subcommand or "", "up")
            need = f"pip install 'cortex-harness[{extra}]'"
            raise click.ClickException(f"{error.name} is not installed; this command needs {need}") from error


@click.group(cls=_FrontDoor, context_settings=CONTEXT)
@click.version_option(package_name="cortex-harness")
def main() -> None:
    """A rehearsal stage for applications built on Snowflake Cortex Agents.

    Every option has an environment twin: `mock --port` is CORTEX_HARNESS_MOCK_PORT.
    """


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where page and proxy listen.")
@click.option("--port", type=PORT, default=8080, show_default=True, help="Proxy and page; 0 takes a free port.")
@click.option("--mock-port", type=PORT, default=4010, show_default=True, help="Mock; 0 takes a free port.")
@click.option("--pace", type=PACE, default=1.0, show_default=True, help="Factor on recorded times; 0 sends at once.")
@click.option("--strict/--no-strict", default=False, help="Answer 404 to questions nobody recorded.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=".cortex-harness", help="Keys and logs.")
def up(host: str, port: int, mock_port: int, pace: float, strict: bool, state_dir: Path) -> None:
    """Start mock and proxy, and serve the reference page.

    CORTEX_PROXY_* variables are for the proxy alone and not read here.
    """
    from e2e import up as room

    sys.exit(room.run(host=host, port=port, mock_port=mock_port, pace=pace, strict=strict, state_dir=state_dir))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", type=PORT, default=4010, show_default=True, help="0 takes a free port and prints it.")
@click.option("--pace", type=PACE, default=1.0, show_default=True, help="Factor on recorded times; 0 sends at once.")
@click.option("--strict/--no-strict", default=True, help="404 with nearest misses, or an answer for people.")
@click.option("--cassettes", type=FOLDER, help="Folder to play.")
@click.option("--scenarios", type=FOLDER, help="Scenario files.")
@click.option("--data", type=FOLDER, help="Files that SQL runs on.")
@click.option("--unattested", is_flag=True, help="Play recorded cassettes that nothing attests to be anonymised.")
@click.option("--account", default="MYORG-BENCH", show_default=True, help="Account that tokens must name.")
@click.option("--user", default="CORTEX_PROXY_USER", show_default=True, help="User that tokens must name.")
@click.option("--role", multiple=True, help="Granted role; the first is the default.  [DEVELOPER_CORTEX]")
@click.option("--warehouse", multiple=True, help="To use; the first is the default.  [CORTEX_BENCH_WH]")
@click.option("--pat-file", type=FILE, multiple=True, help="Holds an accepted token, or YAML: token, role.")
@click.option("--oauth-token-file", type=FILE, multiple=True, help="Likewise: token, scope.")
@click.option("--network", multiple=True, help="Network policy: an allowed address or CIDR block.")
@click.option("--pat-needs-network-policy", is_flag=True, help="Refuse PATs while there is no network policy.")
@click.option("--session-lifetime-s", type=click.FloatRange(min=0), default=3600, show_default=True, help="Of logins.")
@click.option("--metrics-port", type=PORT, help="Answer /metrics there, by custom 9465; 0 takes a free one.")
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Address to bind for /metrics.")
@click.option("--otlp-endpoint", help="Send spans and metrics to this collector, such as http://localhost:4318.")
@click.option("--assume", multiple=True, help="name=value, where Snowflake's behaviour is open: mocks/assumptions.py.")
@click.option("--public-key", type=FILE, multiple=True, help="At most two PEMs.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=".cortex-harness", help="Development keys.")
def mock(assume: tuple[str, ...], public_key: tuple[Path, ...], state_dir: Path, **options: Any) -> None:
    """Stand in for Snowflake Cortex: replay recorded answers, frame by frame."""
    from e2e import keys
    from mocks import assumptions, cassette, scenario, server
    from mocks.state import Options

    try:
        public_keys = public_key or (keys.ensure(state_dir).public_key,)
    except OSError as error:
        hint = "Choose another folder with --state-dir, or name a key with --public-key."
        raise click.ClickException(f"{error.filename}: {error.strerror}. {hint}") from error
    given = {REPEATABLE.get(name, name): value for name, value in options.items() if value not in (None, ())}
    try:
        assumed = assumptions.parse(assume)
        server.run(Options(public_keys=public_keys, assume=assumed, **given), server.print_ready)
    except server.PortInUseError as error:
        raise click.ClickException(f"{error}. Choose another with --port, or 0 for a free one.") from error
    except (cassette.CassetteError, scenario.ScenarioFormatError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        hint = " Name the public key with --public-key." if Path(str(error.filename)) in public_keys else ""
        raise click.ClickException(f"{error.filename}: {error.strerror}.{hint}") from error


@main.command()
@click.option("--state-dir", type=click.Path(path_type=Path), default=".cortex-harness", help="Development keys.")
@click.option("--account", default="MYORG-BENCH", show_default=True, help="Account that the token names.")
@click.option("--user", default="CORTEX_PROXY_USER", show_default=True, help="User that the token names.")
def token(state_dir: Path, account: str, user: str) -> None:
    """Print a key-pair token that the mock of this folder accepts for an hour."""
    from e2e import keys
    from proxy.keypair import KeyPairSigner

    try:
        click.echo(KeyPairSigner(account, user, keys.ensure(state_dir).private_key).token())
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.option("--host", help="Address to bind.  [default: 127.0.0.1]")
@click.option("--port", type=PORT, help="0 takes a free port and prints it.  [default: 8080]")
def proxy(host: str | None, port: int | None) -> None:
    """Serve the proxy; its settings are CORTEX_PROXY_* variables, listed in proxy/settings.py."""
    from proxy import serve, settings, store

    try:
        serve.run(settings.load(host=host, port=port), serve.print_ready)
    except serve.PortInUseError as error:
        raise click.ClickException(f"{error}. Choose another with --port, or 0 for a free one.") from error
    except (settings.SettingsError, store.StoreError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


PARTS = ("start", "replay", "disconnect", "proxy", "leaks", "telemetry", "mock", "anonymise", "detectors", "recorder")
KEY_FILE, KEY_VARIABLE = ".cortex-harness/anonymisation.key", "CORTEX_HARNESS_KEY_FILE"


@main.command()
@click.option("--upstream", required=True, help="Origin to pass on to: a proxied account, the mock, anything.")
@click.option(
    "--out", type=FILE, required=True, help="The cassette to write, such as mocks/cassettes/mine/sales.jsonl."
)
@click.option(
    "--mode",
    type=click.Choice(["none", "once", "new_episodes", "all"]),
    help="What a cassette that is there already means.  [default: once; none where CI is set]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", type=PORT, default=4020, show_default=True, help="0 takes a free port and prints it.")
@click.option(
    "--key-file",
    envvar=KEY_VARIABLE,
    type=FILE,
    default=KEY_FILE,
    show_default=True,
    help="Made when it is not there; keep it.",
)
@click.option("--policy", type=FILE, help="Added to the shipped fixtures/policy.yaml.")
@click.option("--about", default="recorded interactions", show_default=True, help="What the cassette is about.")
@click.option("--plain", is_flag=True, help="A line for each exchange, on a terminal too.")
def record(upstream: str, out: Path, key_file: Path, **options: Any) -> None:
    """Stand between a client and an upstream, and make an anonymised cassette of what passes.

    Streams pass as they come; Ctrl-C keeps what is complete. Nothing is written before it is anonymised.
    """
    from mocks import cassette, recorder, recording

    try:
        sys.exit(recorder.run(upstream=upstream, out=out, key_file=key_file, **options))
    except (recording.RecordingError, cassette.CassetteError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A file, or a folder for several.")
@click.option(
    "--key-file",
    envvar=KEY_VARIABLE,
    type=FILE,
    default=KEY_FILE,
    show_default=True,
    help="The same key gives the same fakes.",
)
@click.option("--new-key", is_flag=True, help="Write a new key to --key-file first.")
@click.option("--policy", type=FILE, help="Added to the shipped fixtures/policy.yaml.")
@click.option("--table", help="The policy's name of the table.  [default: the file's name]")
@click.option("--encoding", default="utf-8", show_default=True, help="Of text files.")
@click.option("--resume/--fresh", default=True, help="Go on where a stopped run ended, or begin again.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="That share the work.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON.")
def anonymise(
    sources: tuple[Path, ...], out: Path, key_file: Path, new_key: bool, resume: bool, as_json: bool, **options: Any
) -> None:
    """Anonymise CSV, JSON lines, JSON, Parquet, HAR, mitmproxy flow and text files.

    Each target is whole or not there; its attestation is written beside it.
    """
    from fixtures.files import command
    from fixtures.files.run import Settings

    try:
        settings = Settings(command.key_of(key_file, is_new=new_key), fresh=not resume, **options)
        sys.exit(command.run(sources, out, settings, as_json=as_json, say=click.echo))
    except command.Failed as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--key-file", envvar=KEY_VARIABLE, type=FILE, help="Look for the originals that attestations name, too.")
@click.option("--policy", type=FILE, help="Added to the shipped fixtures/policy.yaml.")
@click.option("--attestation", "attestations", type=FILE, multiple=True, help="Cassettes and files behind PATHS.")
@click.option("--allowed", type=FILE, multiple=True, help="Further values that may stand, each with its reason.")
@click.option("--k", type=click.IntRange(min=1), help="Rows of a table that must agree in their quasi-identifiers.")
@click.option("--quasi", multiple=True, help="A further set of these: CITY,SEGMENT.")
@click.option("--drift", nargs=2, type=click.Path(path_type=Path, exists=True), help="Compare STORED with FRESH.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def verify(
    paths: tuple[Path, ...], quasi: tuple[str, ...], drift: tuple[Path, Path] | None, as_json: bool, **options: Any
) -> None:
    """Look for leaks in PATHS, or for drift between two recordings.

    Exit code 3: a leak, with file, line and kind, never the value. 4: drift.
    """
    if drift is not None:
        if paths:
            raise click.UsageError("--drift compares its own two recordings; PATHS are for leaks. Ask one at a time")
        _compare(*drift, as_json=as_json)
    if not paths:
        raise click.UsageError("name files or folders to look through, or two recordings with --drift STORED FRESH")
    _look_for_leaks(paths, tuple(tuple(each.split(",")) for each in quasi), as_json, options)


def _compare(stored: Path, fresh: Path, *, as_json: bool) -> None:
    from mocks import drift as room
    from mocks.cassette import CassetteError

    try:
        sys.exit(room.run(stored, fresh, say=click.echo, as_json=as_json))
    except CassetteError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


def _look_for_leaks(
    paths: tuple[Path, ...], quasi: tuple[tuple[str, ...], ...], as_json: bool, options: dict[str, Any]
) -> None:
    from fixtures import verify as room
    from fixtures.allowed import AllowedFormatError
    from fixtures.policy import PolicyError
    from fixtures.pseudonym import BadKey

    try:
        settings = room.Settings(quasi=quasi, as_json=as_json, **options)
        sys.exit(room.run(paths, settings, say=click.echo, note=lambda line: click.echo(line, err=True)))
    except (room.NothingToVerify, PolicyError, AllowedFormatError, BadKey) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


@main.command()
@click.option("--streams", type=click.IntRange(1, 490), default=50, show_default=True, help="Streams of the replay.")
@click.option(
    "--only",
    type=click.Choice(PARTS),
    multiple=True,
    help="This part alone; repeatable.  [default: start to telemetry]",
)
@click.option(
    "--mock", "only", flag_value="mock", multiple=True, help="The mock against aimock and WireMock, from npm."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def load(streams: int, only: tuple[str, ...], as_json: bool) -> None:
    """Measure mock and proxy: fidelity, lateness, lag, CPU, memory, leaks, start and disconnect.

    Exit code 1 says that a bar was missed.
    """
    from e2e.bench import report

    parts = [report.Part(each) for each in only] or report.USUAL
    figures = report.measure(streams=streams, parts=parts, say=lambda step: click.echo(f"{step} ...", err=True))
    click.echo(json.dumps(figures.as_json(), indent=2) if as_json else figures.as_text())
    sys.exit(0 if figures.all_reached else 1)


@main.group()
def contracts() -> None:
    """What each side promises: document, TypeScript package, pacts, and what a change breaks."""


@contracts.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 4 when the file is stale.")
def openapi(check: bool) -> None:
    """Write contracts/openapi.yaml from the models and the table of operations."""
    from proxy.openapi.document import as_yaml

    path, wanted = Path(__file__).with_name("contracts") / "openapi.yaml", as_yaml()
    is_current = path.exists() and path.read_text(encoding="utf-8") == wanted
    if check and not is_current:
        click.echo(f"{path} is stale: run 'python3 harness.py contracts openapi' and commit the result", err=True)
        sys.exit(4)
    if not is_current:
        path.write_text(wanted, encoding="utf-8")
    click.echo(f"{path} is current" if is_current else f"{path} is written")


@contracts.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 4 when the file is stale.")
def golden(check: bool) -> None:
    """Write contracts/golden.json: values that fit each schema of the document, and values that do not."""
    from contracts import golden as room

    sys.exit(room.run(check=check, say=click.echo))


@contracts.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 4 when a file is stale.")
def typescript(check: bool) -> None:
    """Write contracts/shared, the npm package, from contracts/openapi.yaml: types, Zod schemas, built client."""
    from contracts import nodejs
    from contracts import typescript as room

    try:
        sys.exit(room.run(check=check, say=click.echo))
    except (nodejs.NodeMissing, nodejs.InstallFailed, room.GenerationFailed) as error:
        raise click.ClickException(str(error)) from error


@contracts.command()
@click.argument("old", required=False)
@click.argument("new", default=".")
@click.option("--json", "as_json", is_flag=True, help="Changes as JSON, each with every place.")
@click.option("--rules", is_flag=True, help="Print what is checked instead.")
def compat(old: str | None, new: str, as_json: bool, rules: bool) -> None:
    """Look for what breaks clients between two OpenAPI 3.1 documents; exit code 1 when something does.

    OLD and NEW are files, folders that hold contracts/openapi.yaml, or git revisions: v0.1.0, v0.1.0:path/of/it.yaml.
    Without OLD it is the last released document, without NEW the working directory's.
    """
    from contracts import compat as room
    from contracts import release

    if rules:
        click.echo(room.overview())
        return
    sys.exit(room.run(old or release.newest(), new, as_json=as_json, say=click.echo))


@contracts.command()
@click.option("--since", metavar="REVISION", help="Of git.  [default: the last released document]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for review.md and review.html.")
def review(since: str | None, out: Path | None) -> None:
    """Make the review pack for frontend and backend: what changed, who breaks, and in which interaction.

    Without --out it prints the Markdown.
    """
    from contracts import review as room

    sys.exit(room.run(since, out=out, say=click.echo))


@contracts.command()
@click.option("--branch", help="What was built.  [default: the one that is checked out]")
@click.option("--build-url", help="Where the build's results are; the broker links to it.")
@click.option("--verify", is_flag=True, help="Run the providers' suites, too, and record how they went.")
def publish(branch: str | None, build_url: str | None, verify: bool) -> None:
    """Publish the pacts to the broker of PACT_BROKER_URL; without one they stay files, which is said.

    Credentials: PACT_BROKER_TOKEN, or PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD.
    """
    from contracts import broker as room

    sys.exit(room.publish(os.environ, click.echo, branch=branch, build_url=build_url, verify=verify))


@contracts.command(name="can-i-deploy")
@click.option("--pacticipant", required=True, help="Who is to be deployed: cortex-proxy, bench-frontend.")
@click.option("--to", required=True, help="The broker's name of the environment.")
@click.option("--ignore", multiple=True, help="A pacticipant whose versions nobody records; repeatable.")
@click.option("--first", is_flag=True, help="Nothing that it has a contract with is deployed there yet.")
def can_i_deploy(pacticipant: str, to: str, ignore: tuple[str, ...], first: bool) -> None:
    """Ask the broker whether this commit works with what is deployed; exit code 1 for no."""
    from contracts import broker as room

    sys.exit(room.can_i_deploy(os.environ, click.echo, pacticipant=pacticipant, to=to, ignore=ignore, first=first))


@contracts.command(name="record-deployment")
@click.option("--pacticipant", required=True, help="Who was deployed.")
@click.option("--to", required=True, help="The broker's name of the environment.")
def record_deployment(pacticipant: str, to: str) -> None:
    """Tell the broker that this commit is what runs in an environment now."""
    from contracts import broker as room

    sys.exit(room.record_deployment(os.environ, click.echo, pacticipant=pacticipant, to=to))


@main.group()
def export() -> None:
    """The recorded answers for other people's mocks, played through the proxy first."""


def _exported(kind: Literal["msw", "playwright"], options: dict[str, Any]) -> None:
    from e2e import frontdoor as room
    from e2e.hearing import FrontDoorError
    from e2e.stack import StackError
    from mocks.cassette import CassetteError
    from mocks.export import ExportError
    from mocks.scenario import ScenarioFormatError

    try:
        sys.exit(room.run(kind, say=lambda line: click.echo(line, err=True), **options))
    except (ExportError, FrontDoorError, StackError, CassetteError, ScenarioFormatError) as error:
        raise click.ClickException(str(error)) from error


@export.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="[default: mocks/msw]")
@click.option("--check", is_flag=True, help="Write nothing; exit code 4 when a file is stale.")
@click.option("--cassettes", type=FOLDER, help="Play these cassettes instead of the shipped ones.")
@click.option("--scenarios", type=FOLDER, help="Play these scenarios instead of the shipped ones.")
def msw(**options: Any) -> None:
    """Write the npm package of handlers for MSW 2 and 3."""
    _exported("msw", options)


@export.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="[default: mocks/playwright]")
@click.option("--check", is_flag=True, help="Write nothing; exit code 4 when a file is stale.")
@click.option("--cassettes", type=FOLDER, help="Play these cassettes instead of the shipped ones.")
@click.option("--scenarios", type=FOLDER, help="Play these scenarios instead of the shipped ones.")
def playwright(**options: Any) -> None:
    """Write the fixtures for Playwright, in Python and TypeScript."""
    _exported("playwright", options)


@main.group()
def dashboards() -> None:
    """Grafana and Prometheus as code: build, check, prove, show and import them."""


@dashboards.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 4 when a file is stale.")
def build(check: bool) -> None:
    """Write dashboards/generated (dashboards, rules, Grafana's form of the alerts), and the pages that quote them."""
    from dashboards import build as room
    from dashboards import catalogue, picture, runbook

    codes = [room.run(check=check)]
    codes += [page(["--check"] if check else []) for page in (runbook.main, catalogue.main)]
    codes.append(picture.main(["--check" if check else "--no-png"]))
    sys.exit(max(codes))


@dashboards.command(name="check")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--prometheus", help="Address of a Prometheus that is asked for each series, besides.")
@click.option("--promtool/--no-promtool", default=True, show_default=True, help="Have it check and test the rules.")
@click.option("--json", "as_json", is_flag=True, help="Faults as JSON.")
@click.option("--rules", is_flag=True, help="Print what is checked instead.")
def check_dashboards(
    paths: tuple[Path, ...], prometheus: str | None, promtool: bool, as_json: bool, rules: bool
) -> None:
    """Look for faults in dashboards, rules, provisioning and runbooks; without PATHS in our own."""
    from dashboards import check as room

    if rules:
        click.echo(room.overview())
        return
    sys.exit(room.run(paths, prometheus=prometheus, promtool=promtool, as_json=as_json, say=click.echo))


@dashboards.command()
@click.option("--url", envvar="GRAFANA_URL", required=True, help="Where Grafana is; GRAFANA_URL.")
@click.option("--token-file", type=FILE, help="Holds the token of a service account.")
@click.option("--token", envvar="GRAFANA_TOKEN", help="GRAFANA_TOKEN; on a command line others can read it.")
@click.option("--datasource", help="Prometheus, by uid or name.  [default: the only one]")
@click.option("--loki", help="Likewise.")
@click.option("--tempo", help="Likewise.")
@click.option(
    "--alerts/--no-alerts", default=True, show_default=True, help="Alert rules too; not where rules fire them."
)
@click.option("--runbooks", help="Address below which the runbooks are served, for the links of alerts.")
@click.option("--overwrite", is_flag=True, help="Also what somebody edited in Grafana meanwhile.")
@click.option("--dry-run", is_flag=True, help="Show what would change; exit code 4 when something would.")
def push(url: str, token: str | None, token_file: Path | None, **options: Any) -> None:
    """Import dashboards and alert rules into a Grafana: all of them, or none."""
    from dashboards import push as room

    try:
        secret = room.token_from(token, token_file)
    except room.PushError as error:
        raise click.UsageError(str(error)) from error
    sys.exit(room.run(url, secret, options=room.Options(**options), say=click.echo))


@dashboards.command()
@click.option("--fast", is_flag=True, help="Only the few rehearsals of every test run.")
@click.option("--mutate", is_flag=True, help="Break dashboards and rules, and count who notices.")
@click.option("--only", multiple=True, help="This rehearsal; repeatable.")
def prove(fast: bool, mutate: bool, only: tuple[str, ...]) -> None:
    """Play every scenario before a real Prometheus, and see what panels and alerts say.

    Without --fast and --only it writes docs/proof.md; with --mutate docs/mutations.md, too.
    """
    from dashboards import proof as room

    sys.exit(room.run(fast=fast, mutate=mutate, only=only, say=click.echo))


@dashboards.command()
@click.option("--port", type=PORT, default=9090, show_default=True, help="Prometheus; 0 takes a free one.")
@click.option("--grafana-port", type=PORT, default=3000, show_default=True, help="Grafana, or the preview without one.")
@click.option("--days", type=click.FloatRange(0.1, 60), default=14, show_default=True, help="How far the past reaches.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another one makes up another past.")
def demo(port: int, grafana_port: int, days: float, seed: int) -> None:
    """Show the dashboards over a made-up fortnight: a deploy, an incident, a quota storm."""
    from dashboards import backfill
    from dashboards import demo as room
    from e2e.stack import StackError

    try:
        sys.exit(room.run(port=port, days=days, seed=seed, grafana_port=grafana_port))
    except (room.DemoError, StackError, backfill.BackfillError) as error:
        raise click.ClickException(str(error)) from error


# Not interspersed: or click would keep the `--` for itself, behind which tox takes what is for pytest.
@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("tox_arguments", nargs=-1, type=click.UNPROCESSED)
def test(tox_arguments: tuple[str, ...]) -> None:
    """Run every check and test; arguments go to tox, e.g. `test -e unit`."""
    import subprocess

    if not Path(__file__).with_name("tox.ini").exists():
        raise click.ClickException("the tests come with the source: clone the repository, then python3 harness.py test")
    command = [sys.executable, "-m", "tox", "run", *tox_arguments]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    sys.exit(subprocess.run(command, check=False, env={**os.environ, "PATH": path}).returncode)  # noqa: S603 - ours


if __name__ == "__main__":
    main()
