"""Which of these tests are collected where.

grafana-client cannot live beside the proxy (it replaces its urllib3), so its tests run in an environment of their own:
`python3 harness.py test -e push`.
"""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("grafana_client") else ["push"]
