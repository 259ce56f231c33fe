"""Prices, for all services."""

import json
from pathlib import Path

PRICES = json.loads((Path(__file__).parent / "prices.json").read_text())


def total(apples: int) -> float:
    return round(apples * PRICES["apple"], 2)
