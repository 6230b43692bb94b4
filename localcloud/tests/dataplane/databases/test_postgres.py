"""Tests without packets: password verifiers and configuration files."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

from localcloud.dataplane.databases import postgres

from .stored import DATABASE


def test_a_verifier_belongs_to_the_password_and_its_salt() -> None:
    found = postgres.scram_verifier("pencil", b"salt-of-16-bytes")
    assert found == postgres.scram_verifier("pencil", b"salt-of-16-bytes")
    assert found.split(":")[1].startswith(base64.b64encode(b"salt-of-16-bytes").decode())
    assert found != postgres.scram_verifier("pencil2", b"salt-of-16-bytes")
    assert found != postgres.scram_verifier("pencil")
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", b"salt-of-16-bytes", 4096)
    assert base64.b64encode(salted).decode() not in found


def test_parameters_cannot_undo_what_the_service_decides() -> None:
    given = (("ssl", "0"), ("listen_addresses", "nowhere"), ("work_mem", "it's"), ("max_connections", "{Memory/9}"))
    text = postgres.configuration(replace(DATABASE, parameters=given))
    assert "ssl = 'on'" in text
    assert "nowhere" not in text
    assert "work_mem = 'it''s'" in text
    assert "max_connections" not in text


def test_connections_need_tls_unless_a_parameter_allows_otherwise() -> None:
    assert "\nhostssl all all all scram-sha-256" in postgres.access(DATABASE)
    relaxed = postgres.access(replace(DATABASE, parameters=(("rds.force_ssl", "0"),)))
    assert "\nhost all all all scram-sha-256" in relaxed
    assert "host all rdsadmin all reject" in relaxed
