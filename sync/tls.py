"""TLS to the broker: the context of a connection, and its failures in words.

Files are read anew for every attempt, so that renewed certificates count from the next
connection on. Every sentence says what is wrong and, behind a semicolon, what to do.
"""

import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sync.certificates import State, real_now, standings
from sync.credentials import exposure
from sync.link import Broker

_EXPIRED, _EARLY = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED, …_NOT_YET_VALID
_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH
_UNKNOWN_CA = (18, 19, 20, 21)  # self-signed, self-signed in chain, no issuer (two)
_ALERTS = (
    ("CERTIFICATE_REQUIRED", "the broker wants a certificate of us; {ours}"),
    ("HANDSHAKE_FAILURE", "the broker ended the handshake; {ours}"),
    (
        "UNKNOWN_CA",
        (
            "the broker does not know the authority of our certificate {cert}; it must"
            " be signed by the one in the broker's cafile"
        ),
    ),
    (
        "CERTIFICATE_EXPIRED",
        (
            "the broker says that our certificate {cert} has expired; renew it, or set"
            " the broker's clock"
        ),
    ),
    ("CERTIFICATE_REVOKED", "our certificate {cert} was revoked; a new one is needed"),
    (
        "BAD_CERTIFICATE",
        (
            "the broker does not take our certificate {cert}; see the broker's log, and"
            " that its clock is right"
        ),
    ),
    (
        "PROTOCOL_VERSION",
        "the broker and we have no version of TLS in common; it must allow 1.2 or 1.3",
    ),
)


class TlsFileError(Exception):
    """A file of the configuration cannot be used; the reason in words."""


class HandshakeCutError(OSError):
    """The other side hung up in the middle of the handshake."""


class WatchedSocket(ssl.SSLSocket):
    """A socket that remembers why it failed: the library above it does not.

    It is closed when its handshake fails, which the library forgets as well.
    """

    failure: ssl.SSLError | None = None

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as in ssl
        """Shake hands."""
        try:
            super().do_handshake(block)
        except (ConnectionError, ssl.SSLEOFError) as error:
            self.close()
            raise HandshakeCutError from error
        except (OSError, ValueError):
            self.close()
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Receive; a broker that refuses a certificate says so only here (TLS 1.3)."""
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self.failure = error
            raise


def is_wanted(broker: Broker) -> bool:
    """Say whether a connection is to use TLS."""
    return bool(broker.tls_ca or broker.tls_cert)


def context(broker: Broker) -> ssl.SSLContext:
    """Build the context of one attempt from the files as they are now.

    Raises:
        TlsFileError: one of them cannot be used.
    """
    try:
        made = ssl.create_default_context(cafile=broker.tls_ca or None)
    except (OSError, ValueError) as error:
        raise TlsFileError(_unusable("tls_ca", broker.tls_ca, error)) from None
    made.sslsocket_class = WatchedSocket
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if broker.tls_cert:
        key = broker.tls_key or broker.tls_cert
        for name, path in (("tls_cert", broker.tls_cert), ("tls_key", key)):
            if not os.access(path, os.R_OK):
                raise TlsFileError(_unusable(name, path, _why_not(path)))
        try:
            made.load_cert_chain(broker.tls_cert, key, password=_nobody_to_ask)
        except (OSError, ValueError) as error:
            raise TlsFileError(_pair(broker.tls_cert, key, error)) from None
    return made


def _nobody_to_ask() -> str:
    """Answer for a key with a passphrase; without this OpenSSL would ask a terminal."""
    raise ValueError("a passphrase protects it")


def _why_not(path: str) -> OSError:
    """Return why a file cannot be read."""
    try:
        with Path(path).open("rb"):
            return OSError("it cannot be read")
    except OSError as error:
        return error


def _unusable(key: str, path: str, error: Exception) -> str:
    reason = getattr(error, "strerror", None)
    if isinstance(error, ssl.SSLError) or not reason:
        reason = "it holds no certificate"
    return f"{key} {path} cannot be used: {reason}; correct the file or its name"


def _pair(cert: str, key: str, error: Exception) -> str:
    """Say what is wrong with a certificate and its key; never what stands in them."""
    reason = getattr(error, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return (
            f"tls_key {key} is not the key of tls_cert {cert}; copy both from one place"
        )
    if isinstance(error, ValueError) and not isinstance(error, ssl.SSLError):
        return (
            f"a passphrase protects tls_key {key}; store the key without one, readable"
            " by the service alone"
        )
    return (
        f"tls_cert {cert} or tls_key {key} is damaged or no PEM file; copy them again"
    )


def explain(error: Exception, broker: Broker) -> str:
    """Say why an attempt with TLS failed, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _verification(error, broker)
    where = f"{broker.host}:{broker.port}"
    if isinstance(error, HandshakeCutError) or _is_plain(error):
        return f"no TLS is spoken at {where}; see the port, 8883 is usual with TLS"
    if not isinstance(error, ssl.SSLError):
        return str(error) or type(error).__name__
    reason = str(error.reason or "").upper()
    for mark, words in _ALERTS:
        if mark in reason:
            return words.format(cert=broker.tls_cert, ours=_ours(broker))
    return f"TLS with {where} failed: {reason or error}; see the broker's log"


def _is_plain(error: Exception) -> bool:
    """Say whether the answer was none of TLS."""
    return getattr(error, "reason", None) == "WRONG_VERSION_NUMBER"


def _ours(broker: Broker) -> str:
    if broker.tls_cert:
        return f"see whether {broker.tls_cert} is one of its authority"
    return "name one as tls_cert and its key as tls_key under [mqtt]"


def _verification(error: ssl.SSLCertVerificationError, broker: Broker) -> str:
    code, now = error.verify_code, real_now()
    if code in _NAME:
        return (
            f"the broker's certificate is not for the name {broker.host}; write one of"
            " its names as host under [mqtt], or make one with this name"
        )
    if code in _UNKNOWN_CA:
        ca = broker.tls_ca or "the system"
        return (
            f"the broker's certificate is of an authority that is not in {ca}; tls_ca"
            " must be the ca.crt of this site"
        )
    clock = f"the clock of this machine says {now:%Y-%m-%d %H:%M} UTC"
    if code == _EARLY:
        return f"{clock} and the broker's certificate is not valid yet; set the clock"
    if code == _EXPIRED:
        return f"the broker's certificate has expired ({clock}); renew it on the broker"
    return (
        f"the broker's certificate is refused: {error.verify_message}; see the broker"
    )


def suspicion(broker: Broker) -> str:
    """Say what is wrong with our own files when the broker hung up without a word."""
    for one in standings("", broker.tls_cert, real_now()):
        if one.state in {State.EARLY, State.EXPIRED, State.UNREADABLE}:
            return one.words
    return ""


def concerns(broker: Broker) -> Iterator[tuple[str, str]]:
    """Yield what should be seen to though it works: key of the file, and words."""
    for one in standings(broker.tls_ca, broker.tls_cert, real_now()):
        if one.words:
            yield one.key, one.words
    key = "tls_key" if broker.tls_key else "tls_cert"
    for name, path in (
        (key, broker.tls_key or broker.tls_cert),
        ("password_file", broker.password_file),
    ):
        if words := exposure(path):
            yield name, words


def failure(sock: Any) -> ssl.SSLError | None:
    """Return what TLS said when it ended a connection after the handshake."""
    return sock.failure if isinstance(sock, WatchedSocket) else None


def peer_until(sock: Any) -> datetime | None:
    """Return until when the broker's certificate is valid, where there is one."""
    if not isinstance(sock, ssl.SSLSocket):
        return None
    ends = (sock.getpeercert() or {}).get("notAfter")
    if not isinstance(ends, str):
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
