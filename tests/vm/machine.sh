# A virtual machine for the scripts beside this one (sourced): a Debian kernel in qemu (software emulation) sees this
# machine's files read-only, with a throw-away layer above them. The kernel package is only downloaded and unpacked.

get_kernel() { # into kernel/ of the present folder; sets `release`
    if [ ! -d kernel/lib/modules ]; then
        local package
        package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
        apt-get download -q "$package"
        dpkg-deb -x "$package"*.deb kernel
        rm "$package"*.deb
        depmod -b kernel "$(ls kernel/lib/modules)"
    fi
    release=$(ls kernel/lib/modules)
}

make_first() { # MODULES < WHAT TO DO IN /new: writes initrd.gz, busybox and the modules in the order they need each other
    local first number=100 module file
    first=$(mktemp -d)
    mkdir -p "$first"/{bin,proc,sys,dev,lower,upper,new,modules}
    cp "$(command -v busybox)" "$first/bin/busybox"
    for module in $1 virtio_pci 9pnet_virtio 9p overlay; do
        modprobe -d "$PWD/kernel" -S "$release" --show-depends "$module" | awk '/^insmod/ { print $2 }'
    done | awk '!seen[$0]++' | while read -r file; do
        number=$((number + 1))
        cp "$file" "$first/modules/$number.ko"
    done
    { cat <<'INIT'; cat; } > "$first/init"
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
for module in /modules/*.ko; do insmod "$module"; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro host /lower
mount -t tmpfs t /upper; mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work o /new
mount -t proc p /new/proc; mount -t sysfs s /new/sys; mount -t devtmpfs d /new/dev; mount -t tmpfs t /new/run
ip link set lo up
INIT
    chmod +x "$first/init"
    (cd "$first" && find . | cpio -o -H newc --quiet | gzip -1) > initrd.gz
    rm -rf "$first"
}

boot() { # KERNEL ARGUMENTS [QEMU ARGUMENTS...]: runs until the machine is off; what it says goes to log.txt, too
    local words=$1
    shift
    timeout "${TIMEOUT_S:-600}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1536 -nographic -no-reboot \
        -nodefaults -serial stdio -nic none -kernel "kernel/boot/vmlinuz-$release" -initrd initrd.gz \
        -append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off $words" "$@" \
        -virtfs local,path=/,security_model=none,mount_tag=host,readonly=on,multidevs=remap < /dev/null | tee log.txt
}
