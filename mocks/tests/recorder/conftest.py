"""Collected where mitmproxy is installed, which is an environment of its own: `python3 harness.py test -e record`."""

from __future__ import annotations

import importlib
import warnings
from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("mitmproxy") else ["test_*.py"]

if find_spec("mitmproxy"):
    with warnings.catch_warnings():
        # Libraries of mitmproxy's warn when they are imported, each release of others; here warnings are errors.
        warnings.simplefilter("ignore")
        importlib.import_module("mitmproxy.addons")
