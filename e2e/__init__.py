"""The whole thing running: set-up, stack, page, browser stories, load."""
