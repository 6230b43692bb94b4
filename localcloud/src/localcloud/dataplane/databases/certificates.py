"""The cloud's certificate authority, in place of RDS's. Clients verify databases with its bundle."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localcloud.settings import Settings

YEARS_OF_AUTHORITY = 10
DAYS_OF_SERVER = 365
CLOCK_SKEW = datetime.timedelta(hours=1)


class CertificateAuthority:
    """Created once per cloud and kept in its state directory."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.state_dir / "pki"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o755)
        if not self._key_file.exists() or not self.bundle.exists():
            self._make(settings.name)
        key = load_pem_private_key(self._key_file.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - created here
        self._key = key
        self._certificate = x509.load_pem_x509_certificate(self.bundle.read_bytes())

    @property
    def bundle(self) -> Path:
        """The authority's certificate (PEM, readable by everyone): `sslrootcert` for clients."""
        return self._folder / "ca.pem"

    @property
    def _key_file(self) -> Path:
        return self._folder / "authority.key"

    def issue(self, name: str) -> tuple[bytes, bytes]:
        """A server certificate for a DNS name and its private key, both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        # A common name is limited to 64 characters; clients verify the alternative name.
        builder = _builder(name[:64], self._certificate.subject, key, datetime.timedelta(days=DAYS_OF_SERVER))
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM), _pem(key)

    def _make(self, cloud: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"Local cloud {cloud} RDS root")
        valid = datetime.timedelta(days=365 * YEARS_OF_AUTHORITY)
        certificate = (
            _builder(f"Local cloud {cloud} RDS root", subject, key, valid)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        write_private(self._key_file, _pem(key))
        self.bundle.write_bytes(certificate.public_bytes(Encoding.PEM))
        self.bundle.chmod(0o644)


def write_private(path: Path, content: bytes, owner: int = 0) -> None:
    """Atomically replace a file that only its owner (user ID) may read."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        os.fchown(file.fileno(), owner, -1)
        file.write(content)
    new.rename(path)


def _builder(
    name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + valid)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
