"""TLS contexts: made once, verifying always."""

from __future__ import annotations

import functools
import ssl
from pathlib import Path

from gatepost.errors import GatepostError


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """The context of a listener. Raises `GatepostError` GP-6004 where the files are no certificate and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise GatepostError(
            "GP-6004",
            f"The TLS certificate {certificate} with the key {key} cannot be used: {error}.",
            "Give PEM files with --tls-cert (the whole chain) and --tls-key.",
        ) from None
    return context


@functools.cache
def client_context() -> ssl.SSLContext:
    """The context towards upstreams: the system's roots (and SSL_CERT_FILE), host names checked."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
