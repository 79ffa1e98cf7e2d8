"""How many messages of an account a process may have asked permits for and not yet sent."""

from __future__ import annotations

from worker.slots import Slots

#: The window grows by so much for each message that kept its slot while others waited for room:
#: fast up to the size that was found good, and slowly beyond it, to find out whether more is.
FAST, SLOW = 0.2, 0.01

#: By so much the good size falls with each slot that was missed, while the window itself falls by
#: one: a single delay is soon made up for. Where the window is too large, it settles at a size
#: at which ``SLOW / DOUBT`` of the slots are missed.
DOUBT = 0.5

#: Where slots are this far off when they are leased, in seconds, a larger window would get no more
#: of them, and a smaller one no less. It falls by so much for each message that had to wait so
#: long: what misses its slot finds another one only where not all are leased.
AHEAD = 0.1
EXCESS = 0.05

#: A window is never narrower than this many messages, or than the account's places if those are
#: fewer: a slow account needs no more, and whoever sends nothing learns nothing.
LEAST = 100

#: Nor ever wider than this many messages.
MOST = 10_000


class Window:
    """Room for messages between the question for their permits and their answer.

    Permits are asked for long before messages leave, so there is room for more than there are
    places at the provider. But a slot that is leased and missed is lost to everybody, and a message
    that was claimed for it was claimed in vain: a process that cannot keep up asks for less.
    """

    def __init__(self, places: int) -> None:
        self._room = Slots(0)
        self.resize(places)

    @property
    def size(self) -> int:
        """For how many messages there is room."""
        return int(self._size)

    async def take(self, at_most: int) -> int:
        """Room for between one and ``at_most`` messages; see :meth:`worker.slots.Slots.take`."""
        return await self._room.take(at_most)

    def give(self, messages: int) -> None:
        """Put room back."""
        self._room.give(messages)

    def resize(self, places: int) -> None:
        """Begin anew for so many places at the provider."""
        self._least = min(places, LEAST)
        self._good = 2.0 * places
        self._resize(places)

    def kept(self, messages: int, ahead: float) -> None:
        """So many messages are in time for their slots, ``ahead`` seconds after they were ready."""
        if ahead > AHEAD:
            self._resize(max(self._size - EXCESS * messages, self._least))
        elif not self._room.wanted:
            return
        elif self._size < self._good:
            self._resize(min(self._size + FAST * messages, self._good))
        else:
            self._good = min(self._good + SLOW * messages, MOST)
            self._resize(self._good)

    def missed(self, messages: int) -> None:
        """So many slots were leased in vain."""
        self._good = max(self._good - DOUBT * messages, self._least)
        self._resize(max(min(self._size - messages, self._good), self._least))

    def _resize(self, size: float) -> None:
        self._size = size
        self._room.resize(self.size)
