"""Which programs touch nothing but what their arguments name, which the system, and where packages are put."""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.managers.vocabulary import names

SYSTEM: Final = names(
    "/bin /boot /etc /lib /lib32 /lib64 /libexec /sbin /tmp /run /usr/bin /usr/games /usr/include /usr/lib /usr/lib32 "
    "/usr/lib64 /usr/libexec /usr/sbin /usr/share /usr/local/bin /usr/local/bundle /usr/local/cargo /usr/local/etc "
    "/usr/local/go /usr/local/include /usr/local/lib /usr/local/rustup /usr/local/sbin /usr/local/share /var/cache "
    "/var/lib /var/log /var/mail /var/spool"
)
"""Where the packages of a distribution and the tools of languages put what they install."""

HOME_NAMES: Final = names(
    ".cache .config .local .npm .npmrc .yarn .yarnrc .pnpm-store .bun .gem .bundle .cargo .rustup .composer .m2 "
    ".gradle .nuget .dotnet .virtualenvs .pip .pydistutils.cfg .gitconfig .ssh .gnupg .node-gyp .docker .netrc "
    ".profile .bashrc go"
)
"""What those tools keep in a home folder."""

WEB_SERVERS: Final = re.compile(
    r"apache2|nginx|lighttpd|httpd|libapache2|php(?:\d\.\d|5)?(?:[=/].*)?\Z|phpmyadmin|phppgadmin|wordpress|roundcube"
)
"""Packages that leave a page in /var/www/html; Debian's plain `php`, and programs written in it, bring Apache.

https://packages.debian.org/bookworm/php8.2, https://packages.debian.org/bookworm/phpmyadmin
"""

SILENT: Final = names("echo printf true false : sleep date id whoami pwd uname hostname nproc type which arch groups")
"""Programs that touch nothing."""

PATH_PROGRAMS: Final = names(
    "rm rmdir mkdir touch chmod chown chgrp cp mv ln install cat ls head tail sed grep egrep fgrep stat du dos2unix "
    "tee strip wc sha256sum sha512sum md5sum readlink realpath truncate cut sort uniq tr awk"
)
"""Programs that touch nothing but what their arguments name."""

FIRST_IS_NO_PATH: Final = names("chmod chown chgrp sed grep egrep fgrep tr awk")
"""Those whose first plain argument is no path: a mode, an owner, a pattern, a script."""

UNPACKERS: Final = names("tar unzip gunzip bunzip2 xz gzip curl wget")
ACCOUNT_PROGRAMS: Final = names(
    "useradd groupadd adduser addgroup usermod groupmod userdel groupdel deluser delgroup passwd chpasswd"
)
SYSTEM_PROGRAMS: Final = names(
    "locale-gen localedef update-locale update-ca-certificates ldconfig update-alternatives dpkg-reconfigure dpkg "
    "a2enmod a2dismod a2ensite a2dissite docker-php-ext-install "
    "docker-php-ext-configure docker-php-ext-enable docker-php-source phpenmod "
    "phpdismod pecl pear corepack rustup apt-key add-apt-repository gpg apt-mark apt-cache apt-config install_packages "
    "debconf-set-selections setcap"
)
