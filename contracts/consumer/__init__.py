"""What consumers rely on: tests that write pacts, with the consumers' own code."""
