"""The files in `deploy/`: what they say agrees with the code, and nginx passes events on as they arrive."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.api import PREFIX
from proxy import VERSION
from proxy.lifecycle import longest_stop_s
from proxy.policies import Policies
from proxy.serve import KILL_MARGIN_S
from proxy.settings import ENV_PREFIX, Settings, load
from proxy.tests.conftest import Keys, MakeApp
from proxy.tests.served import Client, serving
from proxy.tests.upstream import DEADLINE_S, EVENTS, Exchange, Upstream, until

DEPLOY = Path(__file__).parents[1] / "deploy"
ROOT = DEPLOY.parents[1]
NGINX = "nginx"
ENVIRONMENTS = ("development", "staging", "production")
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


def variables(environment: str) -> dict[str, str]:
    """What a settings file sets."""
    lines = (DEPLOY / "env" / f"{environment}.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def manifest(name: str) -> Any:
    """One parsed manifest."""
    return yaml.safe_load((DEPLOY / "kubernetes" / f"{name}.yaml").read_text(encoding="utf-8"))


def compose() -> Any:
    """The parsed compose file."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def load_environment(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings of a file, with real files in place of the secrets."""
    files = {
        "PRIVATE_KEY_FILE": str(keys.private_key),
        "SESSION_KEY_FILE": str(keys.session_key),
        "CLIENT_KEY_FILE": str(keys.client_key),
        "NEXT_SESSION_KEY_FILE": str(tmp_path / "absent"),
    }

    def loaded(environment: str) -> Settings:
        for name, value in variables(environment).items():
            monkeypatch.setenv(name, files.get(name.removeprefix(ENV_PREFIX), value))
        if environment == "production":  # as compose and the deployment give it
            monkeypatch.setenv(f"{ENV_PREFIX}REDIS_URL", compose()["services"]["proxy"]["environment"][REDIS])
        return load()

    return loaded


REDIS = f"{ENV_PREFIX}REDIS_URL"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_settings_file_is_accepted(load_environment: Any, environment: str) -> None:
    """The proxy would start with it: every name is a setting, every value fits, all fit together."""
    settings = load_environment(environment)
    assert settings.environment == ("development" if environment == "development" else "production")
    assert settings.is_live is (environment != "development")
    assert (settings.port, settings.metrics_port) == (8080, 9464)


def test_an_unknown_name_in_a_settings_file_would_be_found(
    load_environment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check above can fail."""
    monkeypatch.setenv(f"{ENV_PREFIX}NO_SUCH_SETTING", "1")
    with pytest.raises(Exception, match="there is no such setting"):
        load_environment("staging")


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_each_manifest_is_one_document_of_its_kind(path: Path) -> None:
    """Every manifest parses, and the kustomization names it."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"apiVersion", "kind"} <= set(document)
    if path.stem != "kustomization":
        assert document["metadata"]["name"] == "cortex-proxy"
        assert path.name in manifest("kustomization")["resources"]


def pod() -> Any:
    """The deployment's pod."""
    return manifest("deployment")["spec"]["template"]["spec"]


def test_the_pod_has_time_to_drain(load_environment: Any) -> None:
    """Before Kubernetes kills it there is time for preStop, notice, drain, flush and the server's own margin."""
    settings, found = load_environment("production"), pod()
    (container,) = found["containers"]
    prestop_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    needed_s = prestop_s + longest_stop_s(settings.drain_s, settings.drain_notice_s) + KILL_MARGIN_S
    assert found["terminationGracePeriodSeconds"] > needed_s
    grace = compose()["services"]["proxy"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > needed_s - prestop_s


def test_the_notice_is_long_enough_to_be_seen(load_environment: Any) -> None:
    """The readiness probe fails at least once before anybody is refused."""
    (container,) = pod()["containers"]
    probe = container["readinessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] < load_environment("production").drain_notice_s


def test_probes_and_ports_are_the_codes(load_environment: Any, make_app: MakeApp) -> None:
    """Kubernetes asks paths that are answered, on the port that is listened on, and for each process's metrics."""
    client = make_app().test_client()  # before the environment is production's
    settings = load_environment("production")
    (container,) = pod()["containers"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert ports == {
        "http": settings.port,
        "metrics": settings.metrics_port,
        **{f"metrics-{index}": settings.metrics_port + index for index in range(1, settings.processes)},
    }
    asked = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {each["port"] for each in asked.values()} == {"http"}
    assert {name: each["path"] for name, each in asked.items()} == {
        "startup": "/livez",
        "liveness": "/livez",
        "readiness": "/readyz",
    }
    assert {client.get(each["path"]).status_code for each in asked.values()} == {200}
    metrics = manifest("network-policy")["spec"]["ingress"][1]["ports"][0]
    assert range(metrics["port"], metrics["endPort"] + 1) == range(
        settings.metrics_port, settings.metrics_port + settings.processes
    )
    published = {int(each.rpartition(":")[2]) for each in compose()["services"]["proxy"]["ports"]}
    assert published == set(ports.values())
    assert manifest("service")["spec"]["ports"][0]["targetPort"] == "http"


def test_the_pod_can_do_little() -> None:
    """No root, no capability, nothing to write to but memory, no token of the cluster; keys are for its group."""
    found = pod()
    (container,) = found["containers"]
    assert found["securityContext"]["runAsNonRoot"] is True
    assert found["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    (secret,) = [each["secret"] for each in found["volumes"] if "secret" in each]
    assert secret["defaultMode"] == 0o440
    proxy = compose()["services"]["proxy"]
    assert (proxy["read_only"], proxy["cap_drop"]) == (True, ["ALL"])
    assert all(each.startswith("127.0.0.1:") for each in proxy["ports"])


def test_the_pod_reaches_snowflake_redis_and_names_alone() -> None:
    """Nothing else is let out, and 443 leads neither into the cluster nor to the cloud's metadata."""
    rules = manifest("network-policy")["spec"]["egress"]
    allowed = {port["port"]: rule["to"][0] for rule in rules for port in rule["ports"]}
    assert set(allowed) == {53, 443, 6379}
    assert {"10.0.0.0/8", "169.254.0.0/16"} <= set(allowed[443]["ipBlock"]["except"])


def test_secrets_are_where_the_settings_look(load_environment: Any) -> None:
    """Each secret file of production is mounted, by compose and by Kubernetes, under the same name."""
    load_environment("production")
    paths = {value for name, value in variables("production").items() if name.endswith("KEY_FILE")}
    (mount,) = [each["mountPath"] for each in pod()["containers"][0]["volumeMounts"] if each["name"] == "keys"]
    assert {str(Path(path).parent) for path in paths} == {mount}
    given = compose()["services"]["proxy"]["secrets"]
    assert {f"/run/secrets/{name}" for name in given} | {"/run/secrets/next_session_key"} == paths
    assert set(compose()["secrets"]) == set(given)


def test_the_image_is_made_of_what_is_locked() -> None:
    """Hashes are required, the installer is the project's, the user is the pod's; no folder is missing."""
    image = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "--require-hashes --no-deps" in image
    assert "uv export --frozen --extra proxy" in image
    (installer,) = [each for each in project["dependency-groups"]["tools"] if each.startswith("uv==")]
    assert f"pip install --no-cache-dir {installer}" in image
    assert f"USER {pod()['securityContext']['runAsUser']}:" in image
    for folder in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert f"COPY {folder} {folder}" in image
    assert all(name in image for name in ("uv.lock", *project["project"]["license-files"][:1], "README.md"))
    command = re.search(r'ENTRYPOINT \["([\w-]+)", "proxy"\]', image)
    assert command is not None
    assert command[1] in project["project"]["scripts"]
    assert pod()["containers"][0]["image"].endswith(f":{VERSION}")


def test_snowflake_grants_reading_to_the_names_of_the_settings() -> None:
    """The set-up names the role, user, warehouse and objects that the settings do, and grants nothing that writes."""
    sql = (DEPLOY / "snowflake_setup.sql").read_text(encoding="utf-8")
    production = variables("production")
    defaults = {name: str(field.default) for name, field in Settings.model_fields.items()}
    for name in ("USER", "ROLE", "WAREHOUSE"):
        assert re.search(rf"\b{production[ENV_PREFIX + name]}\b", sql), name
    for name in ("database", "schema_name", "agent", "search_service", "semantic_view"):
        assert defaults[name] in sql, name
    granted = set(re.findall(r"^GRANT ([A-Z ]+?) ON ", sql, re.MULTILINE))
    assert granted == {"USAGE", "SELECT"}
    timeouts = {int(found) for found in re.findall(r"STATEMENT_TIMEOUT_IN_SECONDS = (\d+)", sql)}
    assert timeouts == {int(Policies().tool_sql.deadline_s)}


# --- nginx ----------------------------------------------------------------------------------------------------------


@contextmanager
def nginx(folder: Path, keys: Keys, proxy_port: int) -> Iterator[int]:
    """The real nginx with our file, in front of a proxy; yields its TLS port."""
    program = shutil.which(NGINX) or shutil.which(NGINX, path="/usr/sbin")
    assert program is not None, "nginx is not installed: apt-get install nginx-light"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    ours = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for ours_is, tests_is in [
        ("server 127.0.0.1:8080 ", f"server 127.0.0.1:{proxy_port} "),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/nginx/tls/fullchain.pem", str(keys.certificate)),
        ("/etc/nginx/tls/key.pem", str(keys.certificate)),
    ]:
        assert ours.count(ours_is) == 1, ours_is
        ours = ours.replace(ours_is, tests_is)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr notice;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{ours}\n}}\n",
        encoding="utf-8",
    )
    command = [program, "-e", "stderr", "-p", str(folder), "-c", str(config)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=DEADLINE_S, check=False)  # noqa: S603
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr
    with (folder / "nginx.log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:  # noqa: S603
        try:
            until(lambda: _listens(port), "nginx listens")
            yield port
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def connect(port: int, keys: Keys) -> ssl.SSLSocket:
    """A TLS connection to nginx."""
    context = ssl.create_default_context(cafile=str(keys.certificate))
    sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    return context.wrap_socket(sock, server_hostname="127.0.0.1")


def behind(keys: Keys, upstream: Upstream, **changed: Any) -> Settings:
    """A proxy that trusts one hop."""
    given: dict[str, Any] = {
        "environment": "production",
        "snowflake_url": upstream.url,
        "account": "A",
        "user": "U",
        "private_key_file": keys.private_key,
        "session_key_file": keys.session_key,
        "client_key_file": keys.client_key,
        "history_file": ":memory:",
        "trusted_proxies": 1,
    }
    return Settings(**given | changed)


def test_events_pass_nginx_as_they_arrive(tmp_path: Path, keys: Keys) -> None:
    """The first event is read while Snowflake still holds the second; a client that leaves ends the run."""
    may_go_on = threading.Event()

    def answer(exchange: Exchange) -> None:
        exchange.stream(EVENTS[0])
        assert may_go_on.wait(DEADLINE_S)
        exchange.chunk(EVENTS[1])
        exchange.wait_left()

    with (
        Upstream(answer) as upstream,
        serving(behind(keys, upstream), tmp_path / "proxy.log") as served,
        nginx(tmp_path, keys, served.port) as port,
    ):
        client_key = keys.client_key.read_text(encoding="utf-8").strip()
        token = served.post(f"{PREFIX}/session/token", b"", **{"X-Client-Key": client_key})
        body = b'{"sessionId":"%s","message":"q"}' % token["sessionId"].encode()
        head = [
            f"POST {PREFIX}/chat HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/json",
            f"Authorization: Bearer {token['token']}",
            f"Content-Length: {len(body)}",
        ]
        sock = connect(port, keys)
        sock.sendall("\r\n".join([*head, "", ""]).encode() + body)
        with Client(sock) as client:
            client.head()
            assert (client.status, client.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
            assert "max-age=" in client.headers["strict-transport-security"]
            assert "gunicorn" not in client.headers["server"]
            received = b""
            while EVENTS[0] not in received:
                received += client.chunk()
            assert EVENTS[1] not in received
            may_go_on.set()
            while EVENTS[1] not in received:
                received += client.chunk()
        assert upstream.seen[-1].left.wait(DEADLINE_S)


def test_only_the_api_is_published(tmp_path: Path, keys: Keys) -> None:
    """Probes at the root and metrics are not for everybody."""
    with (
        Upstream(lambda exchange: exchange.json({})) as upstream,
        serving(behind(keys, upstream), tmp_path / "proxy.log") as served,
        nginx(tmp_path, keys, served.port) as port,
    ):
        for path, status in [("/readyz", 404), ("/metrics", 404), (f"{PREFIX}/readyz", 200)]:
            with connect(port, keys) as sock:
                sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
                assert int(sock.recv(65_536).split(b" ")[1]) == status, path


def test_nginx_waits_longer_than_the_proxy_is_silent() -> None:
    """Its patience covers the longest wait for a first byte and the heartbeat; its largest body is the policies'."""
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    found = {name: int(value) for name, value in re.findall(r"(\w+_timeout) (\d+)s;", text)}
    policies: list[Any] = [policy for _, policy in Policies()]
    assert found["proxy_read_timeout"] > max(policy.header_timeout_s for policy in policies)
    assert found["proxy_read_timeout"] > Settings.model_fields["heartbeat_s"].default
    (mib,) = re.findall(r"client_max_body_size (\d+)m;", text)
    assert int(mib) * 1024 * 1024 == Policies().largest_body_bytes()
