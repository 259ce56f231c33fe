#!/bin/sh
set -e
# volumes come as root's
chown -R keeper /zoo/animals
exec gosu keeper "$@"
