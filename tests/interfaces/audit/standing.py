"""A verification that is made to stand still halfway, by a table that nobody may read, until it is let go or killed."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from interfaces.postgres.configuration import Urls
from tests.interfaces.api.installation import until

_LAST_READ = "LOCK TABLE evidence.liabilities IN ACCESS EXCLUSIVE MODE"
"""The trees of liabilities are compared with it, one of the last pieces of a verification by one process."""
_AUDITS = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lastro-audit' AND datname = current_database()"
)
_WAITS = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'lastro-audit' AND wait_event_type = 'Lock'
        AND datname = current_database())
"""


@contextmanager
def halfway(urls: Urls) -> Iterator[None]:
    """Keep any verification of this database from ending."""
    with psycopg.connect(urls.owner) as connection:
        connection.execute(_LAST_READ)
        yield
        connection.rollback()


def until_it_stands(urls: Urls) -> None:
    """Wait until a verification has come to the table that it may not read."""
    _until(urls, _WAITS, True)


def until_nobody_verifies(urls: Urls) -> None:
    """Wait until no verification reads this database any more."""
    _until(urls, _AUDITS, 0)


def _until(urls: Urls, query: str, expected: object) -> None:
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        until(lambda: connection.execute(query.encode()).fetchone() == (expected,))
