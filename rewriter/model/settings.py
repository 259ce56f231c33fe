"""What a user's configuration says about the builder that fixers must know."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Builder = Literal["buildkit", "legacy"]

UV_IMAGE: Final = "ghcr.io/astral-sh/uv:0.13.9"
"""The image that brings uv, pinned: https://docs.astral.sh/uv/guides/integration/docker/"""


class Settings(NamedTuple):
    """The user's choices. `uv` names the image that uv comes from, or is `pip` where pip is to install it.

    `why_legacy` says what in the project shows that its builder is an old one; empty where the user says so.
    """

    builder: Builder = "buildkit"
    uv: str = UV_IMAGE
    why_legacy: str = ""

    @property
    def has_mounts(self) -> bool:
        """Whether the builder knows `RUN --mount`."""
        return self.builder == "buildkit"


DEFAULTS: Final = Settings()
"""What holds without a configuration."""
