#!/bin/sh
# renew.sh: a new key that the old one vouches for is taken without asking by
# whoever has the old one pinned, and nobody else's is.
. "$(dirname "$0")/lib.sh"

fp() { as "$1" identity; }
conf alice <<EOT
port = 5060
allow = file
[account]
address = alice@127.0.0.1
EOT
conf bob <<EOT
port = 5062
allow = file
[account]
address = bob@127.0.0.1
EOT
BOB=sip:bob@127.0.0.1:5062
ALICE=sip:alice@127.0.0.1
first=$(fp alice) fb=$(fp bob)
check "alice has bob's key" as alice trust $BOB "$fb"
check "bob has alice's" as bob trust $ALICE "$first"
conf carol <<EOT
port = 5064
[peer alice]
address = alice@127.0.0.1:5060
fingerprint = $first
allow = file
EOT
cp -r "$T/bob" "$T/dave"
conf dave <<EOT
port = 5066
allow = file
[account]
address = dave@127.0.0.1
EOT
echo hello > "$T/hello"
sends() { as "$1" "$2" send "$T/hello"; }
arrived() { cmp "$T/hello" "$T/$1/inbox/hello" && rm "$T/$1/inbox/hello"; }
pins() { grep -qF "$2" "$T/$1/known_peers"; }
not() { ! "$@"; }

start bob
start carol
check "alice sends to bob" sends alice $BOB
check "it is there" arrived bob

second=$(as alice identity --renew)
check "alice has a new key" test "$second" != "$first"
check "which stays" test "$second" = "$(fp alice)"
check "and the old one" test -s "$T/alice/identity.pem.old"
check "nobody else reads it" test \
    "$(stat -c %a "$T/alice/identity.pem")" = 600
check "bob is not asked" sends alice $BOB
check "it is there too" arrived bob
check "bob says it" says bob "alice@127.0.0.1 has a new key"
check "and has pinned the new one" pins bob "$second"
check "and not the old" not pins bob "$first"
check "from then on it is the key" sends alice $BOB
check "and it is there" arrived bob
check "carol, who is called by its owner, as well" \
    as alice trust sip:127.0.0.1:5064 "$(fp carol)"
check "alice sends to carol" sends alice sip:127.0.0.1:5064
check "there it is" arrived carol
check "carol is told what to write" \
    says carol "set fingerprint = $second in [peer alice]"

# the other way, by who calls
third=$(as alice identity --renew)
start alice
check "carol calls: two keys later" sends carol alice
check "alice has it" arrived alice
check "dave, who has the first, too" sends dave $ALICE:5060
check "and now the third" pins dave "$third"
stop alice

# the old key has lost its rights, where it was replaced
check "bob takes the third" sends alice $BOB
check "it is with bob" arrived bob
cp -r "$T/alice" "$T/thief"
cp "$T/alice/identity.pem.old" "$T/thief/identity.pem"
sed -i "s,^state.*,state = $T/thief," "$T/thief/sipd.conf"
check "the second key does not do any more" \
    fails_with 1 "another key pinned" sends thief $BOB
check "nothing has come" test ! -e "$T/bob/inbox/hello"

# mallory has alice's certificates, which are no secret, and not her key
cp -r "$T/alice" "$T/mallory"
sed -i "s,^state.*,state = $T/mallory," "$T/mallory/sipd.conf"
rm -r "$T/mallory/identity.pem"* "$T/mallory/inbox"
fp mallory > /dev/null
{ openssl x509 -in "$T/mallory/identity.pem"
  sed -n '/BEGIN CERT/,$p' "$T/alice/identity.pem"; } > "$T/mallory/chain.pem"
sed -i '/^state/a certificate = chain.pem' "$T/mallory/sipd.conf"
check "mallory shows alice's certificates behind hers" \
    fails_with 1 "another key pinned" sends mallory $BOB
check "nothing has come of that" test ! -e "$T/bob/inbox/hello"
check "bob keeps his pin" pins bob "$third"
check "and tells it" ended bob wrong-key
sed -i 's/^port = .*/port = 5060/' "$T/mallory/sipd.conf"
start mallory
check "mallory answers for alice" \
    fails_with 1 "has another key than the one pinned" sends carol alice
check "and gets nothing" test ! -e "$T/mallory/inbox/hello"
stop mallory
check "with others' certificates there is no renewal" \
    fails_with 1 "Only a key that was made here" as mallory identity --renew
check "bob goes on" alive bob
stop bob
stop carol
finish
