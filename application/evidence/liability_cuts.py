"""Cuts in the database: made of the last one and the entries since, stored beside their checkpoint, read by the branch.

The log is the truth. The last cut only saves reading all of it, and is believed if it leads to what was signed.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import structlog
from pydantic_core import to_json

from application.evidence.checkpoints import Checkpoint
from application.evidence.liabilities import Branch, Cut, Holdings, TenantTree, add_to, cut_of, place_of
from application.evidence.trees import TILE
from application.ports import Nonces
from application.store import Connection
from domain.errors import NotFound
from domain.liabilities import tree
from domain.liabilities.sums import NoLiability, Sums
from domain.liabilities.tree import Node

log = structlog.get_logger()

OWED = "^liabilities:(users|withdrawals:payable):"
"""The accounts of what is owed to users (ACCOUNTING, invariant 9); their third or fourth segment is the user."""

_LAST = (
    r"SELECT number, note FROM evidence.checkpoints WHERE note LIKE E'%\nliabilities %' ORDER BY number DESC LIMIT 1"
)
_TENANTS = """
    SELECT substr(originator_id, 15) FROM log.events
    WHERE originator_id >= 'system:tenant-' AND originator_id < 'system:tenant.' AND originator_version = 1
"""
_AS_TENANT = "SELECT set_config('app.tenant', %s, true)"
_LEAVES = "SELECT leaves FROM evidence.liability_tiles WHERE checkpoint = %s ORDER BY tile"
_USERS = """
    SELECT tenant, convert_from(state, 'UTF8')::jsonb ->> 'user', '', 0 FROM log.events
    WHERE notification_id > %s AND notification_id <= %s AND starts_with(topic, 'user.registered.')
"""
# In the strict mode a line that is not there is an error and no nothing.
_CHANGES = f"""
    SELECT tenant, owner, unit, -sum(units) FROM (
        SELECT e.tenant,
            coalesce(
                substring(line ->> 'account' FROM '^liabilities:users:([^:]+):'),
                substring(line ->> 'account' FROM '^liabilities:withdrawals:payable:([^:]+)$')
            ) AS owner,
            (line ->> 'asset') || '/' || length(split_part(line ->> 'amount', '.', 2)) AS unit,
            replace(line ->> 'amount', '.', '')::numeric AS units
        FROM log.events AS e
        CROSS JOIN LATERAL
            jsonb_path_query(convert_from(e.state, 'UTF8')::jsonb, 'strict $.entry.postings[*]') AS line
        WHERE e.notification_id > %s AND e.notification_id <= %s AND starts_with(e.topic, 'ledger.entry_posted.')
            AND line ->> 'account' ~ '{OWED}'
    ) AS lines GROUP BY tenant, owner, unit HAVING sum(units) <> 0
"""
_ADD = """
    INSERT INTO evidence.liabilities (tenant, checkpoint, log_position, users, root, sums, path, key)
    VALUES (%s, %s, %s, %s, %s, %s::json, %s::json, %s)
"""
_ADD_TILES = """
    INSERT INTO evidence.liability_tiles (tenant, checkpoint, tile, first_place, leaves, hash, sums)
    VALUES (%s, %s, %s, %s, %s::json, %s, %s::json)
"""
# Whoever reads a branch meanwhile may still look at the cut before.
_FORGET = """
    DELETE FROM evidence.liability_tiles WHERE checkpoint < (
        SELECT max(checkpoint) FROM evidence.liabilities WHERE checkpoint < %s
    )
"""
_OWN = """
    SELECT l.checkpoint, l.log_position, l.users, l.path, l.key, c.note
    FROM evidence.liabilities AS l INNER JOIN evidence.checkpoints AS c ON c.number = l.checkpoint
    WHERE l.tenant = %s ORDER BY l.checkpoint DESC LIMIT 1
"""
_OWN_TILE = """
    SELECT tile, leaves FROM evidence.liability_tiles
    WHERE tenant = %s AND checkpoint = %s AND first_place <= %s ORDER BY tile DESC LIMIT 1
"""
_TILES = "SELECT hash, sums FROM evidence.liability_tiles WHERE tenant = %s AND checkpoint = %s ORDER BY tile"


class BranchBroken(Exception):
    """The stored tree does not lead to what was signed: somebody changed it."""


@dataclass(kw_only=True, eq=False)
class NoLiabilityProof(NotFound):
    """There is no tree yet, or whoever asks was registered after the last one."""

    code: ClassVar[str] = "no_liability_proof"
    sentence: ClassVar[str] = "You are in no tree of liabilities yet: wait for the next."


async def take_cut(connection: Connection, nonces: Nonces, *, log_position: int) -> Cut:
    """Make the trees at the end of an append, in the caller's transaction. Raises `NoLiability`."""
    holdings, since = await _last(connection, nonces)
    for query in (_USERS, _CHANGES):
        found = await connection.execute(query, (since, log_position))
        add_to(holdings, [(tenant, user, unit, int(units)) for tenant, user, unit, units in await found.fetchall()])
    return await asyncio.to_thread(cut_of, holdings, nonces, log_position=log_position)


async def _last(connection: Connection, nonces: Nonces) -> tuple[Holdings, int]:
    """Return what was owed at the last cut, and its log position; nothing, at 0, where it is not what was signed."""
    last = await (await connection.execute(_LAST)).fetchone()
    if last is None:
        return {}, 0
    number, note = last
    signed = Checkpoint.parse(note.partition("\n\n")[0] + "\n")
    holdings: Holdings = {}
    for (tenant,) in await (await connection.execute(_TENANTS)).fetchall():
        await connection.execute(_AS_TENANT, (tenant,))
        for (leaves,) in await (await connection.execute(_LEAVES, (number,))).fetchall():
            holdings.setdefault(tenant, {}).update(leaves)
    try:
        cut = await asyncio.to_thread(cut_of, holdings, nonces, log_position=signed.events.size)
    except NoLiability:
        cut = None
    if cut is None or cut.root != signed.liabilities:
        log.error("evidence.liabilities_from_the_log", checkpoint=number)
        return {}, 0
    return holdings, signed.events.size


async def store_cut(connection: Connection, cut: Cut, *, checkpoint: int, key: str) -> None:
    """Store a cut beside its checkpoint, in the caller's transaction."""
    for each in cut.trees:
        await connection.execute(_AS_TENANT, (each.tenant,))
        await connection.execute(_ADD, _row(cut, each, checkpoint=checkpoint, key=key))
        async with connection.cursor() as cursor:
            await cursor.executemany(_ADD_TILES, _tiles(each, checkpoint))
        await connection.execute(_FORGET, (checkpoint,))


def _row(cut: Cut, each: TenantTree, *, checkpoint: int, key: str) -> tuple[object, ...]:
    path = {str(level): step.hex() for level, step in cut.paths[each.tenant].items()}
    sums = to_json(each.root.sums).decode()
    users = len(each.owed)
    return each.tenant, checkpoint, cut.log_position, users, each.root.hash, sums, to_json(path).decode(), key


def _tiles(each: TenantTree, checkpoint: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for number, start in enumerate(range(0, len(each.owed), TILE)):
        part, node = each.owed[start : start + TILE], each.tile(number)
        leaves = to_json({one.user: one.sums for one in part}).decode()
        sums = to_json(node.sums).decode()
        rows.append((each.tenant, checkpoint, number, part[0].place, leaves, node.hash, sums))
    return rows


async def get_branch(connection: Connection, nonces: Nonces, *, tenant: str, user: str) -> Branch:
    """Return a user's branch of the last cut. Raises `NoLiabilityProof` or `BranchBroken`."""
    branch = await find_branch(connection, nonces, tenant=tenant, user=user)
    if branch is None:
        raise NoLiabilityProof
    return branch


async def find_branch(connection: Connection, nonces: Nonces, *, tenant: str, user: str) -> Branch | None:
    """Return a user's branch of the last cut; None where there is no cut, or the user came later.

    Raises `BranchBroken`.
    """
    own = await (await connection.execute(_OWN, (tenant,))).fetchone()
    if own is None:
        return None
    checkpoint, log_position, users, path, key, note = own
    nonce = nonces.liability_nonce(tenant, user, log_position=log_position)
    found = await (await connection.execute(_OWN_TILE, (tenant, checkpoint, place_of(nonce)))).fetchone()
    if found is None or user not in found[1]:
        return None
    number, leaves = found
    above = await (await connection.execute(_TILES, (tenant, checkpoint))).fetchall()
    tile = [_leaf(nonces, tenant, who, sums=owed, log_position=log_position) for who, owed in leaves.items()]
    index = list(leaves).index(user)
    upper = tree.levels_of([Node(digest, sums) for digest, sums in above])
    branch = Branch(
        tenant=tenant,
        user=user,
        log_position=log_position,
        nonce=nonce,
        sums=leaves[user],
        index=number * TILE + index,
        size=users,
        path=(*tree.path_of(tree.levels_of(tile), index), *tree.path_of(upper, number)),
        tenants_path=_path(path),
        checkpoint=note,
        key=key,
    )
    _check(branch, checkpoint)
    return branch


def _check(branch: Branch, checkpoint: int) -> None:
    """See to it that nobody is given a branch that does not hold."""
    signed = Checkpoint.parse(branch.checkpoint.partition("\n\n")[0] + "\n")
    try:
        _, root = branch.root
    except ValueError as error:
        raise BranchBroken(f"the tree of {branch.tenant} at checkpoint {checkpoint} has no such branch") from error
    if root != signed.liabilities:
        raise BranchBroken(f"the tree of {branch.tenant} at checkpoint {checkpoint} is not what was signed")


def _leaf(nonces: Nonces, tenant: str, user: str, *, sums: Sums, log_position: int) -> Node:
    return tree.leaf_of(nonces.liability_nonce(tenant, user, log_position=log_position), user, sums)


def _path(stored: Mapping[str, Any]) -> dict[int, bytes]:
    return {int(level): bytes.fromhex(step) for level, step in stored.items()}
