"""Staging smoke: does this deployment work right now, asked as one client would, in under a minute.

    python -m e2e.smoke --target https://cortex.example.com

visit.py    what one run knows, and how it asks         checks.py   every check, in the order it is told
line.py     the connection: TCP, TLS, the certificate   turn.py     a turn of chat and the rule it keeps
run.py      the waves of checks, and their deadlines    result.py   what is told: text, JSON, JUnit, Prometheus

Read-only: it opens one session, asks one question and each tool once, and deletes its own turn and session afterwards.
Nothing else is written, no limit is provoked, no browser is needed.
"""
