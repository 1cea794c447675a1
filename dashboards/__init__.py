"""Grafana and Prometheus as code, and the proof that they tell the truth."""
