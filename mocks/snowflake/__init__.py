"""The stateful parts of Snowflake that recorded answers cannot stand in for."""
