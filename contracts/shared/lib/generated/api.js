// Generated from contracts/openapi.yaml by `python3 harness.py contracts typescript`. Do not edit.
export {};
