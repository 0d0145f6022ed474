"""A figure, its target, and the report that says whether it is met. What is printed is what was measured."""

import json
import sys
from dataclasses import asdict, dataclass, field
from enum import Enum

from rich.console import Console
from rich.table import Table


class Better(Enum):
    """Which way a figure should go."""

    MORE = "at least"
    LESS = "at most"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value; a figure without a target is a reference that others are read against."""

    name: str
    value: float
    unit: str
    target: float | None = None
    better: Better = Better.MORE

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.better is Better.MORE else self.value <= self.target


@dataclass(slots=True)
class Report:
    """The figures of one part and the conditions they were measured under."""

    part: str
    conditions: dict[str, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """Take a figure in, and say so at once."""
        self.figures.append(figure)
        sys.stderr.write(f"{self.part}: {figure.name}: {figure.value:,.1f} {figure.unit}\n")

    def as_json(self) -> str:
        """Return the report as one JSON object."""
        figures = [{**asdict(figure), "better": figure.better.value, "met": figure.met} for figure in self.figures]
        return json.dumps({"part": self.part, "conditions": self.conditions, "figures": figures})

    def print(self) -> None:
        """Print a table for people."""
        table = Table(title=f"bench {self.part}", title_justify="left")
        for heading in ("figure", "measured", "target", ""):
            table.add_column(heading, justify="right" if heading in {"measured", "target"} else "left")
        marks = {True: "met", False: "[bold red]not met[/]", None: "reference"}
        for figure in self.figures:
            target = "" if figure.target is None else f"{figure.better.value} {figure.target:,.6g} {figure.unit}"
            table.add_row(figure.name, f"{figure.value:,.1f} {figure.unit}", target, marks[figure.met])
        console = Console()
        console.print(table)
        console.print("  ".join(f"{name}: {value}" for name, value in self.conditions.items()))


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
