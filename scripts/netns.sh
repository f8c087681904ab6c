# Sourced by the other scripts: a network namespace with a veth pair of its own, removed when the script ends.
#
#   netns_up        makes $NETNS with $VETH_MASTER and $VETH_SEGMENT, both up
#   in_netns CMD    runs a command in it
#   netns_down      removes it; called on exit too
#
# Nothing outside the namespace is touched, and no traffic leaves it.

NETNS="zerocat-$$"
VETH_MASTER=ecm0
VETH_SEGMENT=ecs0

# Words to put before a command that needs root. An array and no function, so that `&` gives the command's own PID.
ROOT=()
[ "$(id -u)" -eq 0 ] || ROOT=(sudo)
in_netns() { "${ROOT[@]}" ip netns exec "$NETNS" "$@"; }

netns_down() { "${ROOT[@]}" ip netns del "$NETNS" 2>/dev/null || true; }

netns_up() {
    "${ROOT[@]}" ip netns add "$NETNS"
    in_netns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 2>/dev/null || true
    in_netns ip link add "$VETH_MASTER" type veth peer name "$VETH_SEGMENT"
    in_netns ip link set "$VETH_MASTER" up
    in_netns ip link set "$VETH_SEGMENT" up
}
