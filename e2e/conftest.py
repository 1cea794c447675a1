"""Every suite here has the stories' fixtures and options.

Imported rather than named in `pytest_plugins`: what a conftest holds goes before pytest-playwright's own `base_url`.
"""

from e2e.plugin import *  # noqa: F403

collect_ignore = ["template"]
"""What a team copies brings a conftest of its own, and is tested as a copy."""
