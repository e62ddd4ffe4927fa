"""One connection that sends one request after the other and times each to its last byte."""

from __future__ import annotations

import socket
import time
from types import TracebackType

from bench import traffic
from bench.load import Target
from bench.procs import BenchError


class Client:
    """Context manager. Blocking sockets, no parsing beyond the end of the response, so that it adds little of its
    own.
    """

    def __init__(self, target: Target, seconds: float = 60) -> None:
        self.target = target
        self.socket = socket.create_connection(("127.0.0.1", target.port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def request(self, method: str, name: str | None, body: bytes) -> bytes:
        fields = traffic.headers(method, name, self.target.token)
        return traffic.request(self.target.port, self.target.path, fields, body)

    def timed(self, request: bytes) -> tuple[float, bytes]:
        """(seconds from the first byte sent to the last received, response body). Raises BenchError unless it is a
        200.
        """
        began = time.perf_counter()
        self.socket.sendall(request)
        chunks = []
        head = b""
        size = 0
        while True:
            data = self.socket.recv(262_144)
            if not data:
                raise BenchError("the connection was closed before the response was complete")
            chunks.append(data)
            size += len(data)
            if not head:
                joined = b"".join(chunks)
                end = joined.find(b"\r\n\r\n") + 4
                if end < 4:
                    continue
                head, chunks = joined[:end].lower(), [joined[end:]]
                size = len(chunks[0])
                length = _length(head)
            if (size >= length) if length is not None else _last(chunks):
                break
        took = time.perf_counter() - began
        body = b"".join(chunks)
        if not head.startswith(b"http/1.1 200"):
            raise BenchError(f"answered {head[:40]!r} {body[:200]!r}")
        return took, body


def _length(head: bytes) -> int | None:
    at = head.find(b"\r\ncontent-length:")
    return None if at < 0 else int(head[at + 17 : head.find(b"\r\n", at + 17)])


def _last(chunks: list[bytes]) -> bool:
    """Whether these chunks end with HTTP's last chunk."""
    tail = chunks[-1] if len(chunks[-1]) >= 7 or len(chunks) == 1 else chunks[-2] + chunks[-1]
    return tail.endswith(b"\r\n0\r\n\r\n")
