"""Copies of a database, as backups are, and putting one back in its place."""

import itertools
import os
from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from interfaces.postgres.configuration import Urls

_NUMBERS = itertools.count(1)


@dataclass
class Copies:
    """Makes copies of databases that nobody is connected to, and deletes them at the end."""

    _made: list[Urls] = field(default_factory=list)

    def copy(self, database: Urls) -> Urls:
        """Return a copy of a database as it is now."""
        name = f"test_{os.getpid()}_copy_{next(_NUMBERS)}"
        made = Urls(
            owner=make_conninfo(database.owner, dbname=name),
            app=make_conninfo(database.app, dbname=name),
            projector=make_conninfo(database.projector, dbname=name),
        )
        self._made.append(made)
        _replace(made, database)
        return made

    def restore(self, database: Urls, backup: Urls) -> None:
        """Put a backup in a database's place; who is connected to it is thrown out."""
        _replace(database, backup)

    def delete(self) -> None:
        """Delete every copy."""
        for made in self._made:
            with _postgres(made) as connection:
                connection.execute(sql.SQL("drop database if exists {} with (force)").format(_name(made)))


def _replace(database: Urls, by: Urls) -> None:
    with _postgres(database) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(_name(database)))
        connection.execute(sql.SQL("create database {} template {}").format(_name(database), _name(by)))


def _postgres(database: Urls) -> psycopg.Connection:
    return psycopg.connect(make_conninfo(database.owner, dbname="postgres"), autocommit=True)


def _name(database: Urls) -> sql.Identifier:
    return sql.Identifier(str(conninfo_to_dict(database.owner)["dbname"]))
