"""Reports what was sold."""

from tabulate import tabulate

SOLD = {"apples": 3, "pears": 5}


def main() -> None:
    print(tabulate(SOLD.items(), headers=["fruit", "pieces"]))
