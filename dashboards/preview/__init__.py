"""Dashboards drawn without Grafana: a look at their JSON with real answers of a Prometheus, and no proof of Grafana."""
