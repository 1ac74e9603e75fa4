#!/bin/sh
# tpm.sh: a key that stays in a TPM, here swtpm's, for QUIC and for DTLS.
. "$(dirname "$0")/lib.sh"

for p in swtpm tpm2_createprimary; do
	command -v $p > /dev/null || {
		echo "tpm: skipped: $p is not installed"; exit 0; }
done
ls "$(openssl version -m | cut -d'"' -f2)/tpm2.so" > /dev/null 2>&1 || {
	echo "tpm: skipped: OpenSSL's provider tpm2 is not installed"; exit 0; }
cd "$T" || exit 1

# what it keeps is the TPM stack's, not ours
export ASAN_OPTIONS="abort_on_error=0:detect_leaks=0"
export TPM2TOOLS_TCTI=swtpm:port=2321 TPM2OPENSSL_TCTI=swtpm:port=2321
mkdir tpm
swtpm socket --tpm2 --tpmstate "dir=$T/tpm" --server type=tcp,port=2321 \
    --ctrl type=tcp,port=2322 --flags not-need-init,startup-clear \
    > swtpm.out 2>&1 &
swtpm=$!
check "a TPM" wait_for 5 tpm2_getcap properties-fixed
# key HANDLE CURVE: made in the TPM, which keeps it
inside() {
	tpm2_createprimary -Q -C o -c primary.ctx &&
	tpm2_create -Q -C primary.ctx -G "$2" -u key.pub -r key.priv &&
	tpm2_flushcontext -t &&
	tpm2_load -Q -C primary.ctx -u key.pub -r key.priv -c key.ctx &&
	tpm2_evictcontrol -Q -C o -c key.ctx "$1" && tpm2_flushcontext -t
}
check "makes a key" inside 0x81000001 ecc256
conf alice <<EOT
port = 5060
identity = handle:0x81000001
EOT
fp() { as "$1" identity; }
check "it has a fingerprint" fp alice
fa=$(fp alice) fb=$(key bob)
check "which stays" test "$(fp alice)" = "$fa"
check "and is its certificate's" sh -c "openssl x509 -noout -fingerprint \
    -sha256 -in alice/certificate.pem | grep -F $fa"
check "there is no key in a file" sh -c "! grep -rl 'PRIVATE KEY' alice"
cat >> alice/sipd.conf <<EOT
[peer bob]
address = bob@127.0.0.1:5062
fingerprint = $fb
allow = file
EOT
conf bob <<EOT
port = 5062
[peer alice]
address = alice@127.0.0.1:5060
fingerprint = $fa
allow = file, vpn office
[vpn office]
address = 10.9.0.1/24
pool = 10.9.0.128/25
EOT
echo hello > hello
check "bob starts" start bob
check "alice starts, shut in" start alice
there() { cmp hello "$1/inbox/hello" && rm "$1/inbox/hello"; }
check "alice sends, by QUIC" as alice bob send hello
check "it is there" there bob
check "bob sends" as bob alice send hello
check "it is there" there alice
behind alice vpn.out bob vpn office
check "a VPN by DTLS" wait_for 15 grep -q "^connected to" vpn.out
kill -INT "$behind" 2> /dev/null
wait "$behind"
check "alice ends" stop alice

# what goes wrong
sed -i 's/0x81000001/0x81000009/' alice/sipd.conf
check "no such key" fails_with 1 "with a key of that name" as alice identity
check "a key of another kind" inside 0x81000002 ecc384
rm alice/certificate.pem
sed -i 's/0x81000009/0x81000002/' alice/sipd.conf
check "is refused" fails_with 1 "must be ECDSA P-256" as alice identity
kill $swtpm
wait $swtpm 2> /dev/null
sed -i 's/0x81000002/0x81000001/' alice/sipd.conf
check "no TPM" fails_with 1 "tpm2-openssl" as alice identity
check "bob ends" stop bob
finish
