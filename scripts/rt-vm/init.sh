#!/bin/busybox sh
# First process of the guest: brings the NIC up, runs zerocat against the segment at the other end of it, says what was
# so on the serial console, and switches the machine off. Lines for the host begin with "GUEST ".
PATH=/bin:/sbin
export PATH
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tracefs none /sys/kernel/tracing 2>/dev/null
mkdir -p /dev/shm /tmp /sys/fs/bpf
mount -t bpf none /sys/fs/bpf 2>/dev/null
finish() { echo "GUEST end $1"; poweroff -f; sleep 60; }
. /rt-vm.conf
# Not for what is to run in the background: `$!` would be a shell's.
zerocat() { $LOADER --library-path /lib /bin/zerocat "$@"; }
# tune_says NAME OPTION...: what `zerocat tune` prints, as lines for the host.
tune_says() {
    name=$1
    shift
    zerocat tune --interface eth0 --json "$@" 2>/tmp/tune.err | sed "s/^/GUEST $name /"
    sed "s/^/GUEST out tune: /" /tmp/tune.err
}

for module in $MODULES; do insmod "/modules/$module.ko" || finish "insmod-$module"; done
i=0
while [ ! -e /sys/class/net/eth0 ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
ip link set lo up
ip link set eth0 up || finish no-eth0
# A link that was reset is back, and stays so for a moment.
await_carrier() {
    i=0 steady=0
    while [ $steady -lt 10 ] && [ $i -lt 200 ]; do
        steady=$((steady + 1)) i=$((i + 1))
        [ "$(cat /sys/class/net/eth0/carrier 2>/dev/null)" = 1 ] || steady=0
        sleep 0.1
    done
}
await_carrier

tune_says tune-before --cpu 1 --dry-run
tune_says tune-applied --cpu 1
await_carrier
zerocat doctor --interface eth0 --cpu 1 --json 2>/dev/null | sed 's/^/GUEST doctor /'

echo "GUEST uname $(uname -v)"
echo "GUEST isolated $(cat /sys/devices/system/cpu/isolated)"
probes=/sys/kernel/tracing/kprobe_events
for function in $ZERO_COPY_FUNCTIONS __xsk_rcv; do
    echo "p:zc/$function $function" >>$probes 2>/dev/null || echo "GUEST no-probe $function"
done
for event in /sys/kernel/tracing/events/zc/*/enable; do echo 1 >"$event"; done 2>/dev/null

# shellcheck disable=SC2086
$LOADER --library-path /lib /bin/zerocat run /rig.json $RUN_OPTIONS --report /report.json >/run.out 2>&1 &
run=$!
# Says once that a line is in what zerocat said.
saw() {
    [ -e "/saw-$1" ] && return
    grep -q "$2" /run.out && echo "GUEST $1" && touch "/saw-$1"
}
i=0
while kill -0 $run 2>/dev/null; do
    saw op "SubDevices in OP after"
    saw lost "the network is lost"
    saw again "and is in OP again"
    if [ $i -eq 4 ]; then
        for task in /proc/$run/task/*; do
            [ "$(cat "$task/comm")" = zc-rt ] && echo "GUEST thread policy $(awk '{print $41}' "$task/stat") priority $(awk '{print $40}' "$task/stat") cpu $(grep Cpus_allowed_list "$task/status" | awk '{print $2}')"
        done
        echo "GUEST locked $(grep VmLck /proc/$run/status | awk '{print $2}')"
    fi
    sleep 1
    i=$((i + 1))
done
wait $run
status=$?
echo "GUEST status $status"
[ $status -eq 0 ] || dmesg | tail -40 | sed 's/^/GUEST out kernel: /'
sed 's/^/GUEST out /' /run.out
[ -e /report.json ] && sed 's/^/GUEST report /' /report.json
tune_says tune-restored --restore
tune_says tune-after --cpu 1 --dry-run
while read -r name hits misses; do echo "GUEST hits $name $hits"; done </sys/kernel/tracing/kprobe_profile
finish ok
