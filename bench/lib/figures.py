"""A figure, its target, and the table."""
from dataclasses import dataclass
from typing import Optional


@dataclass
class Target:
    """Met when one of the given limits holds: a ratio to the floor, a value. A value in milliseconds is meant for a quiet machine, which is why a
    ratio stands beside it wherever there is a floor."""
    ratio: Optional[float] = None
    value: Optional[float] = None
    least: bool = False  # the figure must be at least, not at most, that

    def limits(self, figure):
        """[(what is compared, the limit, how the limit is written)] of those that can be compared here."""
        words = f"{self.value:g} {figure.unit}".rstrip() if self.value is not None else ""
        limits = ((figure.ratio, self.ratio, f"{self.ratio}x"), (figure.roost, self.value, words))
        return [(compared, limit, text) for compared, limit, text in limits if compared is not None and limit is not None]

    def holds(self, value, limit):
        return value >= limit if self.least else value <= limit


@dataclass
class Figure:
    name: str
    unit: str
    roost: float
    floor: Optional[float] = None
    target: Optional[Target] = None
    pm2: Optional[float] = None
    group: str = ""

    @property
    def ratio(self):
        return self.roost / self.floor if self.floor else None

    @property
    def met(self):
        """True, False, or None where there is no target."""
        limits = self.target.limits(self) if self.target else []
        return any(self.target.holds(compared, limit) for compared, limit, _ in limits) if limits else None

    @property
    def target_text(self):
        limits = [text for _, _, text in self.target.limits(self)] if self.target else []
        return ("≥ " if self.target.least else "≤ ") + " or ".join(limits) if limits else "-"

    @property
    def verdict(self):
        return {True: "met", False: "MISSED", None: "-"}[self.met]

    def as_dict(self):
        return {"group": self.group, "figure": self.name, "unit": self.unit, "roost": self.roost, "floor": self.floor, "pm2": self.pm2,
                "ratio": self.ratio, "target": self.target_text if self.target else None, "met": self.met}


def number(value):
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cells_of(figure, with_pm2):
    cells = [figure.name, figure.unit, number(figure.roost), number(figure.floor), f"{figure.ratio:.2f}x" if figure.ratio is not None else "-"]
    return cells + ([number(figure.pm2)] if with_pm2 else []) + [figure.target_text, figure.verdict]


def table(figures, markdown=False):
    """The figures, group by group."""
    with_pm2 = any(f.pm2 is not None for f in figures)
    head = ["figure", "unit", "roost", "floor", "ratio", *(["PM2"] if with_pm2 else []), "target", "verdict"]
    numbers = range(2, 6 if with_pm2 else 5)
    rows = [cells_of(f, with_pm2) for f in figures]
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]

    def line(cells):
        padded = [c.rjust(w) if i in numbers else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths))]
        return "| " + " | ".join(padded) + " |" if markdown else "  ".join(padded).rstrip()

    rule = "|" + "|".join("-" * (w + 1) + (":" if i in numbers else "-") for i, w in enumerate(widths)) + "|"
    lines, group = [], None
    for figure, cells in zip(figures, rows):
        if figure.group != group:
            group = figure.group
            lines += ([""] if lines else []) + ([f"**{group}**", "", line(head), rule] if markdown else [group.upper(), line(head)])
        lines.append(line(cells))
    return "\n".join(lines)
