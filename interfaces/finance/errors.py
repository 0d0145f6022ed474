"""Why the finance queries cannot answer or build. Each is said in one sentence and changes nothing."""


class FinanceError(Exception):
    """What the finance queries refuse."""


class FinanceNotSetUp(FinanceError):
    """The installation names no connection for the finance queries."""


class DbtFailed(FinanceError):
    """dbt could not do its work; the message says what it said."""


class NothingToRead(FinanceError):
    """The read models have not been made yet: a worker makes them."""


class AlreadyBuilding(FinanceError):
    """Another process builds; two would write the same tables."""


class NothingBuilt(FinanceError):
    """No build is complete yet: `lastro finance build` makes one."""
