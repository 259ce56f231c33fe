#!/bin/sh
set -e

# an empty score board for the first start
mkdir -p "$SCORES_DIR"
flask prepare

exec "$@"
