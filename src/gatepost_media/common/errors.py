"""Everything that can go wrong and that a person can act on.

The text of a MediaError is a sentence for the user that says what to do. A tool call that ends in one is answered with
`isError: true` and that sentence. No text here ever holds a token, a header or a query.
"""

from __future__ import annotations


class MediaError(Exception):
    """The base of all of them."""


class NotConfigured(MediaError):
    """An address or a credential was never given. Differs from an empty answer."""


class NotSignedIn(MediaError):
    """There is no token, or the service refused the one there is."""


class NotFound(MediaError):
    """The service knows no such thing."""


class RateLimited(MediaError):
    """The service asks to wait."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        """Seconds the service asked for, or None where it did not say."""


class Unreachable(MediaError):
    """No connection, no answer in time, or an answer that says that the service is out of order."""


class Refused(MediaError):
    """The service understood and said no, or answered with something that cannot be used."""


class BadArgument(MediaError):
    """An argument outside of what its schema allows. Nothing was sent."""

    def __init__(self, argument: str, problem: str) -> None:
        super().__init__(f"{argument}: {problem}")
        self.argument = argument
