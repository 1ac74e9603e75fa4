#!/bin/sh
# hsm.sh: keys that stay in a PKCS#11 token, here SoftHSM's, for QUIC, for DTLS
# and with a certificate of a company.
. "$(dirname "$0")/lib.sh"

for p in softhsm2-util pkcs11-tool; do
	command -v $p > /dev/null || {
		echo "skipped: hsm: $p is not installed"; exit 0; }
done
openssl engine pkcs11 > /dev/null 2>&1 || {
	echo "skipped: hsm: OpenSSL's engine pkcs11 is not installed"; exit 0; }

# what it keeps is libp11's and p11-kit's, not ours
export ASAN_OPTIONS="abort_on_error=0:detect_leaks=0"
export SOFTHSM2_CONF="$T/softhsm2.conf"
mkdir "$T/tokens"
printf 'directories.tokendir = %s\nlog.level = ERROR\n' "$T/tokens" \
    > "$SOFTHSM2_CONF"
MODULE=
for m in /usr/lib/softhsm /usr/lib/*/softhsm; do
	[ -f "$m/libsofthsm2.so" ] && MODULE=$m/libsofthsm2.so
done
PIN=83640217

# token NAME [TYPE]: with a key that was made in it, and its PIN in a file
token() {
	mkdir -p "$T/$1"
	printf %s "$PIN" > "$T/$1/pin"
	chmod 600 "$T/$1/pin"
	softhsm2-util --init-token --free --label "$1" --so-pin 1234567 \
	    --pin "$PIN" &&
	pkcs11-tool --module "$MODULE" --token-label "$1" --login \
	    --pin "$PIN" --keypairgen --key-type "${2:-EC:prime256v1}" \
	    --label sipd --id 01
}
uri() { echo "pkcs11:token=$1;object=sipd;pin-source=file:$T/$1/pin"; }
fp() { as "$1" identity; }
member() {
	conf "$1" <<-EOT
	port = $2
	identity = $(uri "$1")
	EOT
}
sends() { as "$1" bob send "$T/hello"; }
arrived() { cmp "$T/hello" "$T/bob/inbox/hello" && rm "$T/bob/inbox/hello"; }
secret() { ! grep -rlaF "$PIN" "$T" --include=log --include='*.conf' \
	--include='*.out' --include=calls.log; }
unseen() { ! tr '\0' ' ' < "/proc/$pid_bob/cmdline" | grep -F "$PIN" &&
	! tr '\0' ' ' < "/proc/$pid_bob/environ" | grep -F "$PIN"; }

echo hello > "$T/hello"
check "alice has a token" token alice
check "bob too" token bob
member alice 5060
member bob 5062
check "a key in a token has a fingerprint" fp alice
check "which stays" test "$(fp alice)" = "$(fp alice)"
check "and is its certificate's" sh -c "openssl x509 -noout -fingerprint \
    -sha256 -in $T/alice/certificate.pem | grep -F $(fp alice)"
check "there is no key in a file" test ! -e "$T/alice/identity.pem"
check "nor in the certificate's" sh -c "! grep KEY $T/alice/certificate.pem"
fa=$(fp alice) fb=$(fp bob)
cat >> "$T/alice/sipd.conf" <<EOT
[peer bob]
address = bob@127.0.0.1:5062
fingerprint = $fb
EOT
cat >> "$T/bob/sipd.conf" <<EOT
[peer alice]
fingerprint = $fa
allow = file, vpn office
[vpn office]
address = 10.9.0.1/24
pool = 10.9.0.128/25
EOT
start bob
check "both keys in tokens: a file by QUIC" sends alice
check "is there" arrived
behind alice vpn.out bob vpn office
check "a VPN by DTLS" wait_for 10 grep -q "^connected to" "$T/vpn.out"
# both ends have one network here: it may end by itself
kill -INT "$behind" 2> /dev/null
wait "$behind"

# one side only, either way
fc=$(key carol)
cat >> "$T/bob/sipd.conf" <<EOT
[peer carol]
fingerprint = $fc
allow = file, vpn office
EOT
check "bob knows carol, whose key is in a file" as bob reload
conf carol <<EOT
port = 5064
[peer bob]
address = bob@127.0.0.1:5062
fingerprint = $fb
EOT
check "she sends" sends carol
check "that is there" arrived
check "the PIN is not to be seen of the process" unseen
check "and in no log" secret

# what goes wrong
printf 999 > "$T/alice/pin"
check "a wrong PIN" fails_with 1 "its PIN in the file" sends alice
printf %s "$PIN" > "$T/alice/pin"
check "the right one again" sends alice
check "and again it is there" arrived
sed -i 's/object=sipd/object=other/' "$T/alice/sipd.conf"
check "no such key" fails_with 1 "with a key of that name" sends alice
sed -i 's/object=other;pin-source.*/object=sipd/' "$T/alice/sipd.conf"
check "without a PIN nobody is asked" fails_with 1 "pin-source" sends alice
sed -i "s/object=sipd.*/object=sipd;pin-value=$PIN/" "$T/alice/sipd.conf"
check "a PIN in the configuration is refused" \
    fails_with 1 "has a PIN in it" sends alice
sed -i "s,^identity = .*,identity = $(uri alice)," "$T/alice/sipd.conf"
cp "$T/bob/certificate.pem" "$T/alice/certificate.pem"
check "another's certificate" fails_with 1 "the certificate its own" \
    sends alice
check "a token with another kind of key" token dora EC:secp384r1
member dora 5066
check "is refused" fails_with 1 "must be ECDSA P-256" as dora identity
check "bob goes on" alive bob
stop bob

# a company's certificate for the key in the token
cd "$T" || exit 1
rm "$T/alice/certificate.pem"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -keyout ca.key -out ca.pem -days 3 -subj /CN=Acme 2> ca.said
openssl req -new -engine pkcs11 -keyform engine -key "$(uri alice)" \
    -subj /CN=alice -out alice.csr 2> csr.said
echo subjectAltName=URI:sip:alice@127.0.0.1 > san.ext
openssl x509 -req -in alice.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
    -days 3 -extfile san.ext -out alice/certificate.pem 2> x509.said
cat >> "$T/alice/sipd.conf" <<EOT
[account]
address = alice@127.0.0.1
EOT
conf bob <<EOT
port = 5062
identity = $(uri bob)
allow = file
[trust]
ca = $T/ca.pem
EOT
start bob
check "alice sends by the company's word" sends alice
check "it has come" arrived
stop bob
finish
