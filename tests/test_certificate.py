"""The server's own certificate: read anew when its files change, while connections stay open."""

from __future__ import annotations

import asyncio
import datetime
import logging
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def self_signed(name):
    """A certificate for a name and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    return made.public_bytes(pem), key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)


@pytest.fixture
def files(tmp_path):
    """Where the certificate and its key are: ``put(name)`` writes both."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"

    def put(name):
        made = self_signed(name)
        cert.write_bytes(made[0])
        key.write_bytes(made[1])

    put("one.example")
    return cert, key, put


async def connected(server):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return await asyncio.open_connection("127.0.0.1", server.server.port, ssl=context)


async def name_of(server):
    """The name in the certificate that a new connection gets."""
    _, writer = await connected(server)
    found = x509.load_der_x509_certificate(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
    writer.close()
    return found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


async def test_a_renewed_certificate_is_taken_over(chat, files, caplog):
    cert, key, put = files
    tls = {"tls": {"cert": str(cert), "key": str(key)}}
    async with chat(settings={"server": tls}) as server:
        certificate = server.server.listener.certificate
        reader, writer = await connected(server)
        assert await name_of(server) == "one.example"
        put("two.example")
        assert await name_of(server) == "one.example"
        certificate.refresh()
        assert await name_of(server) == "two.example"
        # Half a renewal, rubbish, and no file at all: the one in use goes on, and it is said once.
        for break_it in (
            lambda: cert.write_bytes(self_signed("three.example")[0]),
            lambda: key.write_bytes(b"rubbish"),
            cert.unlink,
        ):
            break_it()
            caplog.clear()
            certificate.refresh()
            certificate.refresh()
            assert len([each for each in caplog.records if each.levelno == logging.WARNING]) <= 1
            assert await name_of(server) == "two.example"
        put("four.example")
        certificate.refresh()
        assert await name_of(server) == "four.example"
        # A connection of before is none of its business.
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b" 200 " in await reader.readline()
        writer.close()
