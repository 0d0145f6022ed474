from dev.lints import sizes
from dev.lints.repository import Repository


def findings(path: str, text: str) -> list[str]:
    return [str(finding) for finding in sizes.check(Repository.of({path: text}))]


def python_function(lines: int) -> str:
    return "x = 1\n\ndef decide():\n" + "    a = 1\n" * (lines - 1)


def sql_function(lines: int) -> str:
    head = "create or replace function log.append(a int)\nreturns void language plpgsql as $$\nbegin\n"
    body = "    perform 1;\n" * (lines - 4)
    other = "create function log.other() returns int language sql as $f$ select 1 $f$;\n"
    return f"create table a (b int);\n\n{head}{body}end $$;\n\n{other}"


def test_a_file_of_400_lines_passes_and_of_401_does_not() -> None:
    assert findings("domain/money.py", "a = 1\n" * 400) == []
    assert findings("domain/money.py", "a = 1\n" * 401) == [
        "domain/money.py:1: sizes: 401 lines, at most 400: split it by subject"
    ]
    assert findings("schema/001_log.sql", "-- a\n" * 401) != []


def test_a_python_function_of_50_lines_passes_and_of_51_does_not() -> None:
    assert findings("tests/test_a.py", python_function(50)) == []
    assert findings("tests/test_a.py", python_function(51)) == [
        "tests/test_a.py:3: sizes: decide has 51 lines, at most 50"
    ]


def test_a_sql_function_of_50_lines_passes_and_of_51_does_not() -> None:
    assert findings("schema/001_log.sql", sql_function(50)) == []
    assert findings("schema/001_log.sql", sql_function(51)) == [
        "schema/001_log.sql:3: sizes: log.append has 51 lines, at most 50"
    ]


def test_a_do_block_counts_as_a_function() -> None:
    assert findings("schema/roles.sql", "do $$\nbegin\n" + "perform 1;\n" * 60 + "end $$;\n") != []
