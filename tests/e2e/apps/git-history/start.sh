#!/bin/bash
set -e
mkdir -p repositories
exec python history.py
