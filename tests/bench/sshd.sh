# sshd.sh: an sshd in the namespace far with keys of its own, to compare with;
# sourced after lib.sh.

# far_sshd ADDRESS: its PID is in $sshd; clients use -F $T/ssh/config as root
far_sshd() {
	mkdir -p /run/sshd "$T/ssh"
	chmod 700 "$T/ssh"
	ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/host"
	ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/user"
	cp "$T/ssh/user.pub" "$T/ssh/authorized"
	sftp=$(find /usr/lib/openssh /usr/libexec -name sftp-server \
		2>/dev/null | head -1)
	cat > "$T/ssh/sshd_config" <<-EOT
	ListenAddress $1:22
	HostKey $T/ssh/host
	PidFile none
	AuthorizedKeysFile $T/ssh/authorized
	PermitRootLogin yes
	PasswordAuthentication no
	UsePAM no
	StrictModes no
	Subsystem sftp $sftp
	EOT
	ip netns exec far /usr/sbin/sshd -D -e -f "$T/ssh/sshd_config" \
		2> "$T/ssh/log" &
	sshd=$!
	cat > "$T/ssh/config" <<-EOT
	IdentityFile $T/ssh/user
	UserKnownHostsFile $T/ssh/known
	StrictHostKeyChecking no
	Compression no
	LogLevel ERROR
	EOT
}
