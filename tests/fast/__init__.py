"""Tests that need no cloud: templates, the access matrix, filters, argument specs, inventory, teardown."""
