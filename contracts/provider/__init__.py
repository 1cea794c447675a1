"""Provider suites: whoever is promised to keep a pact is asked to keep it."""
