"""Greets everybody in a table."""

from tabulate import tabulate


def main() -> None:
    print(tabulate([["Ada", "hello"], ["Grace", "good morning"]], headers=["who", "what"]))
