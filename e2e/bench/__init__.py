"""Measurements: a raw-socket client that stamps every frame, and the tables that `cortex-harness load` prints.

Speed is claimed from here only, as ratios or against a schedule taken in the same run, never from timed unit tests.
"""
