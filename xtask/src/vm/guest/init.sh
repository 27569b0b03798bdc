#!/bin/busybox sh
# The guest's first process. It makes the host's files the guest's own, read-only below a layer in memory, adds a
# disk for /tmp and a folder of the host for the results, and runs the job there.
/bin/busybox mkdir -p /bin /proc /sys /dev /lower /upper /root /workspace
/bin/busybox --install -s /bin
PATH=/bin
host_options=trans=virtio,version=9p2000.L,msize=524288

fail() {
    echo "guest: $1"
    poweroff -f
}
must() {
    "$@" || fail "failed: $*"
}

mount -t devtmpfs dev /dev 2>/dev/null # The kernel may have done it.
must mount -t proc proc /proc
must mount -t sysfs sys /sys
for module in /modules/*.ko; do
    [ -e "$module" ] || continue # All of it is built in.
    must insmod "$module"
done

must mount -t 9p -o "$host_options,ro,cache=loose" host /lower
must mount -t tmpfs -o size=600m upper /upper
mkdir /upper/files /upper/work
must mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work root /root

must mount -t proc proc /root/proc
must mount -t sysfs sys /root/sys
must mount -t devtmpfs dev /root/dev
mkdir -p /root/dev/pts /root/dev/shm /root/job
must mount -t devpts pts /root/dev/pts
must mount -t tmpfs shm /root/dev/shm
must mount -t tmpfs run /root/run
must mount -t tracefs tracing /root/sys/kernel/tracing
must mount -t bpf bpf /root/sys/fs/bpf
must mount -t cgroup2 cgroup /root/sys/fs/cgroup
must mount -t 9p -o "$host_options" job /root/job
. /root/job/settings

# The checkout stays in its place, wherever that is: also below /tmp, which the disk hides.
must mount --bind "/root$WORKSPACE" /workspace
must mount -t ext4 /dev/vda /root/tmp
chmod 1777 /root/tmp
mkdir -m 1777 /root/tmp/var
must mount --bind /root/tmp/var /root/var/tmp
mkdir -p "/root$WORKSPACE"
must mount --bind /workspace "/root$WORKSPACE"

must ip link set lo up
chroot /root /bin/sh /job/run.sh
sync
poweroff -f
