#!/bin/sh
# ca.sh: a company's authority vouches for keys that nobody has pinned.
#
#   root --> office --> bob, mallory, ...    an intermediate, sent along
#        --> alice
. "$(dirname "$0")/lib.sh"

cd "$T" || exit 1
exec 2> "$T/stderr"

# authority NAME SUBJECT [BY]: a key and a certificate of an authority
authority() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
	openssl req -new -key "$1.key" -subj "/O=Acme/CN=$2" -out "$1.csr"
	printf 'basicConstraints=critical,CA:true\n' > ca.ext
	printf 'keyUsage=critical,keyCertSign,cRLSign\n' >> ca.ext
	if [ -n "${3:-}" ]; then
		set -- "$1" -CA "$3.pem" -CAkey "$3.key" -CAcreateserial
	else
		set -- "$1" -signkey "$1.key"
	fi
	n=$1; shift
	openssl x509 -req -in "$n.csr" "$@" -days 9 -extfile ca.ext \
	    -out "$n.pem"
	: > "$n.db"
	echo 01 > "$n.serial"
	cat > "$n.cnf" <<-EOT
	[ca]
	default_ca = d
	[d]
	database = $T/$n.db
	serial = $T/$n.serial
	new_certs_dir = $T
	certificate = $T/$n.pem
	private_key = $T/$n.key
	default_md = sha256
	default_days = 9
	default_crl_days = 9
	policy = p
	unique_subject = no
	copy_extensions = copy
	[p]
	commonName = supplied
	EOT
}

# certified NAME URI BY [OPTION...]: for the key that NAME has
certified() {
	n=$1 uri=$2 by=$3; shift 3
	key "$n" > /dev/null
	openssl req -new -key "$n/identity.pem" -subj "/CN=$n" \
	    -addext "subjectAltName=URI:$uri" -out "$n.csr"
	openssl ca -batch -config "$by.cnf" -in "$n.csr" -out "$n/cert.pem" \
	    -notext "$@"
	[ "$by" = root ] || cat "$by.pem" >> "$n/cert.pem"
}

# lists: the revocation lists of both
lists() {
	for ca in root office; do
		openssl ca -config $ca.cnf -gencrl
	done > crl.new
	cp crl.new bobs.crl
	mv crl.new crl.pem
}

# member NAME PORT: one with a certificate, who takes files of the company
member() {
	conf "$1" <<-EOT
	certificate = cert.pem
	port = $2
	allow = file
	[trust]
	ca = $T/root.pem
	crl = $T/crl.pem
	[account]
	address = $1@127.0.0.1
	EOT
}
sends() { as "$1" "$2" send "$T/hello"; }
arrived() { cmp "$T/hello" "$T/$1/inbox/hello" && rm "$T/$1/inbox/hello"; }
nothing() { test ! -e "$T/$1/inbox/hello"; }
pinned() { test -s "$T/$1/known_peers"; }
not() { ! "$@"; }

echo hello > "$T/hello"
authority root Root
authority office Office root
lists
certified alice sip:alice@127.0.0.1 root
certified bob sip:bob@127.0.0.1:5062 office
certified carol sip:carol@127.0.0.1 office
certified mallory sip:mallory@127.0.0.1 office
member alice 5060
member bob 5062
member carol 5064
member mallory 5066
sed -i 's/crl.pem/bobs.crl/' "$T/bob/sipd.conf"
BOB=sip:bob@127.0.0.1:5062
start bob

check "alice sends to bob, by the company's word" sends alice $BOB
check "it is there" arrived bob
check "and again" sends alice $BOB
check "it is there again" arrived bob
check "bob has pinned nobody" not pinned bob
check "nor has alice" not pinned alice
check "bob says why" says bob "an authority vouches for sip:alice@127.0.0.1"
check "what bob allows nobody is refused at once" \
    fails_with 1 "does not allow us" as alice $BOB pipe
check "and logged" ended bob not-allowed

sed -i 's/^allow = file/allow = file, vpn office/' "$T/bob/sipd.conf"
printf '[vpn office]\naddress = 10.9.0.1/24\npool = 10.9.0.128/25\n' \
    >> "$T/bob/sipd.conf"
check "bob offers a VPN" as bob reload
behind alice vpn.out $BOB vpn office
check "which goes by DTLS: vouched for as well" \
    wait_for 10 grep -q "^connected to" "$T/vpn.out"
# both ends have one network here: it may end by itself
kill -INT "$behind" 2> /dev/null
wait "$behind"

# another's name
sed -i 's/^address.*/address = alice@127.0.0.1/' "$T/mallory/sipd.conf"
check "mallory calls as alice" fails_with 1 "for sip:mallory@127.0.0.1" \
    sends mallory $BOB
check "nothing has come" nothing bob
check "it is in the call log" ended bob not-trusted
sed -i 's/^address.*/address = mallory@127.0.0.1/' "$T/mallory/sipd.conf"
check "with her own name she may" sends mallory $BOB
check "that is there" arrived bob
start mallory
check "mallory answers for bob: alice sends nothing" \
    fails_with 1 "its certificate is for sip:mallory@127.0.0.1" \
    sends alice sip:bob@127.0.0.1:5066
check "nothing has come there" nothing mallory
stop mallory

# revoked while bob runs
check "carol sends" sends carol $BOB
check "hers is there" arrived bob
openssl ca -config office.cnf -revoke carol/cert.pem
lists
check "carol is revoked" fails_with 1 "its certificate is revoked" \
    sends carol $BOB
check "nothing comes" nothing bob
echo nonsense > bobs.crl
check "without a list nobody is vouched for" \
    fails_with 1 "does not know our key" sends alice $BOB
check "bob's log tells why" says bob "no revocation list in it"
openssl ca -config root.cnf -gencrl > bobs.crl
check "one list of two does not do" \
    fails_with 1 "crl= has no list of the authority" sends mallory $BOB
openssl ca -config office.cnf -gencrl -crl_lastupdate 20200101000000Z \
    -crl_nextupdate 20210101000000Z >> bobs.crl
check "an old one neither" fails_with 1 "out of date" sends mallory $BOB
lists
check "with fresh ones it goes on" sends alice $BOB
check "this is there" arrived bob
openssl ca -config office.cnf -revoke bob/cert.pem
lists
check "bob is revoked: alice sends nothing" \
    fails_with 1 "not accepted. (its certificate is revoked)" \
    sends alice $BOB
check "and nothing came" nothing bob
stop bob
certified bob sip:bob@127.0.0.1:5062 office
start bob

# certificates that are not good
certified dave sip:dave@127.0.0.1 office -startdate 20200101000000Z \
    -enddate 20210101000000Z
member dave 5068
check "dave's has expired" fails_with 1 "has expired" sends dave $BOB
certified dora sips:dora@127.0.0.1 office
member dora 5068
check "sips: is no SIP identity" fails_with 1 "names no SIP address" \
    sends dora $BOB
certified eve sip:127.0.0.1 office
member eve 5068
check "a domain's name is no user's" fails_with 1 "is for sip:127.0.0.1" \
    sends eve $BOB
key zoe > /dev/null
cp root.pem true.pem
authority root Root
certified zoe sip:zoe@127.0.0.1 root
mv true.pem root.pem
member zoe 5068
check "an authority of the same name is not the company's" \
    fails_with 1 "vouches for its certificate" sends zoe $BOB
check "nothing has come of them" nothing bob
conf stranger <<EOT
port = 5070
[peer bob]
address = $BOB
fingerprint = $(key bob)
EOT
check "a stranger is unknown as ever" fails_with 1 "does not know our key" \
    as stranger bob send "$T/hello"

# a pinned key goes first
stop bob
cat >> "$T/bob/sipd.conf" <<EOT
[peer alice]
address = alice@127.0.0.1
fingerprint = $(key zoe)
[peer mallory]
address = mallory@127.0.0.1
allow = pipe
EOT
start bob
check "alice's key is pinned otherwise: refused" \
    fails_with 1 "another key pinned for us" sends alice $BOB
check "both keys are shown, whole" fails_with 1 \
    "pinned $(key zoe), got $(as alice identity)" sends alice $BOB
check "a peer of the configuration has its own rights" \
    fails_with 1 "does not allow us" sends mallory $BOB
sed -i 's/^allow = pipe/allow = file/' "$T/bob/sipd.conf"
check "read anew" as bob reload
check "now she has" sends mallory $BOB
check "the last is there" arrived bob
check "bob goes on" alive bob
stop bob

# what cannot be
sed -i "s,^ca = .*,ca = $T/hello," "$T/alice/sipd.conf"
check "no authority in ca" fails_with 1 "there is no certificate in it" \
    sends alice $BOB
sed -i "s,^certificate = .*,certificate = $T/bob/cert.pem," \
    "$T/carol/sipd.conf"
check "another's certificate" fails_with 1 "and the certificate its own" \
    as carol identity
finish
