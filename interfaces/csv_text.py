"""Text in CSV files: what somebody typed is no formula where somebody else opens the file in a spreadsheet."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets take these too


def harmless(text: str) -> str:
    """Return a text that no spreadsheet computes: one that begins like a formula gets an apostrophe before it.

    Spaces before the sign do not help its sender. Numbers of our own making are not passed through here.
    """
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA) else text
