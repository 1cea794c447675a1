"""Official clients against the mock; each script here runs in an environment of its own."""
