"""What servers beside us are told: what is shipped for users, with other addresses."""

from __future__ import annotations

import pytest
import yaml

from e2e import servers

NGINX = servers.SHIPPED_NGINX.read_text(encoding="utf-8")
URLS = ("http://127.0.0.1:1001", "http://127.0.0.1:1002")


def test_nginx_balances_as_shipped() -> None:
    """Every line of the shipped file stands but addresses, TLS and what is kept from the public."""
    ours = servers.balancing(NGINX, URLS, 1000)
    assert "    server 127.0.0.1:1001 max_fails=0;\n    server 127.0.0.1:1002 max_fails=0;\n" in ours
    assert "    listen 127.0.0.1:1000;\n" in ours
    gone = [line.split()[0] for line in NGINX.splitlines() if line not in ours.splitlines()]
    tls = ["ssl_certificate", "ssl_certificate_key", "ssl_protocols"]
    assert gone == ["server", "listen", *tls, "location", "#", "return"]
    assert "proxy_buffering off;" in ours


@pytest.mark.parametrize("line", ["listen 443 ssl;", "server 127.0.0.1:8080 ", "return 404;"])
def test_a_shipped_file_that_changed_is_noticed(line: str) -> None:
    """What is no longer there cannot be taken for replaced."""
    assert NGINX.count(line) == 1
    with pytest.raises(AssertionError, match=r"the shipped nginx\.conf has .* 0 times"):
        servers.balancing(NGINX.replace(line, "another;"), URLS, 1000)


def test_prometheus_scrapes_the_shipped_jobs() -> None:
    """Each shipped job has our targets, every interval is a second, and the rules are those that are shipped."""
    targets = {servers.PROXY_JOB: ["127.0.0.1:1", "127.0.0.1:2"], servers.MOCK_JOB: ["127.0.0.1:3"]}
    ours = servers.scraping(targets, "http://127.0.0.1:4")
    shipped = yaml.safe_load(servers.SHIPPED_PROMETHEUS.read_text(encoding="utf-8"))
    assert {job["job_name"] for job in shipped["scrape_configs"]} == set(targets)
    assert {job["job_name"]: job["static_configs"] for job in ours["scrape_configs"]} == {
        name: [{"targets": each}] for name, each in targets.items()
    }
    assert (set(ours["global"]), set(ours["global"].values())) == (set(shipped["global"]), {"1s"})
    assert ours["alerting"]["alertmanagers"][0]["static_configs"] == [{"targets": ["127.0.0.1:4"]}]
    assert list(servers.SHIPPED_RULES.glob("*.yaml"))


def test_without_an_alertmanager_nobody_is_told() -> None:
    """The shipped address is not asked."""
    ours = servers.scraping({servers.PROXY_JOB: [], servers.MOCK_JOB: []})
    assert ours["alerting"]["alertmanagers"][0]["static_configs"] == []
