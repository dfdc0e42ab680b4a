#!/bin/bash
# The product against a real kernel's Bluetooth and the real BlueZ, with no radio: a virtual machine (machine.sh) makes
# virtual controllers, and runs `forecourt scan` over RFCOMM and LE.
#
#   tests/vm/bluetooth.sh [FOLDER FOR THE KERNEL]      ends with "VM: passed" and exit code 0, in a minute or two
#   PARTS=le TIMEOUT_S=1200 tests/vm/bluetooth.sh      one half alone, on a machine that has other things to do
#
# As root; needs apt: qemu-system-x86 bluez bluez-test-tools dbus busybox-static kmod cpio.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${1:-/tmp/forecourt-vm}
python=${PYTHON:-$root/.venv/bin/python}
source "$here/machine.sh"

mkdir -p "$work"
cd "$work"
get_kernel
make_first "cmac ecb aes_generic algif_hash algif_skcipher bluetooth rfcomm hci_vhci" <<'THEN'
chroot /new /bin/bash $(tr ' ' '\n' < /proc/cmdline | sed -n 's/^job=//p'); echo "VM-ENDED=$?"
poweroff -f
THEN

printf 'export PYTHON=%q PARTS=%q\nsource %q\n' "$python" "${PARTS:-classic le}" "$here/bluetooth_job.sh" > job.sh
boot "job=$work/job.sh"
grep -q 'VM-ENDED=0' log.txt
