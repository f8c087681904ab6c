//! A program that comes between the look at the interface and ours. It needs root, and fails without.

use super::*;
use crate::Reflector;
use zerocat_testkit::netns::in_private_netns;

#[test]
fn a_program_that_was_quicker_than_ours_is_named() {
    in_private_netns(|veth| {
        let options = XdpOptions::new(&veth.master, Sizing { slots: 1, receive: 1 });
        let device = Device::find(&veth.master).unwrap();
        let layout = options.layout().unwrap();
        for mode in [Mode::NativeCopy, Mode::Generic] {
            let _quicker = Reflector::attach(&veth.master, mode).unwrap();
            let program = Program::load(Kind::Redirect { queues: 1 }).unwrap();
            let mut ladder = Ladder {
                device: &device,
                options: &options,
                stopped: &|| false,
                layout,
                program,
                attachment: None,
                umem: None,
            };
            let error = ladder.attach(mode.attachment()).unwrap_err();
            assert!(matches!(error, XdpError::Occupied { .. }), "{error:?}");
            assert!(error.to_string().contains("program zerocat_reflect (id "), "{error}");
        }
    });
}
