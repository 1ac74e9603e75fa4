#!/bin/sh
# roam.sh [BUILD]: files go on while networks change, in the laboratory.
cd "$(dirname "$0")/../.." || exit 1
make -s B="${1:-build}" lab-tools && exec tests/lab/roam.sh "${1:-build}"
