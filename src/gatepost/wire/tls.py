"""TLS contexts: TLS 1.2 and later, and a client that verifies always."""

from __future__ import annotations

import ssl
from pathlib import Path

from gatepost.errors import GatepostError


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """The context of a listener.

    Args:
        certificate: PEM, the whole chain.
        key: PEM, not encrypted.

    Raises:
        GatepostError: GP-6004, the files are no certificate and its key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise GatepostError(
            "GP-6004",
            f"The TLS certificate {certificate} with the key {key} cannot be used: {_why(error)}.",
            "Give PEM files with --tls-cert (the whole chain) and --tls-key (without a passphrase).",
        ) from None
    return context


def names_of(certificate: Path) -> tuple[str, ...]:
    """The hosts that a certificate is for (RFC 6125: its subject alternative names alone), in its order and lower case.

    An IPv6 address stands in brackets, as in a URL; a name may begin with `*.`. Raises as `server_context` does.
    """
    from cryptography import x509  # only a listener with TLS needs it

    try:
        (own, *_) = x509.load_pem_x509_certificates(certificate.read_bytes())
        names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    except (OSError, ValueError) as error:
        raise GatepostError(
            "GP-6004", f"The TLS certificate {certificate} cannot be read: {_why(error)}.", "Give a PEM file."
        ) from None
    found = []
    for name in names:
        if isinstance(name, x509.DNSName):
            found.append(name.value.lower())
        elif isinstance(name, x509.IPAddress):
            text = str(name.value)
            found.append(f"[{text}]" if ":" in text else text)
    return tuple(found)


def client_context(roots: Path | None = None) -> ssl.SSLContext:
    """A context towards upstreams: the chain and the host name are verified.

    Args:
        roots: PEM, the authorities to trust. None trusts the system's (and those of SSL_CERT_FILE, SSL_CERT_DIR).

    Raises:
        GatepostError: GP-6004, the file holds no authority.
    """
    try:
        context = ssl.create_default_context(cafile=roots)
    except (OSError, ssl.SSLError) as error:
        raise GatepostError(
            "GP-6004", f"The authorities in {roots} cannot be used: {_why(error)}.", "Give a PEM file."
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    """Without this, OpenSSL would ask on the terminal."""
    raise ValueError("the key is encrypted")


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
