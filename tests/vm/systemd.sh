#!/bin/bash
# The unit under a running systemd, installed by the commands of docs/how-to as they stand there: a virtual machine
# (machine.sh) starts this machine's systemd, an adapter is plugged into its USB, and the service is treated badly.
#
#   tests/vm/systemd.sh [FOLDER FOR THE KERNEL AND THE CHECKOUT]      ends with "VM: passed" and exit code 0, in ten minutes
#   TIMEOUT_S=2400 tests/vm/systemd.sh                                on a machine that has other things to do
#
# As root; needs apt: qemu-system-x86 systemd udev busybox-static kmod cpio, and the package index for ./run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${1:-/tmp/forecourt-vm}
python=${PYTHON:-$root/.venv/bin/python}
source "$here/machine.sh"

mkdir -p "$work"/opt/{upper,layer}
cd "$work"
get_kernel

# "Put the checkout at /opt/forecourt and let it set itself up": in a /opt that only these two commands see
mkdir -p opt/upper/forecourt
git -C "$root" ls-files -co --exclude-standard -z | (cd "$root" && tar -c --null -T - --ignore-failed-read) | tar -x -C opt/upper/forecourt
unshare --mount bash -euc "
    mount -t overlay -o lowerdir=/opt,upperdir='$work/opt/upper',workdir='$work/opt/layer' o /opt
    cd /opt/forecourt
    PYTHON=/usr/bin/python3 ./run -- true"

# A car, and an adapter that is not plugged in yet
exec 3< <(exec "$python" -m simulator.cli --scenario engine-fault --tcp 127.0.0.1:0)
car=$!
trap 'kill "$car"' EXIT
read -r truth <&3
port=$("$python" -c 'import json, sys; print(json.loads(sys.argv[1])["adapters"][0].rpartition(":")[2])' "$truth")
printf '%s\n' "$truth" > truth.json

make_first "" <<'THEN'
word() { tr ' ' '\n' < /proc/cmdline | sed -n "s/^$1=//p"; }
mkdir -p /new/lib/modules /new/opt/forecourt
mount --bind "/new$(word work)/kernel/lib/modules" /new/lib/modules
mount --bind "/new$(word work)/opt/upper/forecourt" /new/opt/forecourt
: > /new/etc/tmpfiles.d/tmp.conf # nobody is to tidy up our /tmp
rm -f /new/.dockerenv # this is a machine
cat > /new/etc/systemd/system/job.service <<UNIT
[Unit]
Requires=basic.target
Wants=systemd-udev-trigger.service
After=basic.target systemd-udev-trigger.service
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/bash $(word here)/systemd_job.sh $(word work)
ExecStopPost=/bin/sh -c 'echo VM-ENDED=\$EXIT_STATUS'
StandardOutput=tty
StandardError=inherit
TTYPath=/dev/ttyS0
UNIT
umount /proc
exec switch_root /new /lib/systemd/systemd --log-target=journal --show-status=no --log-level=warning
THEN

# Once the job says so, the adapter is plugged in: a USB converter at whose far end the car is
plug() {
    until grep -qs 'PLUG IT IN' log.txt; do sleep 0.5; done
    "$python" - "$work/monitor" <<'PY'
import socket, sys
with socket.socket(socket.AF_UNIX) as monitor, monitor.makefile("rb") as said:
    monitor.connect(sys.argv[1])
    said.readline()  # its greeting
    monitor.sendall(b"device_add usb-serial,chardev=car,id=adapter\ninfo usb\n")
    assert any(b"Device 0." in line for line in said)
PY
}
rm -f log.txt monitor
plug &
trap 'kill "$car" %plug 2> /dev/null || true' EXIT
boot "rootfstype=overlay fstab=no systemd.unit=job.service work=$work here=$here" -device qemu-xhci \
    -chardev "socket,id=car,host=127.0.0.1,port=$port,reconnect=1" -monitor "unix:$work/monitor,server,nowait"
grep -q 'VM-ENDED=0' log.txt
