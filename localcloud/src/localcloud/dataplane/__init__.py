"""The data plane: makes the API's resources real."""
