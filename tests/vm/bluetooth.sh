#!/bin/bash
# The product against a real kernel's Bluetooth and the real BlueZ, with no radio: a Debian kernel in qemu (software
# emulation) sees this machine's files read-only, makes virtual controllers, and runs `forecourt scan` over RFCOMM and LE.
#
#   tests/vm/bluetooth.sh [FOLDER FOR THE KERNEL]      ends with "VM: passed" and exit code 0, in a minute or two
#   PARTS=le TIMEOUT_S=1200 tests/vm/bluetooth.sh      one half alone, on a machine that has other things to do
#
# As root; needs apt: qemu-system-x86 bluez bluez-test-tools dbus busybox-static kmod cpio. The kernel package is only
# downloaded and unpacked, into the folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${1:-/tmp/forecourt-vm}
python=${PYTHON:-$root/.venv/bin/python}
modules="cmac ecb aes_generic algif_hash algif_skcipher virtio_pci 9pnet_virtio 9p overlay bluetooth rfcomm hci_vhci"

mkdir -p "$work"
cd "$work"
if [ ! -d kernel/lib/modules ]; then
    package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
    apt-get download -q "$package"
    dpkg-deb -x "$package"*.deb kernel
    rm "$package"*.deb
    depmod -b kernel "$(ls kernel/lib/modules)"
fi
release=$(ls kernel/lib/modules)

# The first file system: busybox, the modules in the order they need each other, and a root made of the host's files
# with a throw-away layer above them.
first=$(mktemp -d)
trap 'rm -rf "$first"' EXIT
mkdir -p "$first"/{bin,proc,sys,dev,lower,upper,new,modules}
cp "$(command -v busybox)" "$first/bin/busybox"
number=100
for module in $modules; do
    modprobe -d "$PWD/kernel" -S "$release" --show-depends "$module" | awk '/^insmod/ { print $2 }'
done | awk '!seen[$0]++' | while read -r file; do
    number=$((number + 1))
    cp "$file" "$first/modules/$number.ko"
done
cat > "$first/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
for module in /modules/*.ko; do insmod "$module"; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro host /lower
mount -t tmpfs t /upper; mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work o /new
mount -t proc p /new/proc; mount -t sysfs s /new/sys; mount -t devtmpfs d /new/dev; mount -t tmpfs t /new/run
ip link set lo up
chroot /new /bin/bash $(tr ' ' '\n' < /proc/cmdline | sed -n 's/^job=//p'); echo "VM-ENDED=$?"
poweroff -f
INIT
chmod +x "$first/init"
(cd "$first" && find . | cpio -o -H newc --quiet | gzip -1) > initrd.gz

printf 'export PYTHON=%q PARTS=%q\nsource %q\n' "$python" "${PARTS:-classic le}" "$here/bluetooth_job.sh" > job.sh
timeout "${TIMEOUT_S:-600}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1536 -nographic -no-reboot -nodefaults \
    -serial stdio -nic none -kernel "kernel/boot/vmlinuz-$release" -initrd initrd.gz \
    -append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off job=$work/job.sh" \
    -virtfs local,path=/,security_model=none,mount_tag=host,readonly=on,multidevs=remap < /dev/null | tee log.txt
grep -q 'VM-ENDED=0' log.txt
