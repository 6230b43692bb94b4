"""The file with a container's environment."""

from __future__ import annotations

from tests.support.templates import render


def test_a_containers_environment_is_one_line_a_variable() -> None:
    variables = {
        "NAME": "backend-1",
        "VERSION": "1.2.3",
        "DBCONNECTIONSTRING": "host=db password=a=b#c sslmode=verify-full",
    }
    lines = render("release", "env.j2", release_environment=variables).splitlines()
    assert dict(line.split("=", 1) for line in lines) == variables
