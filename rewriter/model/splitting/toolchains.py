"""The compilers that a runtime does without, and what of a project goes with each of them."""

from __future__ import annotations

from typing import Final

from rewriter.model.splitting.dotnet import DOTNET
from rewriter.model.splitting.files_beside import Toolchain
from rewriter.model.splitting.go import GO
from rewriter.model.splitting.java import JAVA
from rewriter.model.splitting.rust import RUST

TOOLCHAINS: Final[dict[str, Toolchain]] = {"dotnet": DOTNET, "go": GO, "java": JAVA, "rust": RUST}
