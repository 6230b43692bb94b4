"""The whole deployment on a local cloud of its own: what only shows when all parts work together."""
