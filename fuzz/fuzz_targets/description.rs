//! What the targets of device descriptions share: the file that an input stands for. The input is the content of a device
//! element and, behind a zero byte, the content that follows the devices. One that begins with `<?xml` or `<Ether` is a whole
//! file.

/// Longest input: deeper files only take longer.
pub const LONGEST: usize = 64 * 1024;

const BEFORE: &str = "<EtherCATInfo><Vendor><Id>1</Id></Vendor><Descriptions><Devices><Device Physics='YY'>\
    <Type ProductCode='1' RevisionNo='1'>D</Type>";

/// The file.
pub fn file(input: &[u8]) -> Vec<u8> {
    if input.starts_with(b"<?xml") || input.starts_with(b"<Ether") {
        return input.to_vec();
    }
    let (device, behind) = match input.iter().position(|byte| *byte == 0) {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (input, &[][..]),
    };
    let end = "</Descriptions></EtherCATInfo>".as_bytes();
    [BEFORE.as_bytes(), device, b"</Device></Devices>", behind, end].concat()
}
