"""What `make test` runs: every step of the tests, in an order that fails early."""
