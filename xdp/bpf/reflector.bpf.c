/* A segment without SubDevices, in the kernel, for measurements: every EtherCAT frame goes back where it came from.
 *
 * As a segment does, it sets bit 1 of the first byte of the source MAC address. It adds to the working counter of each
 * of the first 16 datagrams what one SubDevice would that takes part in all of them: 3 for LRW, nothing for NOP, 1 for
 * the rest. It changes nothing else: no addresses, no data. Frames that aren't EtherCAT go to the network stack.
 */
#include "kernel.h"

#define MAX_DATAGRAMS 16
/* Command, index, address, length and flags, interrupt (ETG.1000.4, table 14). */
#define DATAGRAM_HEADER 10
#define WORKING_COUNTER 2
#define LENGTH_MASK 0x07FF
#define MORE_FOLLOW 0x8000
#define COMMAND_NOP 0
#define COMMAND_LRW 12

SEC("xdp")
int zerocat_reflect(struct xdp_md *ctx)
{
	void *data = (void *)(u64)ctx->data;
	void *end = (void *)(u64)ctx->data_end;
	u32 offset = ethercat_offset(data, end);

	if (!offset)
		return XDP_PASS;
	struct ethernet *eth = data;
	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	eth->source[0] |= 2;

	offset += 2; /* EtherCAT header */
	for (int i = 0; i < MAX_DATAGRAMS; i++) {
		/* Keeps the verifier's bound on the offset; longer than any frame. */
		u8 *datagram = data + (offset & 0x0FFF);
		if ((void *)(datagram + DATAGRAM_HEADER) > end)
			break;
		u8 command = datagram[0];
		u16 length = FROM_LE16(*(u16 *)(datagram + 6));
		u8 *counter = datagram + DATAGRAM_HEADER + (length & LENGTH_MASK);
		if ((void *)(counter + WORKING_COUNTER) > end)
			break;
		if (command != COMMAND_NOP) {
			u16 value = (u16)(counter[0] | counter[1] << 8);
			value += command == COMMAND_LRW ? 3 : 1;
			counter[0] = (u8)value;
			counter[1] = (u8)(value >> 8);
		}
		if (!(length & MORE_FOLLOW))
			break;
		offset += DATAGRAM_HEADER + WORKING_COUNTER + (length & LENGTH_MASK);
	}
	return XDP_TX;
}

char LICENSE[] SEC("license") = "MIT OR Apache-2.0";
