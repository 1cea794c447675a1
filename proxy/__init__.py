"""The Flask service between a page and Snowflake Cortex."""

VERSION = "0.1.0"
