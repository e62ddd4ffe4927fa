"""What waits for Trakt, told through whatever Trakt does meanwhile."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from gatepost_media.common.errors import MediaError, NotFound, NotSignedIn, RateLimited, Refused, Unreachable
from gatepost_media.sync.delivery import Delivery
from gatepost_media.sync.playing import Send
from gatepost_media.trakt.client import ScrobbleOutcome

LATER = (Unreachable("down"), RateLimited("wait", 0.0), NotSignedIn("sign in"))
NEVER = (NotFound("unknown"), Refused("no"))

SENDS = st.builds(
    Send,
    session=st.sampled_from("12"),
    item=st.sampled_from("ab"),
    action=st.sampled_from(["start", "pause", "stop"]),
    progress=st.sampled_from([1.0, 50.0, 80.0, 99.0]),
)
ANSWERS = st.lists(st.none() | st.sampled_from([*LATER, *NEVER]), max_size=12)


@given(st.lists(st.lists(SENDS, max_size=4), max_size=4), ANSWERS)
def test_every_play_is_told_until_it_is_heard_in_order_and_nothing_after_that(
    groups: list[list[Send]], answers: list[MediaError | None]
) -> None:
    asked: list[tuple[Send, MediaError | None]] = []
    script = iter(answers)

    async def tell(send: Send) -> ScrobbleOutcome:
        error = next(script, None)
        asked.append((send, error))
        await asyncio.sleep(0)
        if error is not None:
            raise error
        return ScrobbleOutcome("scrobble" if send.is_play else "pause", send.progress)

    async def course() -> Delivery:
        delivery = Delivery(tell, first_pause=0.0)
        running = asyncio.create_task(delivery.run())
        for group in groups:
            delivery.add(group)
            await asyncio.sleep(0)
        await delivery.drained()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return delivery

    delivery = asyncio.run(course())
    queued = [send for group in groups for send in group]
    settled = [send for send, error in asked if error is None or not isinstance(error, LATER_KINDS)]
    assert delivery.waiting == 0 and delivery.problem is None
    for about in {(send.session, send.item) for send in queued}:
        mine = [send for send in queued if (send.session, send.item) == about]
        heard = [send for send in settled if (send.session, send.item) == about]
        remaining = iter(mine)
        assert all(any(send is other for other in remaining) for send in heard)  # in order, each once at most
        assert [send for send in heard if send.is_play] == [send for send in mine if send.is_play]
        assert not mine or heard[-1] is mine[-1]
    assert sum(delivery.counts.values()) == len(settled)


LATER_KINDS = (Unreachable, RateLimited, NotSignedIn)


def test_a_title_over_which_trakt_always_fails_does_not_hold_up_the_others() -> None:
    heard: list[str] = []

    async def course() -> None:
        async def tell(send: Send) -> ScrobbleOutcome:
            if send.item == "bad":
                raise Unreachable("500")
            heard.append(send.item)
            return ScrobbleOutcome("scrobble", send.progress)

        delivery = Delivery(tell, first_pause=0.0)
        delivery.add([Send("1", item, "stop", 99.0) for item in ("bad", "good", "better")])
        running = asyncio.create_task(delivery.run())
        while len(heard) < 2:
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert delivery.waiting == 1

    asyncio.run(course())
    assert heard == ["good", "better"]


def test_of_a_queue_that_grows_without_end_the_plays_are_kept() -> None:
    async def course() -> int:
        async def tell(_: Send) -> ScrobbleOutcome:
            raise Unreachable("down")

        delivery = Delivery(tell)
        delivery.add([Send(str(n), "a", "start", 5.0) for n in range(1_000)])
        delivery.add([Send("x", "a", "stop", 99.0)])
        return delivery.waiting

    assert asyncio.run(course()) == 1
