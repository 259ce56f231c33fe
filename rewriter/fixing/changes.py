"""What of an image a fixer may change: the words of `changes=`, which `dfix verify` allows and nothing else.

Every fix may change what `safe` allows for: the caches, indexes and logs of package managers, and apt's configuration
about keeping them. They need no word.
"""

from __future__ import annotations

from typing import Final

CONFIGURATION: Final = frozenset(
    {
        "author",
        "cmd",
        "entrypoint",
        "env",
        "expose",
        "healthcheck",
        "label",
        "onbuild",
        "shell",
        "stopsignal",
        "user",
        "volume",
        "workdir",
    }
)
"""Parts of the image's configuration, called like the instructions that set them."""

FILES: Final = frozenset(
    {
        "base-image",  # what only the old base image holds vanishes, what only the new one holds appears
        "build-tools",  # compilers, headers and the like vanish
        "bytecode",  # Python's byte code appears or vanishes
        "development-packages",  # packages vanish that a lock file or manifest of the image calls development's
        "folders",  # empty folders are made, for a program to write to
        "installer-records",  # what an installer notes about itself beside a package
        "installers",  # pip, setuptools, npm and the like get another version or vanish
        "locked-packages",  # packages get the versions that a lock file of the image names, which may be new itself
        "manifests",  # files that only tell a package manager what to install vanish
        "owners",  # files get another owner, group or mode
        "package-caches",  # of package managers: what every fix may change, said for the reader
        "replaced-users",  # users and groups vanish, with their home folders, for one that the image has
        "sources",  # what a compiler read or left beside a program vanishes with it, or all but the folder of a server
        "system-packages",  # packages of the distribution vanish or get another version
        "users",  # users and groups are added
        "virtual-environment",  # Python packages move into one, each in the version it had
    }
)
"""Groups of files."""

WORDS: Final = CONFIGURATION | FILES
