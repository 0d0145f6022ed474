"""The log against its evidence: every leaf hashed again, every tile and checkpoint, every signature.

The hashes say which event or receipt was changed; where somebody changed the hashes too, the signatures say between
which two checkpoints. What was appended behind the last checkpoint is counted as unsealed: nobody has signed for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from application.evidence.checkpoints import Checkpoint, NoCheckpoint
from application.evidence.leaves import RECEIPT_FIELDS, StoredReceipt, chained, leaf_hash
from application.evidence.trees import TILE, TILE_HEIGHT, Head, Tree, split
from application.ports import Nonces
from domain.merkle import root_of
from interfaces.audit.findings import Tallies, Tally
from interfaces.audit.notes import NotSigned, VerifierKey, open_note
from interfaces.audit.scope import WHOLE, Scope
from interfaces.audit.snapshot import Connection, one, portions, rows

CHECKS = ("evidence of events", "evidence of receipts", "checkpoints")

_RECEIPTS = f"""
    SELECT {RECEIPT_FIELDS} FROM log.receipts WHERE number > %s AND number <= %s ORDER BY number
"""  # noqa: S608 - columns of a constant
_LATER_RECEIPTS = "SELECT count(*) FROM log.receipts WHERE number > %s AND number <= %s"
_LEAVES = "SELECT tile, leaves FROM evidence.tiles WHERE tree = %s ORDER BY tile"
_TILES = "SELECT tile, leaves, root, chain FROM evidence.tiles WHERE tree = %s ORDER BY tile"
_CHECKPOINTS = """
    SELECT number, events, receipts, events_tail, receipts_tail, note FROM evidence.checkpoints ORDER BY number
"""
_LAST_TAIL = "SELECT {} FROM evidence.checkpoints ORDER BY number DESC LIMIT 1"


Leaf = tuple[int, int | None, bytes]
"""The number of an event or receipt in its tree, its log position if it has one, and its hash made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seals:
    """What signatures are checked with: the public key, and signed notes that were kept elsewhere.

    Without a key (an installation that never had one) signatures are not checked, and without `nonces` trees of
    liabilities are not made again; the report says so.
    """

    key: VerifierKey | None = None
    nonces: Nonces | None = None
    kept_outside: tuple[str, ...] = ()


NO_SEALS = Seals()


@dataclass(frozen=True, slots=True)
class Sealed:
    """The stored leaves of a tree, and the tree behind each whole tile."""

    leaves: tuple[bytes, ...]
    trees: tuple[Tree, ...]

    def head(self, size: int, tail: bytes) -> Head | None:
        """Return the head at a size, with the leaves behind the last whole tile; None where tiles are missing."""
        whole = size // TILE
        return replace(self.trees[whole], tail=split(tail)).head if whole < len(self.trees) else None


def sealed_leaves(connection: Connection) -> bytes:
    """Return the stored hashes of events, 32 bytes each, up to the first tile that is missing."""
    whole = [leaves for expected, (tile, leaves) in enumerate(rows(connection, _LEAVES, "events")) if tile == expected]
    last = rows(connection, _LAST_TAIL.format("events, events_tail"))
    return b"".join((*whole, last[0][1] if last and last[0][0] // TILE == len(whole) else b""))


def check_evidence(connection: Connection, *, seals: Seals = NO_SEALS, scope: Scope = WHOLE) -> Tallies:
    """Check all tiles and checkpoints, and receipts in scope against them; of events see events.py."""
    tallies = Tallies.of(Scope(kept=scope.kept))
    sealed = {}
    for tree in ("events", "receipts"):
        with tallies.timed(f"evidence of {tree}") as tally:
            sealed[tree] = _sealed(connection, tally, tree)
    with tallies.timed("evidence of receipts") as tally:
        behind, all_sealed = scope.receipts_behind, len(sealed["receipts"].leaves)
        hashes = sealed["receipts"].leaves[behind : scope.receipts_upto]
        receipts = portions(connection, _RECEIPTS, behind, behind + len(hashes))
        leaves = (_leaf(StoredReceipt(*row)) for some in receipts for row in some)
        comparison = SealedLeaves(hashes, behind=behind, tally=tally)
        comparison.take(leaves)
        comparison.close()
        tally.count("unsealed", one(connection, _LATER_RECEIPTS, max(behind, all_sealed), scope.receipts_upto)[0])
    with tallies.timed("checkpoints") as tally:
        _check_checkpoints(connection, tally, sealed, key=seals.key)
        for note in seals.kept_outside:
            _check_outside(tally, note, sealed, key=seals.key)
    return tallies


def _sealed(connection: Connection, tally: Tally, name: str) -> Sealed:
    """Read the stored leaves; a tile whose root or chain does not follow from its leaves is a finding."""
    leaves: list[bytes] = []
    trees = [Tree()]
    for expected, (index, hashes, root, chain) in enumerate(rows(connection, _TILES, name)):
        if index != expected:
            break
        tile, tree = split(hashes), trees[-1]
        root_made, chain_made = root_of(tile), chained(tree.chain, tile)
        if (root_made, chain_made) != (root, chain):
            tally.find(
                None, f"tile {index} of {name} does not add up: numbers {index * TILE + 1} to {(index + 1) * TILE}"
            )
        leaves += tile
        trees.append(Tree(whole=tree.whole.add(root_made, height=TILE_HEIGHT), chain=chain_made))
    last = rows(connection, _LAST_TAIL.format(f"{name}, {name}_tail"))
    if last and last[0][0] // TILE == len(trees) - 1:
        leaves += split(last[0][1])
    elif last:
        tally.find(None, f"tiles of {name} are missing: hashes from number {len(leaves) + 1} on")
    tally.count("sealed", len(leaves))
    return Sealed(tuple(leaves), tuple(trees))


class SealedLeaves:
    """The leaves of events or receipts against the hashes that follow behind a number. A missing one is named once."""

    def __init__(self, hashes: Sequence[bytes], *, behind: int, tally: Tally) -> None:
        self._hashes = hashes
        self._behind = self._reached = behind
        self._tally = tally
        self._seen = 0

    def take(self, found: Iterable[Leaf]) -> None:
        """Compare the next ones."""
        for number, position, leaf in found:
            expected = self._reached + 1
            self._seen += 1
            self._reached = number
            if number != expected:
                self._tally.find(position, f"number {expected} is missing, and number {number} comes instead")
            if leaf != self._hashes[number - self._behind - 1]:
                self._tally.find(position, f"number {number} is not what was sealed: something in it was changed")

    def take_all(self, numbers: list[int], leaves: list[bytes]) -> None:
        """Compare the next ones, whose numbers are their log positions: together, and one by one where they differ."""
        first, last = self._reached + 1, self._reached + len(numbers)
        are_next = numbers == list(range(first, last + 1))
        if are_next and leaves == list(self._hashes[first - self._behind - 1 : last - self._behind]):
            self._reached = last
            self._seen += len(numbers)
        else:
            self.take(zip(numbers, numbers, leaves, strict=True))

    def close(self) -> None:
        """Name what was sealed and did not come."""
        last = self._behind + len(self._hashes)
        if self._reached < last:
            self._tally.find(None, f"numbers {self._reached + 1} to {last} were sealed and are gone")
        self._tally.count("compared", self._seen)


def _leaf(receipt: StoredReceipt) -> Leaf:
    return receipt.number, receipt.first_log_position, leaf_hash(receipt)


def _check_checkpoints(
    connection: Connection, tally: Tally, sealed: dict[str, Sealed], *, key: VerifierKey | None
) -> None:
    before = 0
    for expected, (number, events, receipts, events_tail, receipts_tail, note) in enumerate(
        rows(connection, _CHECKPOINTS), start=1
    ):
        tally.count("checkpoints", 1)
        span = f"checkpoint {number}, events {before + 1} to {events}"
        if number != expected:
            tally.find(events, f"checkpoint {expected} is missing")
        heads = sealed["events"].head(events, events_tail), sealed["receipts"].head(receipts, receipts_tail)
        try:
            signed = _opened(note, key)
        except (NotSigned, NoCheckpoint) as error:
            tally.find(before + 1, f"{span}: {error}")
        else:
            if (signed.events, signed.receipts) != heads:
                tally.find(before + 1, f"{span}: the hashes are not those that were signed")
        before = events
    if key is None:
        tally.count("signatures not checked for want of a key", 1)


def _check_outside(tally: Tally, note: str, sealed: dict[str, Sealed], *, key: VerifierKey | None) -> None:
    """Check a checkpoint that was kept elsewhere: what it was signed for must still be there, unchanged."""
    tally.count("checkpoints kept outside", 1)
    try:
        signed = _opened(note, key)
    except (NotSigned, NoCheckpoint) as error:
        tally.find(None, f"the checkpoint kept outside: {error}")
        return
    for name, head in (("events", signed.events), ("receipts", signed.receipts)):
        leaves = sealed[name].leaves
        if len(leaves) < head.size:
            tally.find(
                None, f"{head.size} {name} were signed for, {len(leaves)} are sealed here: an old copy, or cut off"
            )
        elif root_of(leaves[: head.size]) != head.root:
            tally.find(None, f"the first {head.size} {name} are not those that were signed for outside")


def _opened(note: str, key: VerifierKey | None) -> Checkpoint:
    return Checkpoint.parse(open_note(note, key) if key is not None else note.partition("\n\n")[0] + "\n")
