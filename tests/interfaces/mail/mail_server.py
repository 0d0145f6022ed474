"""A mail server on loopback, spoken to over a real socket (aiosmtpd): what it was handed, and how it misbehaves."""

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
USER, PASSWORD = "lastro", "planted smtp password"

Fault = Literal["none", "silent", "stuck", "busy", "refuse"]


@dataclass
class MailServer:
    """Letters as they came. `silent` keeps a letter and hangs up before it says so, `stuck` never says anything.

    `busy` is 451, `refuse` is 554.
    """

    fault: Fault = "none"
    unknown: set[str] = field(default_factory=set)
    letters: list[EmailMessage] = field(default_factory=list)
    logins: list[bool] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802, PLR0917 - the library's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if address in self.unknown:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        del session
        if self.fault in {"busy", "refuse"}:
            return {"busy": "451 come again", "refuse": "554 not that"}[self.fault]
        assert isinstance(server.transport, asyncio.WriteTransport)
        self.secured.append(server.transport.get_extra_info("ssl_object") is not None)
        assert isinstance(envelope.content, bytes)
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
        if self.fault == "silent":
            server.transport.abort()
        if self.fault == "stuck":
            await asyncio.Event().wait()
        return "250 taken"

    def login(self, server: SMTP, session: Session, envelope: Envelope, *said: object) -> AuthResult:
        del server, session, envelope
        login = said[1]
        assert isinstance(login, LoginPassword)
        is_good = (login.login, login.password) == (USER.encode(), PASSWORD.encode())
        self.logins.append(is_good)
        return AuthResult(success=is_good, handled=False)


@contextmanager
def serving(
    server: MailServer, *, tls: Literal["starttls", "tls", "none"] = "none", certificate: Path | None = None
) -> Iterator[MailServer]:
    """Run the server in a thread, on a port of its own that it keeps when it is started again."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def talk() -> SMTP:
        return SMTP(
            server,
            hostname="localhost",
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            authenticator=server.login if tls != "none" else None,
            auth_required=tls == "starttls",
            auth_require_tls=tls == "starttls",
            loop=loop,
        )

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="mail server")
    thread.start()

    async def listen() -> asyncio.Server:
        return await loop.create_server(talk, HOST, server.port, ssl=context if tls == "tls" else None)

    async def close(listening: asyncio.Server) -> None:
        listening.close()
        running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    listening = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(close(listening), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def self_signed(directory: Path) -> Path:
    """Make a certificate for this machine, in one file with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(HOST))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = directory / "certificate.pem"
    path.write_bytes(secret + certificate.public_bytes(pem))
    return path
