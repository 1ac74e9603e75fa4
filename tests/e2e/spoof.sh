#!/bin/bash
# spoof.sh [BUILD]: a liar between two networks of the laboratory.
cd "$(dirname "$0")/../.." || exit 1
make -s B="${1:-build}" lab-tools && exec tests/lab/spoof.sh "${1:-build}"
