"""What Trakt's answers that are not a success mean, each as the error that says what to do."""

from __future__ import annotations

import json

from gatepost_media.common.errors import MediaError, NotConfigured, NotFound, NotSignedIn, Refused, Unreachable
from gatepost_media.common.http import MAYBE, SAFE, Answer, failure

SIGN_IN = (
    "Sign in with start_device_auth and then check_auth_status on the Trakt server, "
    "or with trakt_authenticate on the Plex server."
)


class OverLimit(Refused):
    """The account is full (420). `limit` is how many it may hold, where Trakt said it."""

    def __init__(self, text: str, limit: int | None) -> None:
        super().__init__(text)
        self.limit = limit


class AlreadyThere(Refused):
    """Trakt refuses to record the same thing twice (409). Times are as Trakt wrote them, UTC."""

    def __init__(self, text: str, expires_at: str | None, watched_at: str | None) -> None:
        super().__init__(text)
        self.expires_at = expires_at
        self.watched_at = watched_at


def refusal(answer: Answer, what: str, method: str = "GET") -> MediaError:
    """The error that fits an answer outside 200 to 299. `what` names what was asked for: "the show the-wire"."""
    status = answer.status
    match status:
        case 400:
            return Refused(f"Trakt could not read the request for {what} (400).")
        case 401:
            return NotSignedIn(f"Trakt does not accept this sign-in (401). {SIGN_IN}")
        case 403:
            return NotConfigured("Trakt does not accept the application (403). Check TRAKT_CLIENT_ID.")
        case 404:
            return NotFound(
                f"Trakt knows no such thing: {what} (404). Search for it, and use the id or slug found there."
            )
        case 409:
            said = _object(answer)
            until, watched = _text(said.get("expires_at")), _text(said.get("watched_at"))
            when = f" It can be sent again from {until}." if until else ""
            return AlreadyThere(f"Trakt has this already and does not record it twice (409).{when}", until, watched)
        case 412:
            return Refused(f"Trakt does not do that while something else is missing (412): {what}.")
        case 420:
            limit = answer.headers.get("x-account-limit", "")
            how_many = f" of {limit}" if limit.isdigit() else ""
            return OverLimit(
                f"The Trakt account's limit{how_many} is reached (420); nothing was added. Remove something first"
                f"{_upgrade(answer)}.",
                int(limit) if limit.isdigit() else None,
            )
        case 422:
            return Refused(f"Trakt does not accept the values for {what} (422){_fields(answer)}.")
        case 423:
            return Refused(
                "The Trakt account is locked (423), by its owner or by Trakt. Only Trakt's support can unlock it: "
                "https://support.trakt.tv."
            )
        case 426:
            return Refused(f"Trakt offers that to VIP accounts only (426){_upgrade(answer)}.")
        case 429:
            return failure(answer)
        case 500:
            failed = "Trakt failed over this request (500); if it stays so, Trakt has a fault."
            return Unreachable(failed + (" Try again later." if method in SAFE else MAYBE))
        case 520 | 521 | 522:
            failed = f"Trakt's own network is out of order ({status})."
            return Unreachable(failed + (" Try again in some minutes." if method in SAFE else MAYBE))
    return failure(answer, method)


def _upgrade(answer: Answer) -> str:
    url = answer.headers.get("x-upgrade-url", "")
    return f", or see {url}" if url.startswith("https://") and url.isascii() and url.isprintable() else ""


def _fields(answer: Answer) -> str:
    """What Trakt says of each field, kept short."""
    errors = _object(answer).get("errors")
    if not isinstance(errors, dict) or not errors:
        return ""
    said = [f"{name} {value[0] if isinstance(value, list) and value else value}" for name, value in errors.items()]
    return ": " + "; ".join(" ".join(each.split())[:100] for each in said[:5])


def _object(answer: Answer) -> dict[str, object]:
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) < 50 else None
