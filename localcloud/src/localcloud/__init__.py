"""The local cloud: AWS on one Linux machine. moto answers the API, and what the API says is made real."""
