/* Takes EtherCAT frames off the bound queue and leaves everything else to the kernel's network stack.
 *
 * EtherType 0x88A4, plain or behind one VLAN tag, goes to the AF_XDP socket that is bound to the queue it arrived on.
 * Where no socket is bound, and for all other frames, the verdict is XDP_PASS; EtherCAT frames that are passed are
 * counted by queue.
 */
#include "kernel.h"

/* By queue; sized to the interface's queues when it is loaded. */
struct {
	MAP_NUMBER(type, BPF_MAP_TYPE_XSKMAP);
	MAP_NUMBER(max_entries, 64);
	MAP_NUMBER(key_size, 4);
	MAP_NUMBER(value_size, 4);
} zerocat_xsks SEC(".maps");

/* EtherCAT frames that arrived where no socket is bound, by queue. */
struct {
	MAP_NUMBER(type, BPF_MAP_TYPE_ARRAY);
	MAP_NUMBER(max_entries, 64);
	MAP_NUMBER(key_size, 4);
	MAP_NUMBER(value_size, 8);
} zc_misdirected SEC(".maps");

INLINE void count_misdirected(u32 queue)
{
	u64 *count = bpf_map_lookup_elem(&zc_misdirected, &queue);
	if (count)
		__sync_fetch_and_add(count, 1);
}

SEC("xdp")
int zerocat_xdp(struct xdp_md *ctx)
{
	const void *data = (const void *)(u64)ctx->data;
	const void *end = (const void *)(u64)ctx->data_end;

	if (!ethercat_offset(data, end))
		return XDP_PASS;
	const long verdict = bpf_redirect_map(&zerocat_xsks, ctx->rx_queue_index, XDP_PASS);
	if (verdict == XDP_PASS)
		count_misdirected(ctx->rx_queue_index);
	return (int)verdict;
}

char LICENSE[] SEC("license") = "MIT OR Apache-2.0";
