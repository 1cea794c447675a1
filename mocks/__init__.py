"""The stand-in for Snowflake Cortex: recorded answers, replayed frame by frame."""
