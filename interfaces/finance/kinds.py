"""The names of statements and of the forms they come in, apart from everything that is slow to import."""

from enum import StrEnum


class Kind(StrEnum):
    """The statements there are."""

    BALANCE_SHEET = "balance-sheet"
    INCOME = "income"
    TRIAL_BALANCE = "trial-balance"
    CASH_FLOW = "cash-flow"
    LEDGER = "ledger"


class Format(StrEnum):
    """The forms a statement comes in."""

    TABLE = "table"
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


class Download(StrEnum):
    """The forms that the API gives; a table is for terminals."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"
