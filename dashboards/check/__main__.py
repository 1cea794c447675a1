"""`python -m dashboards.check [--rules] [PATH...]`: check files, or print the table of rules."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dashboards.check import overview, run


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--prometheus", help="Address of a Prometheus that is asked for each series, besides.")
@click.option(
    "--promtool/--no-promtool", default=True, show_default=True, help="Have promtool check and test the rules."
)
@click.option("--json", "as_json", is_flag=True, help="Faults as JSON.")
@click.option("--rules", is_flag=True, help="Print the rules instead, as a table in Markdown.")
def main(paths: tuple[Path, ...], prometheus: str | None, promtool: bool, as_json: bool, rules: bool) -> None:
    """Check dashboards, rules, provisioning and runbooks; without paths, our own."""
    if rules:
        click.echo(overview())
        return
    sys.exit(run(paths, prometheus=prometheus, promtool=promtool, as_json=as_json, say=click.echo))


if __name__ == "__main__":
    main()
