"""A queue in which owners take turns, so that nobody waits behind all that another put in."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from estafette.core.errors import Busy

Item = TypeVar("Item", bound=Hashable)

RETRY_SECONDS = 1


class Turns(Generic[Item]):
    """A bounded queue. Within an owner's items first come is first served; owners take turns.

    So however much of one owner waits, another's first item waits for one of each at most.
    """

    def __init__(self, *, most: int, most_each: int) -> None:
        """At most `most` items wait, at most `most_each` of one owner."""
        self._most = most
        self._most_each = most_each
        self._count = 0
        self._waiting: OrderedDict[Hashable, dict[Item, None]] = OrderedDict()

    def __len__(self) -> int:
        """How many items wait."""
        return self._count

    def add(self, owner: Hashable, item: Item) -> None:
        """Lets an item wait that is equal to no other. Raises Busy where too many wait."""
        own = self._waiting.get(owner, {})
        if self._count >= self._most or len(own) >= self._most_each:
            raise Busy(RETRY_SECONDS)
        self._waiting.setdefault(owner, own)[item] = None
        self._count += 1

    def next(
        self, may: Callable[[Hashable], bool] = lambda _: True
    ) -> tuple[Hashable, Item] | None:
        """Takes the item whose turn it is, of those owners who `may`; None when there is none."""
        for owner in filter(may, self._waiting):
            item = next(iter(self._waiting[owner]))
            self._waiting.move_to_end(owner)
            self.remove(owner, item)
            return owner, item
        return None

    def remove(self, owner: Hashable, item: Item) -> None:
        """Lets an item wait no longer, if it does."""
        own = self._waiting.get(owner)
        if own is None or item not in own:
            return
        del own[item]
        self._count -= 1
        if not own:
            del self._waiting[owner]
