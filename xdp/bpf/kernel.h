/* What our programs use of the kernel's interface (include/uapi/linux/bpf.h, include/uapi/linux/if_ether.h), written
 * down here so that a build needs clang and no kernel or libbpf headers. All of it is stable kernel ABI.
 */
#ifndef ZEROCAT_KERNEL_H
#define ZEROCAT_KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
/* How libbpf reads a map's definition from BTF. */
#define MAP_NUMBER(name, value) int(*name)[value]

#define BPF_MAP_TYPE_ARRAY 2
#define BPF_MAP_TYPE_XSKMAP 17

enum xdp_action { XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT };

struct xdp_md {
	u32 data;
	u32 data_end;
	u32 data_meta;
	u32 ingress_ifindex;
	u32 rx_queue_index;
	u32 egress_ifindex;
};

/* Helper 1. Null where the map has no such key. */
static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;

/* Helper 51. The low bits of flags are the verdict where the map has no entry for the key. */
static long (*const bpf_redirect_map)(void *map, u64 key, u64 flags) = (void *)51;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TO_BE16(x) ((u16)__builtin_bswap16(x))
#define FROM_LE16(x) ((u16)(x))
#else
#define TO_BE16(x) ((u16)(x))
#define FROM_LE16(x) ((u16)__builtin_bswap16(x))
#endif

#define ETHERTYPE_ETHERCAT TO_BE16(0x88A4)
#define ETHERTYPE_8021Q TO_BE16(0x8100)
#define ETHERTYPE_8021AD TO_BE16(0x88A8)

struct ethernet {
	u8 destination[6];
	u8 source[6];
	u16 type;
} __attribute__((packed));

struct vlan_tag {
	u16 control;
	u16 type;
} __attribute__((packed));

/* Where the EtherCAT header of a frame starts, plain or behind one 802.1Q or 802.1ad tag; 0 if it isn't EtherCAT. */
INLINE u32 ethercat_offset(const void *data, const void *end)
{
	const struct ethernet *eth = data;
	if ((const void *)(eth + 1) > end)
		return 0;
	if (eth->type == ETHERTYPE_ETHERCAT)
		return sizeof(*eth);
	if (eth->type != ETHERTYPE_8021Q && eth->type != ETHERTYPE_8021AD)
		return 0;
	const struct vlan_tag *tag = (const void *)(eth + 1);
	if ((const void *)(tag + 1) > end || tag->type != ETHERTYPE_ETHERCAT)
		return 0;
	return sizeof(*eth) + sizeof(*tag);
}

#endif
