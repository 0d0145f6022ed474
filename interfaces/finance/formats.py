"""Statements as files: a table for people, CSV that no spreadsheet takes for a formula, XLSX, JSON.

Amounts in a spreadsheet are text: its numbers are binary fractions of fifteen digits, and a ledger's are not.
"""

import csv
import io
import json
from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from interfaces.finance.kinds import Format
from interfaces.finance.statements import Statement

WIDTH = 80
_FORMULA = ("=", "+", "@", "\t", "\r")


MEDIA_TYPES: Mapping[Format, str] = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSON: "application/json",
}


def title(statement: Statement) -> str:
    """Say what a statement is, of when, and what it stands on."""
    period = "" if statement.since is None else f"{statement.since:%Y-%m-%d} to "
    known = "" if statement.known_at is None else f", as known at {statement.known_at.isoformat()}"
    checked = "every check held" if statement.checked else "not every check was run and held"
    name = statement.kind.value.replace("-", " ").capitalize()
    stands = f"log position {statement.log_position}, built {statement.built_at:%Y-%m-%d %H:%M:%S} UTC, {checked}"
    return f"{name}, {period}{statement.as_of:%Y-%m-%d %H:%M:%S} UTC{known}\n{stands}"


def as_table(statement: Statement) -> str:
    """Draw it for people."""
    table = Table()
    for column in statement.columns:
        table.add_column(column, justify="right" if column in statement.figures else "left", no_wrap=True)
    for row in statement.rows:
        table.add_row(*map(escape, row))
    written = io.StringIO()
    console = Console(file=written, width=max(WIDTH, _width(statement)), emoji=False)
    console.print(title(statement), highlight=False, markup=False)
    console.print(table)
    for note in statement.notes:
        console.print(note, highlight=False, markup=False)
    return written.getvalue()


def _width(statement: Statement) -> int:
    """Return how wide the table is: no digit of a figure is ever left out."""
    cells = zip(statement.columns, *statement.rows, strict=True)
    return sum(max(map(len, column)) + 3 for column in cells) + 1


def as_csv(statement: Statement) -> str:
    """Write it as CSV. Text that a spreadsheet would take for a formula begins with an apostrophe."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(statement.columns)
    writer.writerows([_harmless(cell) for cell in row] for row in statement.rows)
    return written.getvalue()


def as_xlsx(statement: Statement) -> bytes:
    """Write it as a spreadsheet of text: what it is above, then the table."""
    from xlsxwriter import Workbook

    written = io.BytesIO()
    with Workbook(written, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet(statement.kind.value)
        bold, right = book.add_format({"bold": True}), book.add_format({"align": "right"})
        above = [*title(statement).splitlines(), *statement.notes, ""]
        for number, line in enumerate(above):
            sheet.write_string(number, 0, line)
        for column, name in enumerate(statement.columns):
            sheet.write_string(len(above), column, name, bold)
            widest = max((len(row[column]) for row in statement.rows), default=0)
            sheet.set_column(column, column, max(widest, len(name)) + 2, right if name in statement.figures else None)
        for number, row in enumerate(statement.rows, start=len(above) + 1):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell)
    return written.getvalue()


def as_file(statement: Statement, form: Format) -> bytes:
    """Write it in a form."""
    match form:
        case Format.TABLE:
            return as_table(statement).encode()
        case Format.CSV:
            return as_csv(statement).encode()
        case Format.XLSX:
            return as_xlsx(statement)
        case Format.JSON:
            return json.dumps(statement.as_json(), ensure_ascii=False).encode()


def _harmless(cell: str) -> str:
    is_negative = cell.startswith("-") and cell[1:].replace(".", "", 1).isdecimal()
    risky = cell.startswith(_FORMULA) or (cell.startswith("-") and not is_negative)
    return f"'{cell}" if risky else cell
