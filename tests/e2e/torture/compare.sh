#!/bin/sh
# compare.sh FILE: are the messages beside this script those of the RFC? FILE is
# the text of RFC 4475 or RFC 5118 (rfc-editor.org, or Debian's
# doc-rfc-informational), whose appendix A is a base64 of an archive of them,
# made for this purpose. Each is compared byte by byte, and has to stand in
# `wanted`.
set -u
[ -f "${1:-}" ] || { echo "usage: $0 rfc4475.txt|rfc5118.txt" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
n=$(sed -n 's/^Request for Comments: \([0-9]*\).*/\1/p' "$1" | head -1)
[ -d "$here/rfc$n" ] || { echo "compare: $1 is neither RFC" >&2; exit 1; }
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
sed -n '/^ *-- BEGIN MESSAGE ARCHIVE/,/^ *-- END MESSAGE ARCHIVE/p' "$1" |
    tr -d '\f' | grep -x ' *[A-Za-z0-9+/=]*' | base64 -di |
    tar -xz -C "$T" --no-same-owner || exit 1
bad=0 all=0
for f in "$T"/*; do
	name=${f##*/}
	all=$((all + 1))
	cmp "$f" "$here/rfc$n/$name" || bad=$((bad + 1))
	grep -q "^rfc$n/$name " "$here/wanted" || {
		echo "$name is not in wanted"; bad=$((bad + 1)); }
done
for f in "$here/rfc$n"/*; do
	[ -f "$T/${f##*/}" ] || {
		echo "${f##*/} is not the RFC's"; bad=$((bad + 1)); }
done
echo "RFC $n: $all messages, $bad differences"
[ $bad = 0 ]
