"""What spot shows of orders and the engine does not keep: ids of cancels, labels, pegs, working times."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from toucan_execution.orders import Order

__all__ = ["Note", "SpotMemory", "is_working"]

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LETTERS = 22
KEEP = 100_000


class Note:
    """What is remembered of an order.

    Attributes:
        strategy_id: A label of its owner's, None for none.
        strategy_type: Another.
        peg: How its price follows the book: price, offset type, offset value; None where it does not.
        sor: Whether it was placed through smart order routing.
        client_order_id: Its own id, before what is happening now.
        quantity: Its quantity, likewise.
        prevented: What self-trade prevention has taken from it, likewise.
        working_ns: Since when it works, None while it waits.
        match_id: The number of its last prevented match, None for none.
        prevented_matches: Those in which it was the order that came, as its answer shows them.
        amendments: How it was changed, as they are shown.
    """

    __slots__ = (
        "amendments", "client_order_id", "match_id", "peg", "prevented", "prevented_matches", "quantity",
        "sor", "strategy_id", "strategy_type", "working_ns",
    )  # fmt: skip

    def __init__(
        self,
        *,
        strategy_id: int | None = None,
        strategy_type: int | None = None,
        peg: tuple[str, str | None, int | None] | None = None,
        sor: bool = False,
    ) -> None:
        self.strategy_id: int | None = strategy_id
        self.strategy_type: int | None = strategy_type
        self.peg: tuple[str, str | None, int | None] | None = peg
        self.sor: bool = sor
        self.client_order_id: str = ""
        self.quantity: Decimal | None = None
        self.prevented: Decimal = Decimal(0)
        self.working_ns: int | None = None
        self.match_id: int | None = None
        self.prevented_matches: list[dict[str, Any]] = []
        self.amendments: list[dict[str, Any]] = []


class _Asked:
    """What is being asked of the engine: its events belong to this."""

    def __init__(self, account: str, notes: Mapping[str, Note], cancel_id: str) -> None:
        self.account = account
        self.notes = dict(notes)
        self.cancel_id = cancel_id


class SpotMemory:
    """Remembers, for so many orders and lists; the oldest are forgotten first.

    Args:
        seed: What makes its ids other than those of another sandbox.
        keep: How many orders, lists and prevented matches.
    """

    def __init__(self, seed: str, *, keep: int = KEEP) -> None:
        self._seed = seed
        self._keep = keep
        self._notes: OrderedDict[tuple[str, str, int], Note] = OrderedDict()
        self._lists: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._prevented: dict[str, deque[dict[str, Any]]] = {}
        self._asked: _Asked | None = None
        self._ids = self._executions = self._matches = 0

    # Numbers.

    def new_id(self) -> str:
        """Return an id as the venue makes them for those who send none."""
        self._ids += 1
        digest = blake2b(f"{self._seed}/{self._ids}".encode(), digest_size=17).digest()
        number, letters = int.from_bytes(digest, "big"), []
        for _ in range(ID_LETTERS):
            number, letter = divmod(number, len(LETTERS))
            letters.append(LETTERS[letter])
        return "".join(letters)

    def new_execution(self) -> int:
        """Return the number of the next execution report."""
        self._executions += 1
        return self._executions

    def new_match(self) -> int:
        """Return the number of the next prevented match."""
        self._matches += 1
        return self._matches

    # Orders.

    @contextmanager
    def asking(
        self, account: str, notes: Mapping[str, Note] | None = None, *, cancel_id: str = ""
    ) -> Iterator[None]:
        """Ask the engine something: what it tells meanwhile belongs to it.

        Args:
            account: Whose request it is.
            notes: What is to be remembered of new orders, by their own ids.
            cancel_id: The id of the cancel, where it is one.
        """
        self._asked = _Asked(account, notes or {}, cancel_id)
        try:
            yield
        finally:
            self._asked = None

    def begin(self, account: str, order: Order) -> Note:
        """Return what is remembered of an order that the engine tells of; anew where it is a new one."""
        key = (account, order.instrument.symbol, int(order.order_id))
        found = self._notes.get(key)
        if found is None:
            asked = self._asked
            mine = (
                asked.notes.pop(order.client_order_id, None) if asked and asked.account == account else None
            )
            found = self._notes[key] = mine or Note()
            if len(self._notes) > self._keep:
                self._notes.popitem(last=False)
        return found

    def note(self, account: str, order: Order) -> Note:
        """Return what is remembered of an order; of one that is forgotten, nothing."""
        return self._notes.get((account, order.instrument.symbol, int(order.order_id))) or Note()

    def cancel_id(self, account: str) -> str:
        """Return the id of the cancel that is being done; a new one where nobody has asked for it."""
        asked = self._asked
        mine = asked.cancel_id if asked and asked.account == account else ""
        return mine or self.new_id()

    # Lists.

    def keep_list(self, account: str, list_id: int, symbol: str) -> None:
        """Remember that there is a list."""
        self._lists.setdefault((account, list_id), symbol)
        if len(self._lists) > self._keep:
            self._lists.popitem(last=False)

    def lists(self, account: str) -> list[tuple[int, str]]:
        """Return the lists of an account that are remembered: number and symbol, oldest first."""
        return [(number, symbol) for (owner, number), symbol in self._lists.items() if owner == account]

    # Self-trade prevention.

    def prevented(self, account: str) -> deque[dict[str, Any]]:
        """Return an account's prevented matches as they are shown, oldest first."""
        found = self._prevented.get(account)
        if found is None:
            found = self._prevented[account] = deque(maxlen=self._keep)
        return found


def is_working(order: Order) -> bool:
    """Tell whether an order is, or was, on the book: it waits neither for a trigger nor for another."""
    return order.triggered is not False and order.status_venue != "PENDING_NEW"
