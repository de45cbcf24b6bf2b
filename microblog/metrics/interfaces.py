"""What counts."""

from __future__ import annotations

from zope.interface import Interface


class INumbers(Interface):
    """Counts what happens, for `/metrics`; `registry.numbers` is always there."""

    def count(name: str, **labels: str) -> None:
        """One more of `COUNTERS[name]` in metrics.py; a label has few values. Costs microseconds."""
