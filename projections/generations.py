"""Generations: builds of a read model, each in a PostgreSQL schema of its own; the views in `read` show the live one.

Tables come from schema/projections/<name>.sql. Whatever that file forgets, every table here has forced row-level
security and can only be read by the application's role and by the finance queries'.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

from psycopg.rows import class_row
from psycopg.sql import SQL, Composable, Identifier
from psycopg.sql import Literal as Quoted

from application.store import Connection

DEFINITIONS = Path(__file__).resolve().parents[1] / "schema" / "projections"

Role = Literal["building", "live", "retired"]

_INDEXES = "\n-- Indexes\n"
_READERS = SQL(", ").join([Identifier("lastro_app"), Identifier("lastro_finance")])
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('lastro.generations', 0))"
_COLUMNS = "name, number, role, definition, log_position, epoch"
_ALL = f"SELECT {_COLUMNS} FROM projection.generations ORDER BY name, number"
_BEGIN = f"""
    INSERT INTO projection.generations (name, number, role, definition)
    SELECT %(name)s, coalesce(max(number), 0) + 1, %(role)s, %(definition)s
    FROM projection.generations WHERE name = %(name)s
    RETURNING {_COLUMNS}
"""
_TABLES = """
    SELECT c.relname, EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid)
    FROM pg_class AS c WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r' ORDER BY c.relname
"""
_OPEN = SQL("GRANT USAGE ON SCHEMA {schema} TO {readers}")
_READABLE = SQL("GRANT SELECT ON {table} TO {readers}")
_COLUMNS_OF = """
    SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_PROTECT = SQL("""
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
    GRANT SELECT ON {table} TO {readers};
""")
_POLICY = SQL("""
    CREATE POLICY of_tenant ON {table} USING (tenant = nullif(current_setting('app.tenant', true), ''))
""")
_UNREADABLE = "SELECT NOT has_schema_privilege('lastro_finance', %s, 'usage')"
_VIEW = SQL("""
    CREATE OR REPLACE VIEW {view} WITH (security_invoker = true) AS {query};
    GRANT SELECT ON {view} TO {readers};
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One build of a read model and how far it has read. `definition` is the digest of the file it was made from."""

    name: str
    number: int
    role: Role
    definition: str
    log_position: int
    epoch: int

    @property
    def schema(self) -> str:
        """The PostgreSQL schema of its tables; its name everywhere else too."""
        return f"{self.name}_g{self.number}"

    @property
    def is_current(self) -> bool:
        """Whether it has the tables that the program writes. If not, a rebuild makes them."""
        return self.definition == definition_of(self.name).digest


class RebuildRefused(Exception):
    """What was asked of a model's generations cannot be done now; nothing was switched."""


@dataclass(frozen=True, slots=True)
class Definition:
    """The two parts of a file in schema/projections: tables with their rules, and what is made when they are full."""

    tables: str
    indexes: str
    digest: str


@cache
def definition_of(name: str) -> Definition:
    """Read the definition of a model's tables."""
    text = (DEFINITIONS / f"{name}.sql").read_text(encoding="utf-8")
    tables, found, indexes = text.partition(_INDEXES)
    assert found, f"{name}.sql does not say where its indexes begin"
    return Definition(tables, indexes, sha256(text.encode()).hexdigest())


async def list_generations(connection: Connection) -> list[Generation]:
    """Return all generations by name and number."""
    async with connection.cursor(row_factory=class_row(Generation)) as cursor:
        return await (await cursor.execute(_ALL)).fetchall()


async def live_generations(connection: Connection) -> dict[str, Generation]:
    """Return the live generations by the names of their models."""
    return {one.name: one for one in await list_generations(connection) if one.role == "live"}


async def live_generation(connection: Connection, name: str) -> Generation:
    """Return a model's live generation. Raises `RebuildRefused`."""
    live = (await live_generations(connection)).get(name)
    if live is None:
        raise RebuildRefused(f"{name} has no live generation: rebuild it, or start a worker")
    return live


async def newest(connection: Connection, name: str, *roles: Role) -> Generation | None:
    """Return the newest generation of a model that has one of these roles."""
    found = [one for one in await list_generations(connection) if one.name == name and one.role in roles]
    return found[-1] if found else None


async def ensure_generations(connection: Connection, names: Iterable[str]) -> list[str]:
    """Make generation 1, live and empty, of each model where there is none of any. Many processes may ask at once.

    Returns the models that have none beside others that have: an empty one would be read before it is full.
    """
    async with connection.transaction():
        await connection.execute(_LOCK)
        existing = await list_generations(connection)
        for generation in existing:
            await _let_read(connection, generation)
        if existing:
            known = {generation.name for generation in existing}
            return [name for name in names if name not in known]
        for name in names:
            generation = await create(connection, name, role="live")
            await create_indexes(connection, generation)
            await point_views(connection, generation)
    return []


async def create(connection: Connection, name: str, *, role: Role) -> Generation:
    """Make the tables of a model's next generation, in the caller's transaction."""
    await connection.execute(_LOCK)
    definition = definition_of(name)
    parameters = {"name": name, "role": role, "definition": definition.digest}
    async with connection.cursor(row_factory=class_row(Generation)) as cursor:
        generation = await (await cursor.execute(_BEGIN, parameters)).fetchone()
    assert generation is not None
    schema = Identifier(generation.schema)
    await connection.execute(SQL("CREATE SCHEMA {}").format(schema))
    await connection.execute(_OPEN.format(schema=schema, readers=_READERS))
    await _run(connection, generation, definition.tables)
    for table, has_policy in await _tables(connection, generation):
        names = {"table": Identifier(generation.schema, table), "readers": _READERS}
        await connection.execute(_PROTECT.format(**names))
        if not has_policy:
            await connection.execute(_POLICY.format(**names))
    return generation


async def create_indexes(connection: Connection, generation: Generation) -> None:
    """Make what is made last: keys and indexes. In the caller's transaction."""
    await _run(connection, generation, definition_of(generation.name).indexes)


async def tables_of(connection: Connection, generation: Generation) -> list[str]:
    """Return the names of a generation's tables."""
    return [table for table, _ in await _tables(connection, generation)]


async def columns_of(connection: Connection, generation: Generation, table: str) -> dict[str, str]:
    """Return the columns of a table in their order: their names, and the names that SQL gives their types."""
    rows = await connection.execute(_COLUMNS_OF, (f'"{generation.schema}"."{table}"',))
    return dict(await rows.fetchall())


async def point_views(connection: Connection, generation: Generation) -> None:
    """Let the views in `read` show this generation: its tables, and its cursor. In the caller's transaction."""
    cursor = SQL("SELECT log_position FROM projection.generations WHERE name = {} AND number = {}").format(
        Quoted(generation.name), Quoted(generation.number)
    )
    await _view(connection, f"{generation.name}_cursor", cursor)
    for table in await tables_of(connection, generation):
        await _view(connection, table, SQL("SELECT * FROM {}").format(Identifier(generation.schema, table)))


async def drop(connection: Connection, generation: Generation) -> bool:
    """Delete a generation that is not live. Whoever follows it finds its cursor gone and lets go."""
    async with connection.transaction():
        deleted = await connection.execute(
            "DELETE FROM projection.generations WHERE name = %s AND number = %s AND role <> 'live'",
            (generation.name, generation.number),
        )
        if deleted.rowcount:
            await connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(generation.schema)))
        return bool(deleted.rowcount)


async def _let_read(connection: Connection, generation: Generation) -> None:
    """Grant what a generation lacks that was made before there were finance queries."""
    row = await (await connection.execute(_UNREADABLE, (generation.schema,))).fetchone()
    if row is None or not row[0]:
        return
    await connection.execute(_OPEN.format(schema=Identifier(generation.schema), readers=_READERS))
    for table in await tables_of(connection, generation):
        await connection.execute(_READABLE.format(table=Identifier(generation.schema, table), readers=_READERS))
    if generation.role == "live":
        await point_views(connection, generation)


async def _view(connection: Connection, name: str, query: Composable) -> None:
    await connection.execute(_VIEW.format(view=Identifier("read", name), query=query, readers=_READERS))


async def _run(connection: Connection, generation: Generation, statements: str) -> None:
    """Run unqualified DDL in a generation's schema, for the length of the caller's transaction."""
    await connection.execute(SQL("SET LOCAL search_path = {}").format(Identifier(generation.schema)))
    await connection.execute(statements)


async def _tables(connection: Connection, generation: Generation) -> list[tuple[str, bool]]:
    return await (await connection.execute(_TABLES, (generation.schema,))).fetchall()
