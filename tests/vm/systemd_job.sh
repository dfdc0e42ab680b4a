# Runs inside the virtual machine (see systemd.sh): what docs/how-to says is done word for word, then the service is
# started without its adapter, given a car, killed, hung, and given wrong keys and settings.
set -euo pipefail
work=$1
export PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8
cd /opt/forecourt
settings=/etc/forecourt/forecourt.toml
credential=/etc/credstore.encrypted/forecourt.storage-key
state=/var/lib/forecourt
patience_s=${PATIENCE_S:-300} # an emulated processor that shares its host with others may be a hundred times slower

told() { echo "[$(cut -d' ' -f1 /proc/uptime) s] $*"; }
wrong() { told "WRONG: $*"; journalctl --no-pager --output=short-monotonic --lines=60; exit 1; }
block() { # KIND PAGE WORDS: the block of a how-to that holds the words
    awk -v kind="$1" -v words="$3" '
        $1 == "```" kind { inside = 1; text = ""; next }
        $1 == "```" && inside { if (index(text, words)) { print text; found = 1; exit } inside = 0 }
        inside { text = text $0 "\n" }
        END { exit !found }' "docs/how-to/$2" || wrong "$2 has no block with: $3"
}
sudo() { "$@"; }
do_as_written() { local words; words=$(block sh "$1" "$2"); told "as in $1: $2"; eval "$words"; }
until_it_is() { # WHAT COMMAND...: wait until the command succeeds
    local what=$1 end=$((SECONDS + patience_s))
    shift
    until "$@" > /dev/null 2>&1; do [ $SECONDS -lt $end ] || wrong "never $what"; sleep 0.5; done
    told "$what"
}
is() { # PROPERTY VALUE: what systemd says of the service
    local said
    said=$(systemctl show --value --property="$1" forecourt)
    [ "$said" = "$2" ] || wrong "$1 is $said and not $2"
}
page() { python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())' "http://127.0.0.1:8765/$1"; }
truth() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["truth"][sys.argv[2]])' "$work/truth.json" "$1"; }
vin=$(truth vin)
car_is_read() { page api/bays | grep -q "\"sent\": *true" && page api/bays | grep -q "$vin"; }
restarted() { [ "$(systemctl show --value --property=NRestarts forecourt)" -gt "$1" ] && systemctl is-active --quiet forecourt; }
last_line() { journalctl --unit=forecourt --output=cat --lines=1 --no-pager; }
hidden() { # no VIN and no plate in any byte, name or log
    ! grep -rlaE "$vin|$(truth plate)|$(truth stock_number)" "$state" "$@" || wrong "a VIN or plate lies open"
    ! journalctl --no-pager | grep -q "$vin" || wrong "a VIN is in the journal"
}
with_drop_in() { # LINES: for the next start
    mkdir -p /etc/systemd/system/forecourt.service.d
    printf '[Service]\n%b' "$1" > /etc/systemd/system/forecourt.service.d/test.conf
    systemctl daemon-reload
}
without_drop_in() { rm -r /etc/systemd/system/forecourt.service.d; systemctl daemon-reload; }
refuses() { # WHY: a start ends with the user's mistake, in one line, and is not tried again
    local lines before
    before=$(sha256sum "$state"/*)
    lines=$(journalctl --unit=forecourt --output=cat --no-pager _COMM=forecourt | wc -l)
    ! systemctl start forecourt 2> /dev/null || wrong "it starts with $1"
    is ActiveState failed; is Result exit-code; is ExecMainStatus 2; is NRestarts 0
    lines=$(($(journalctl --unit=forecourt --output=cat --no-pager _COMM=forecourt | wc -l) - lines))
    [ "$lines" = 1 ] || wrong "$lines lines about $1"
    [ "$before" = "$(sha256sum "$state"/*)" ] || wrong "$1 changed what is stored"
    told "refuses $1: $(journalctl --unit=forecourt --output=cat --no-pager _COMM=forecourt --lines=1)"
    systemctl reset-failed forecourt
}

install_it() {
    mkdir -p /etc/forecourt
    block toml set-up-a-bay.md "[device]" | sed 's/^   //' > "$settings"
    printf '\n[adapter]\nconnect_timeout_s = 60\nreply_timeout_s = 60\n' >> "$settings" # see patience_s
    do_as_written set-up-a-bay.md "seal --new-key"
    do_as_written set-up-a-bay.md "systemctl enable"
    is ActiveState active
    page api/bays > /dev/null || wrong "it is started and does not serve"
    told "started, and the page is open"
}

read_a_car() {
    ! grep -q ttyUSB /proc/devices || wrong "a converter's driver is there already"
    told "PLUG IT IN"
    until_it_is "read: $vin" car_is_read
    hidden
    told "no VIN, plate or stock number in what is kept: $(du -sh "$state" | cut -f1)"
    told "memory: $(systemctl show --value --property=MemoryCurrent forecourt) of $(systemctl show --value --property=MemoryMax forecourt) bytes"
}

doctor() {
    local said
    said=$(eval "$(block sh encrypt-a-box.md "forecourt seal --config" | grep systemd-run | sed 's/forecourt seal /forecourt doctor --lang en /')" || true)
    echo "$said" | grep -E 'ncrypt|ermission|Port'
    echo "$said" | grep -q "ok      Encryption: What is kept in /var/lib/forecourt is encrypted" || wrong "doctor: $said"
}

end_it() {
    systemctl restart forecourt
    is ActiveState active
    told "restarted"
    kill -9 "$(systemctl show --value --property=MainPID forecourt)"
    until_it_is "back after kill -9" restarted 0
    with_drop_in 'WatchdogSec=20\n'
    systemctl restart forecourt
    kill -STOP "$(systemctl show --value --property=MainPID forecourt)"
    until_it_is "back after it had hung" restarted 0
    journalctl --unit=forecourt --no-pager | grep -q "Watchdog timeout" || wrong "not by the watchdog"
    journalctl --unit=forecourt --no-pager | grep -q "most recent call first" || wrong "nobody knows where it hung"
    without_drop_in
    local before=$SECONDS
    systemctl stop forecourt
    is Result success
    told "stopped in $((SECONDS - before)) s: $(last_line)"
}

mistakes() {
    cp "$credential" ~/right
    .venv/bin/forecourt seal --new-key /run/wrong > /dev/null
    systemd-creds encrypt --name=storage-key /run/wrong "$credential" 2> /dev/null
    refuses "another key"
    cp ~/right "$credential"
    cp "$settings" ~/settings
    echo 'colour = "red"' >> "$settings"
    refuses "a wrong setting"
    cp ~/settings "$settings"
}

change_the_key() {
    do_as_written encrypt-a-box.md "rekey --new"
    is ActiveState active
    hidden
    told "the key was changed"
}

back_up() {
    mkdir -p /mnt/backup
    do_as_written encrypt-a-box.md "cp -a /var/lib/forecourt /mnt/backup/"
    [ -s /mnt/backup/forecourt/ledger.db ] || wrong "the backup holds nothing"
    do_as_written encrypt-a-box.md "chown -R forecourt:"
    is ActiveState active
    page api/intakes | grep -q "$vin" || wrong "what was put back is not known"
    told "a backup was put back"
}

encrypt_later() {
    systemctl stop forecourt
    rm -r "$state"/*
    with_drop_in 'LoadCredentialEncrypted=\n'
    systemctl start forecourt
    until_it_is "read in the clear" car_is_read
    grep -rqa "$vin" "$state" || wrong "nothing to be found, so nothing was looked for"
    without_drop_in
    do_as_written encrypt-a-box.md "forecourt seal --config"
    is ActiveState active
    hidden
    told "what was kept in the clear is encrypted"
}

for part in ${PARTS:-install_it read_a_car doctor end_it mistakes change_the_key back_up encrypt_later}; do $part; done
echo "VM: passed"
