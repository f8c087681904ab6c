//! What errors say about keys of a segment's file beside their types.

use zerocat_text::Hints;

const SUBDEVICE: &str = "it belongs to an entry of `subdevices`";

pub(super) const HINTS: Hints = Hints {
    belongs: &[
        ("profile", "the kind of SubDevice, such as \"servo\""),
        ("file", "the path of a device description or SII image, such as \"drive.xml\""),
    ],
    elsewhere: &[
        ("slaves", "a segment names SubDevices in `subdevices`; `slaves` is a key of a rig file"),
        ("devices", "a segment names SubDevices in `subdevices`"),
        ("profile", SUBDEVICE),
        ("channels", SUBDEVICE),
        ("mailbox", SUBDEVICE),
        ("clock", SUBDEVICE),
        ("esc", SUBDEVICE),
        ("drift_ppm", "it belongs in `clock` of an entry of `subdevices`"),
    ],
};
