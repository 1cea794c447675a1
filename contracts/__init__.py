"""What each side promises: the client API, the part of Snowflake's wire we rely on, and the errors of both."""
