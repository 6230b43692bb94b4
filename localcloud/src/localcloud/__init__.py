"""The local cloud: AWS on one Linux machine. moto answers the API, and the data plane makes it real."""
