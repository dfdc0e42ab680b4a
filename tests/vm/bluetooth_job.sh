# Runs inside the virtual machine (see bluetooth.sh): BlueZ, two kinds of virtual controller, one scan over each link.
set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONDONTWRITEBYTECODE=1 HOME=/root TERM=dumb
export FORECOURT_STORAGE__DIRECTORY=/tmp/state
# an emulated processor that shares its host with others may be a hundred times slower than a box
export FORECOURT_ADAPTER__CONNECT_TIMEOUT_S=60 FORECOURT_ADAPTER__REPLY_TIMEOUT_S=60
tests=$(dirname "${BASH_SOURCE[0]}")
packages=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
# Debian's Python knows Bluetooth addresses (bumble needs that for hci-socket); the environment's own may not, which is
# the case that the product's way through libc is for. Both are tried.
debian() { PYTHONPATH="$tests/../..:$packages" /usr/bin/python3 "$@"; }
forecourt() { "$PYTHON" -P "$(dirname "$PYTHON")/forecourt" "$@"; }

told() { echo "[$(cut -d' ' -f1 /proc/uptime) s] $*"; }
first_line() { # FILE [COMMAND]: wait for a started simulator; COMMAND is done again and again meanwhile
    for _ in $(seq 600); do [ -s "$1" ] && return; ${2:-true}; sleep 0.2; done
    cat "$1" "$1.err"; exit 1
}
field() { "$PYTHON" -c "import json,sys; print(json.loads(open('$1').readline())$2)"; }
verdict() { # FILE FILE: what was scanned, what is true
    "$PYTHON" - "$1" "$2" <<'PY'
import json, sys
snapshot, truth = json.load(open(sys.argv[1])), json.loads(open(sys.argv[2]).readline())["truth"]
read = [o["odometer_m"] for o in snapshot["odometer"] if o["source"] == "01A6"]
assert snapshot["vehicle"]["vin"] == truth["vin"], snapshot["vehicle"]
assert read == [truth["odometer_m"]], read
print(f"   {snapshot['adapter']['url']}: VIN, odometer and {len(snapshot['dtcs'])} codes in {snapshot['timing']['total_s']} s")
PY
}

free_the_adapter() { hciconfig hci1 down 2> /dev/null || true; } # bluetoothd switches every controller on

mkdir -p /run/dbus
dbus-daemon --system --fork
/usr/libexec/bluetooth/bluetoothd -n > /tmp/bluetoothd.log 2>&1 &

classic() {
    # Classic: two controllers of BlueZ's emulator. The kernel keeps hci0; hci1 is taken from it as the adapter's own.
    btvirt -l2 > /dev/null 2>&1 &
    for _ in $(seq 100); do [ -e /sys/class/bluetooth/hci1 ] && break; sleep 0.2; done
    sleep 1
    radio=$(hciconfig hci0 | awk '/BD Address/ { print $3 }')
    told "BlueZ runs; our radio is $radio"
    free_the_adapter
    debian -m simulator.cli --scenario engine-fault --rfcomm hci-socket:1 > /tmp/classic 2> /tmp/classic.err &
    first_line /tmp/classic free_the_adapter
    address=$(field /tmp/classic '["adapters"][0]')
    told "adapter $address"
    forecourt scan --adapter "$address" --json --lang en > /tmp/classic.json
    verdict /tmp/classic.json /tmp/classic
    debian -c 'from agent.cli import main; main()' scan --adapter "$address?radio=$radio" --depth quick --json --lang en > /tmp/bound.json
    verdict /tmp/bound.json /tmp/classic
    told "classic Bluetooth: passed"
}

le() {
    # LE: the kernel's next controller is a dongle on the simulator's air.
    debian -m simulator.cli --scenario engine-fault --ble > /tmp/le 2> /tmp/le.err &
    first_line /tmp/le
    before=$(ls /sys/class/bluetooth | wc -l)
    "$PYTHON" "$tests/bluetooth_relay.py" "$(field /tmp/le '["hci"]')" > /tmp/relay.log 2>&1 &
    for _ in $(seq 600); do [ "$(ls /sys/class/bluetooth | wc -l)" -gt "$before" ] && break; sleep 0.2; done
    sleep 2
    address=$(field /tmp/le '["adapters"][0]')
    told "adapter $address"
    forecourt scan --adapter "$address?radio=$(ls /sys/class/bluetooth | tail -1)" --json --lang en > /tmp/le.json || { cat /tmp/relay.log; exit 1; }
    verdict /tmp/le.json /tmp/le
    told "Bluetooth LE by bleak and BlueZ: passed"

    # A trusted adapter is found by itself.
    bluetoothctl --timeout 2 trust "${address#ble:}" > /dev/null || true
    found='import asyncio; from collector.paired import paired_adapters; print(*asyncio.run(paired_adapters()))'
    told "found by pairing: $("$PYTHON" -c "$found")"
}

for part in ${PARTS:-classic le}; do $part; done
echo "VM: passed"
