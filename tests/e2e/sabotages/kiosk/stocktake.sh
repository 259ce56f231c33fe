#!/bin/sh
# Counts what is sold, and ends.
echo "$(wc -l < prices.txt) kinds, prices in ${CURRENCY:-cents}"
