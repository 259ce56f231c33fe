"""Options of the test run."""

import os
from pathlib import Path

import pytest

CORPUS = Path(os.environ.get("DFIX_CORPUS", "/var/tmp/dockerfile-corpus"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-fixtures", action="store_true", help="write what dfix does now as the expectation")


@pytest.fixture
def update_fixtures(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-fixtures"))
