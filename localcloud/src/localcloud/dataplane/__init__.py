"""The data plane: makes real, with packets, what the API says should exist."""
