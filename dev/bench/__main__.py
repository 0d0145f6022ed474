"""`python -m dev.bench PART [--json]`: measure one part of Lastro and print its figures."""

import argparse
import importlib

PARTS = ("store", "rest", "replay", "payments", "liabilities", "finance", "rebuild")


def main() -> None:
    """Run one part. The exit status says whether it could be measured, never whether a target was met."""
    parser = argparse.ArgumentParser(prog="lastro bench", description="Measure Lastro against its targets.")
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    report = importlib.import_module(f"dev.bench.{options.part}").measure()
    if options.json:
        print(report.as_json())
    else:
        report.print()


if __name__ == "__main__":
    main()
