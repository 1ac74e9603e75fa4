# lib.sh: what each script in the laboratory sources first, here and in
# tests/e2e: that one's lib.sh, the world, the sites, and the peers in them.
#
#   . "$(dirname "$0")/../lab/lib.sh"

. "$(dirname "$0")/../e2e/lib.sh"
LAB=$(realpath "$(dirname "$E2E_SELF")/../lab")
LAB_BIN=$E2E_BUILD/lab
. "$LAB/world.sh"
. "$LAB/sites.sh"
. "$LAB/peers.sh"
