#!/bin/sh
# The first program of an emulated board. It speaks to `ci/board` in lines that begin with `board:`.
export PATH=/bin:/usr/bin HOME=/tmp TERM=linux

mount -t proc proc /proc
# Where memory runs out, a cell is to end of it (it asks for that), not what has its results.
echo -1000 >/proc/self/oom_score_adj
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
# The console is for the program's words; all of the kernel's go to kernel.log. A farm wants them on the console.
[ -e /etc/login ] || echo 1 >/proc/sys/kernel/printk
# The firmware and a loader may leave their last line open.
printf '\nboard: up\n'

# An oops ends a cell, not the board, unless the board is to be started again after one.
grep -q oops=panic /proc/cmdline || echo 0 >/proc/sys/kernel/panic_on_oops
# A processor that never comes back from the kernel says where it is, and the board is started again.
# Twice the threshold is before the deadline of most cells: it is found in the cell that it is of.
if [ -e /proc/sys/kernel/softlockup_panic ]; then
	echo 7 >/proc/sys/kernel/watchdog_thresh
	echo 1 >/proc/sys/kernel/softlockup_panic
fi
echo 1 >/proc/sys/kernel/kptr_restrict

load() {
	said=$(modprobe "$@" 2>&1) || echo "board: warning the module '$1' did not load: $said"
}

while read -r module; do
	modprobe "$module" 2>/dev/null
done </etc/transport
while read -r module; do
	# Unquoted: a module and its parameters.
	# shellcheck disable=SC2086
	load $module
done </etc/modules
while read -r file text; do
	said=$({ echo "$text" >"$file"; } 2>&1) || echo "board: warning '$text' could not be written to $file: $said"
done </etc/writes

if [ -e /etc/login ]; then
	name=$(cat /etc/login)
	export TERM=dumb PS1="$name:~# "
	cd /tmp || exit
	ip link set lo up 2>/dev/null
	ip link set eth0 up 2>/dev/null && udhcpc -i eth0 -s /etc/udhcpc -n -q >/dev/null 2>&1
	while :; do
		printf '\n%s login: ' "$name"
		read -r _ </dev/console || continue
		setsid -c sh </dev/console >/dev/console 2>&1
	done
fi

results=/results
if ! said=$(mount -t 9p -o trans=virtio,version=9p2000.L,cache=none,msize=262144 results $results 2>&1); then
	echo "board: warning the results come over the console, not over 9p: $said"
	results=/tmp/results
	mkdir $results
fi

# Libraries and programs, for the boards that have some.
if [ -d /userland ]; then
	if said=$(mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 userland /userland 2>&1); then
		ln -s /userland/usr /usr
		for folder in /userland/lib64 /userland/usr/lib64; do
			[ ! -d $folder ] || ln -sfn $folder /lib64
		done
		# Until Debian 12 the loader is a link to its absolute place.
		mkdir -p /lib
		[ ! -d /userland/lib ] || ln -s /userland/lib/*-linux-gnu /lib/
		for folder in /userland/lib/*-linux-gnu /userland/usr/lib/*-linux-gnu; do
			LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
		done
		export LD_LIBRARY_PATH
	else
		echo "board: warning the board has no libraries: $said"
	fi
fi

finish() {
	sync
	echo "board: done $1"
	poweroff -f
}

if [ -e /etc/shell ]; then
	echo 'board: shell'
	stty rows "$(sed -n 1p /etc/shell)" cols "$(sed -n 2p /etc/shell)" 2>/dev/null
	cd /tmp || exit
	setsid -c sh -l </dev/console >/dev/console 2>&1
	finish 0
fi

# Live, so that the kernel's last words are there even if the board dies.
# A kernel that never stops is heard for 256 MiB.
{
	ulimit -f 524288
	exec cat /proc/kmsg >>$results/kernel.log
} &
pump=$!

echo 'board: run'
{
	sh /etc/run "$results"
	echo $? >/tmp/exit
} | tee $results/summary.txt

# The log is complete once this line has come through it.
echo 'board: the run is over' >/dev/kmsg
tries=0
until tail -c 262144 $results/kernel.log | grep -q 'board: the run is over' || [ $tries -gt 50 ]; do
	tries=$((tries + 1))
	usleep 20000
done
kill $pump
cp /tmp/exit $results/exit

if [ $results != /results ]; then
	tar -C $results -czf /tmp/results.tar.gz .
	# shellcheck disable=SC2046
	set -- $(sha256sum /tmp/results.tar.gz)
	echo "board: archive begin $1"
	base64 /tmp/results.tar.gz
	echo 'board: archive end'
fi
finish "$(cat /tmp/exit)"
