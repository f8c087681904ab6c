//! Which SubDevice a client means by an address.
//!
//! The station addresses are 0x1001 and up. Tools that don't ask the dictionary take the first SubDevice for 1001 and count from there, as
//! other MainDevices do; that holds too where it isn't somebody's station address.

/// What tools call the first SubDevice.
const TOOLS_FIRST: u16 = 1001;

/// The position of the SubDevice that an address means, among station addresses in bus order.
pub(super) fn position(stations: impl ExactSizeIterator<Item = u16> + Clone, address: u16) -> Option<u16> {
    let by_station = stations.clone().position(|station| station == address);
    let by_count = || usize::from(address).checked_sub(TOOLS_FIRST.into()).filter(|at| *at < stations.len());
    by_station.or_else(by_count).and_then(|at| u16::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn station_addresses_come_first_and_tools_count_from_1001() {
        let stations = || [0x1001, 0x1002, 0x1003].into_iter();
        assert_eq!([0x1001, 0x1003].map(|address| position(stations(), address)), [Some(0), Some(2)]);
        assert_eq!([1001, 1003].map(|address| position(stations(), address)), [Some(0), Some(2)]);
        assert_eq!([0, 1000, 1004, 0x1000, 0x1004].map(|address| position(stations(), address)), [None; 5]);
        // Where both could be meant it is the station address.
        assert_eq!(position([1002, 1001].into_iter(), 1001), Some(1));
    }
}
