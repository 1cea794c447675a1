"""The Flask service between a page and Snowflake Cortex."""
