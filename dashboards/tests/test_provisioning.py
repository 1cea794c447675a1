"""What is mounted into Grafana, Prometheus and Alertmanager, and the compose file that mounts it.

There is no container engine here: container files are checked for what they say, programs of Debian's are asked where
they are at hand, and nothing is claimed to have run.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import promql_parser
import pytest
import yaml

import harness
from contracts.telemetry import METRICS, MetricKind
from dashboards import managed, rules, thresholds, traffic
from e2e import keys
from e2e.stack import running
from proxy import logs
from proxy.settings import ENV_PREFIX, load

ROOM = Path(__file__).parents[1]
ROOT = ROOM.parent
PROVISIONING = ROOM / "provisioning"
DATASOURCES = PROVISIONING / "grafana" / "datasources" / "cortex.yaml"
PROVIDER = PROVISIONING / "grafana" / "dashboards" / "cortex.yaml"
CONTACT = PROVISIONING / "grafana" / "alerting" / "contact-point.yaml.example"
PROMETHEUS = PROVISIONING / "prometheus" / "prometheus.yml"
LGTM = PROVISIONING / "lgtm" / "prometheus.yaml"
INTERVAL = f"{thresholds.SCRAPE_S}s"
GRAFANA_READS = (".yaml", ".yml", ".json")
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)[^}]*\}")
OWN_DOLLAR = re.compile(r"(?<!\$)\$(?!\$|\{CORTEX_)")


def parsed(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def texts(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def program(name: str) -> str:
    """A program of Debian's Prometheus packages."""
    found = shutil.which(name)
    assert found is not None, f"{name} is missing: apt-get install prometheus prometheus-alertmanager"
    return found


def checked(*command: str) -> str:
    """What a checker says of a file that it accepts."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - ours
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# --- Grafana ----------------------------------------------------------------------------------------------------------


def sources() -> dict[str, Any]:
    """The data sources by uid."""
    return {each["uid"]: each for each in parsed(DATASOURCES)["datasources"]}


def test_data_sources_are_one_of_each_kind_and_replace_nobodys() -> None:
    """Grafana finds them by name, so that names and uids are ours alone."""
    assert sorted(each["type"] for each in sources().values()) == ["loki", "prometheus", "tempo"]
    assert all(uid.startswith("cortex-") and each["name"].startswith("Cortex ") for uid, each in sources().items())


def test_prometheus_is_told_how_often_it_scrapes() -> None:
    """The same seconds in the data source, in both configurations and in thresholds."""
    told = sources()["cortex-prometheus"]["jsonData"]["timeInterval"]
    assert {told, *(parsed(path)["global"]["scrape_interval"] for path in (PROMETHEUS, LGTM))} == {INTERVAL}


def test_every_link_between_data_sources_ends_at_one() -> None:
    """Traces, logs, metrics and correlations name uids that the file itself provides."""
    named = set(re.findall(r"(?:datasourceUid|targetUID): (\S+)", DATASOURCES.read_text(encoding="utf-8")))
    assert named == set(sources())


def test_dollars_are_doubled() -> None:
    """Only the addresses are variables of Grafana's environment; a lonely dollar would become one."""
    found = list(texts(parsed(DATASOURCES)))
    assert [text for text in found if OWN_DOLLAR.search(text)] == []
    assert {name for text in found for name in VARIABLE.findall(text)} == {
        "CORTEX_PROMETHEUS_URL",
        "CORTEX_LOKI_URL",
        "CORTEX_TEMPO_URL",
    }


@pytest.mark.parametrize("text", ["{${__tags}}", "rate(x{$__tags}[5m])", "$value"])
def test_a_single_dollar_would_be_found(text: str) -> None:
    """The check above can fail."""
    assert OWN_DOLLAR.search(text)


def test_a_log_line_leads_to_its_trace_and_its_metric() -> None:
    """The patterns find trace and reason in a line as the proxy writes it, and the fields are ones that it logs."""
    line = json.dumps({"event": "stream ended", "traceId": "0af7651916cd43dd8448eb211c80319c", "reason": "truncated"})
    loki = sources()["cortex-loki"]
    (in_line,) = [each for each in loki["jsonData"]["derivedFields"] if each.get("matcherType") != "label"]
    (correlation,) = loki["correlations"]
    (step,) = correlation["config"]["transformations"]
    assert re.search(in_line["matcherRegex"], line)[1] == "0af7651916cd43dd8448eb211c80319c"  # type: ignore[index]
    assert re.search(step["expression"], line)[1] == "truncated"  # type: ignore[index]
    assert {in_line["name"], step["mapValue"]} <= logs.FIELDS


def test_the_correlation_has_what_grafana_needs_of_it() -> None:
    """A description, or Grafana does not start; the type within config, where every version takes it."""
    (correlation,) = sources()["cortex-loki"]["correlations"]
    assert correlation["description"]
    assert (correlation["config"]["type"], "type" in correlation) == ("query", False)


def queries() -> list[str]:
    """The PromQL in the data sources, as Grafana sends it."""
    loki, tempo = sources()["cortex-loki"], sources()["cortex-tempo"]
    found = [each["query"] for each in tempo["jsonData"]["tracesToMetrics"]["queries"]]
    found += [each["config"]["target"]["expr"] for each in loki["correlations"]]
    return [query.replace("$$__tags", 'job="cortex-proxy"').replace("$${reason}", "truncated") for query in found]


@pytest.mark.parametrize("query", queries())
def test_queries_of_links_name_what_is_in_the_catalogue(query: str) -> None:
    """They parse, and ask for metrics and labels that the proxy has."""
    promql_parser.parse(query)
    known = {metric.exposed: metric for metric in METRICS}
    (name,) = re.findall(r"\b(cortex_\w+)\{", query)
    metric = known[name.removesuffix("_bucket")]
    assert name.endswith("_bucket") is (metric.kind is MetricKind.HISTOGRAM)
    grouped = set(re.findall(r"by \(([\w, ]+)\)", query)[0].split(", "))
    asked = set(re.findall(r"(\w+)=\"", query)) | grouped
    assert asked <= {*metric.exposed_labels, "job", "le"}


def test_the_provider_is_read_only_and_cleans_up() -> None:
    """Renamed dashboards go, changes in the browser are refused, the folder has a fixed uid."""
    (provider,) = parsed(PROVIDER)["providers"]
    assert (provider["disableDeletion"], provider["allowUiUpdates"]) == (False, False)
    assert (provider["folder"], provider["folderUid"]) == ("Cortex", "cortex")
    assert provider["options"] == {"path": "${CORTEX_DASHBOARDS}"}


def test_managed_alerts_fit_the_data_source_and_another_folder() -> None:
    """Grafana reads alerts before dashboards: under the same title it would make a folder without our uid."""
    (provider,) = parsed(PROVIDER)["providers"]
    for document in managed.documents().values():
        for group in document["groups"]:
            assert group["folder"] != provider["folder"]
            asked = {query["datasourceUid"] for rule in group["rules"] for query in rule["data"]}
            assert asked <= {*sources(), "__expr__"}


def test_no_file_takes_over_the_notification_policies() -> None:
    """A contact point is an example that Grafana does not read, and no file provides a policy tree."""
    assert CONTACT.suffix not in GRAFANA_READS
    assert parsed(CONTACT)["contactPoints"][0]["name"] == "Cortex"
    documents = [parsed(path) for path in PROVISIONING.rglob("*") if path.suffix in (*GRAFANA_READS, ".example")]
    assert len(documents) >= 6
    assert [document for document in documents if "policies" in document] == []


# --- Prometheus and Alertmanager --------------------------------------------------------------------------------------


def configuration(path: Path) -> Any:
    """A configuration as Debian's Prometheus knows it: `otlp` came with a later one."""
    return {key: value for key, value in parsed(path).items() if key != "otlp"}


@pytest.mark.parametrize("path", [PROMETHEUS, LGTM], ids=["plain", "lgtm"])
def test_prometheus_accepts_its_configuration(path: Path, tmp_path: Path) -> None:
    """With every rule file beside it, as the README and compose.yaml put them."""
    written = rules.write(tmp_path / "rules")
    (tmp_path / path.name).write_text(yaml.safe_dump(configuration(path)), encoding="utf-8")
    told = checked(program("promtool"), "check", "config", str(tmp_path / path.name))
    assert f"{len(written)} rule files found" in told


@pytest.mark.parametrize("path", [PROMETHEUS, LGTM], ids=["plain", "lgtm"])
def test_jobs_are_called_as_rules_expect(path: Path) -> None:
    """By both ways a job has the same name, and rules are evaluated as often as alerts assume."""
    found = parsed(path)
    assert {job["job_name"] for job in found["scrape_configs"]} == {thresholds.PROXY_JOB, thresholds.MOCK_JOB}
    assert found["global"]["evaluation_interval"] == f"{thresholds.EVALUATION_S}s"
    ports = [target.rpartition(":")[2] for job in found["scrape_configs"] for target in _targets(job)]
    assert ports == ["9464", "9465"]


def _targets(job: Any) -> list[str]:
    return [target for each in job["static_configs"] for target in each["targets"]]


def test_what_is_pushed_is_not_scraped_as_well() -> None:
    """Beside the pushes a scrape keeps nothing, so that nothing counts twice; alone it keeps everything."""
    kept = [job.get("metric_relabel_configs", []) for job in parsed(PROMETHEUS)["scrape_configs"]]
    assert kept == [[], []]
    for job in parsed(LGTM)["scrape_configs"]:
        assert job["metric_relabel_configs"] == [{"source_labels": ["__name__"], "regex": ".+", "action": "drop"}]


def test_pushed_names_are_those_of_a_scrape() -> None:
    """With suffixes and underscores: queries are written for those."""
    assert parsed(LGTM)["otlp"]["translation_strategy"] == "UnderscoreEscapingWithSuffixes"


@pytest.mark.parametrize("path", [PROVISIONING / "lgtm" / "alertmanager.yml", ROOM / "alertmanager.example.yml"])
def test_alertmanager_accepts_its_configuration(path: Path) -> None:
    """Both the quiet one of compose.yaml and the example."""
    assert "SUCCESS" in checked(program("amtool"), "check-config", str(path))


# --- compose ----------------------------------------------------------------------------------------------------------


def compose() -> Any:
    """The parsed compose file."""
    return parsed(ROOM / "compose.yaml")


def defaulted(text: str) -> str:
    """What a value is without a .env."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def faults(document: Any) -> list[str]:
    """What a compose file must not have: open ports, writable or missing mounts, unpinned images, secrets."""
    return [fault for name, service in document["services"].items() for fault in _service_faults(name, service)]


def _service_faults(name: str, service: Any) -> Iterator[str]:
    yield from (
        f"{name}: port {p} is open to others" for p in service.get("ports", []) if not p.startswith("127.0.0.1:")
    )
    yield from (f"{name}: {fault}" for mount in service.get("volumes", []) for fault in _mount_faults(mount))
    _, _, tag = defaulted(service["image"]).rpartition(":")
    if service["image"] not in built_here() and not re.fullmatch(r"v?\d+\.\d+\.\d+", tag):
        yield f"{name}: image {service['image']} is not pinned"
    for variable, value in service.get("environment", {}).items():
        if re.search(r"password|token|secret|key", variable, re.IGNORECASE) or "@" in str(value):
            yield f"{name}: {variable} may be a secret"
    if "healthcheck" not in service:
        yield f"{name}: nobody sees whether it works"


def _mount_faults(mount: str) -> Iterator[str]:
    source, _, rest = mount.partition(":")
    if source.startswith("."):
        if not rest.endswith(":ro"):
            yield f"{mount} can be written"
        if not (ROOM / source).exists():
            yield f"{source} does not exist"


def built_here() -> set[str]:
    """Images that the compose file builds."""
    return {service["image"] for service in compose()["services"].values() if "build" in service}


def test_the_compose_file_is_safe_and_complete() -> None:
    """Only this machine reaches a port, mounts are there and read-only, images are pinned, no secret is in it."""
    assert faults(compose()) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"ports": ["3000:3000"]}, "port 3000:3000 is open to others"),
        ({"volumes": ["./generated/rules:/rules"]}, "can be written"),
        ({"volumes": ["./no-such:/rules:ro"]}, "./no-such does not exist"),
        ({"image": "docker.io/grafana/otel-lgtm:latest"}, "is not pinned"),
        ({"environment": {"GF_SECURITY_ADMIN_PASSWORD": "admin"}}, "may be a secret"),
    ],
    ids=["port", "writable", "missing", "unpinned", "secret"],
)
def test_an_unsafe_compose_file_would_be_found(change: dict[str, Any], fault: str) -> None:
    """The check above can fail."""
    document = compose()
    document["services"]["lgtm"] |= change
    assert any(fault in each for each in faults(document))


def test_every_variable_is_explained() -> None:
    """What .env can set is in .env.example, with the value that holds without it."""
    used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (ROOM / "compose.yaml").read_text(encoding="utf-8")))
    lines = (ROOM / ".env.example").read_text(encoding="utf-8").splitlines()
    assert dict(line.split("=", 1) for line in lines if line and not line.startswith("#")) == used


def test_grafana_gets_every_variable_that_its_files_read() -> None:
    """A missing one would be an empty address."""
    read = {name for path in (DATASOURCES, PROVIDER) for text in texts(parsed(path)) for name in VARIABLE.findall(text)}
    environment = compose()["services"]["lgtm"]["environment"]
    assert read == {name for name in environment if name.startswith("CORTEX_")}
    mounts = {mount.split(":")[1] for mount in compose()["services"]["lgtm"]["volumes"] if mount.startswith(".")}
    assert environment["CORTEX_DASHBOARDS"] in mounts
    home = Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (str(home.parent), (ROOM / "generated" / "dashboards" / home.name).exists()) == (
        environment["CORTEX_DASHBOARDS"],
        True,
    )


def test_containers_start_commands_that_exist() -> None:
    """Every option of theirs is one of the command's, with a value that it takes."""
    services = compose()["services"]
    program_name, command, *options = services["mock"]["command"]
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert program_name in scripts
    found = harness.main.get_command(click.Context(harness.main), command)
    assert found is not None
    given = found.make_context(command, options).params
    assert (given["metrics_port"], given["strict"], given["otlp_endpoint"]) == (9465, False, "http://lgtm:4318")
    assert services["load"]["command"][:3] == ["python", "-m", traffic.__name__]
    asked = traffic.main.make_context("traffic", [defaulted(each) for each in services["load"]["command"][3:]]).params
    assert (asked["url"], asked["per_minute"]) == ("http://127.0.0.1:8080", 20)


def test_the_proxy_starts_with_its_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its own settings accept what the file gives, with the keys that the mock makes in the folder they share."""
    service = compose()["services"]["proxy"]
    lines = (ROOM / service["env_file"]).read_text(encoding="utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if line.startswith(ENV_PREFIX)) | service["environment"]
    (folder,) = [mount.split(":")[1] for mount in service["volumes"] if mount.startswith("state:")]
    assert f"state:{folder}" in compose()["services"]["mock"]["volumes"]
    keys.ensure(tmp_path / ".cortex-harness")
    monkeypatch.chdir(tmp_path)
    mounted = {mount.split(":")[1]: ROOM / mount.split(":")[0] for mount in service["volumes"] if mount.startswith(".")}
    for name, value in given.items():
        monkeypatch.setenv(name, str(mounted[value].resolve()) if value in mounted else value)
    settings = load()
    assert (settings.snowflake_url, settings.metrics_port) == ("http://127.0.0.1:4010", 9464)
    assert service["network_mode"] == "service:mock"


def test_healthchecks_ask_what_answers() -> None:
    """Run against a running mock and proxy, they succeed; where nobody listens, they fail."""
    services = compose()["services"]
    with running(pace=0) as stack:
        for name, port, url in (("mock", "4010", stack.mock_url), ("proxy", "8080", stack.proxy_url)):
            kind, python, *arguments = services[name]["healthcheck"]["test"]
            assert (kind, python) == ("CMD", "python")
            for there, works in ((url, True), ("http://127.0.0.1:9", False)):
                asked = [each.replace(f"http://127.0.0.1:{port}", there) for each in arguments]
                done = subprocess.run([sys.executable, *asked], capture_output=True, check=False, timeout=20)  # noqa: S603
                assert (done.returncode == 0) is works, (name, done.stderr)


def test_what_prometheus_scrapes_is_a_service() -> None:
    """Every target's host is a service of the network, and so is whoever is alerted and pushed to."""
    services = {name for name, each in compose()["services"].items() if "networks" in each}
    found = parsed(LGTM)
    hosts = {target.partition(":")[0] for job in found["scrape_configs"] for target in _targets(job)}
    hosts |= {target.partition(":")[0] for each in found["alerting"]["alertmanagers"] for target in _targets(each)}
    assert hosts <= services


def test_keys_and_caches_stay_out_of_images() -> None:
    """What git ignores is not sent to whoever builds, and nothing that is copied by name is left out."""
    ignored = {line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] != "#"}
    assert {".git", ".venv", ".tox", "**/.cortex-harness", "**/.env"} <= ignored
    image = (ROOM / "Containerfile").read_text(encoding="utf-8")
    copied = {name for line in re.findall(r"^COPY (?!--)(.*) \S+$", image, re.MULTILINE) for name in line.split()}
    assert len(copied) > 8
    assert copied & ignored == set()


def test_the_image_of_the_mock_is_made_of_what_is_locked() -> None:
    """Hashes are required, the installer is the project's, no folder is missing, the user is the proxy's."""
    image = (ROOM / "Containerfile").read_text(encoding="utf-8")
    proxys = (ROOT / "proxy" / "deploy" / "Containerfile").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "--require-hashes --no-deps" in image
    assert "uv export --frozen --extra up" in image
    for each in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert f"COPY {each} {each}" in image
    for pattern in (r"uv==\S+", r"^USER .*", r"^FROM (?!.*AS).*", r"install -d .*"):
        assert re.findall(pattern, image, re.MULTILINE) == re.findall(pattern, proxys, re.MULTILINE)
