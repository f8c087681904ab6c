//! What real SubDevices answered, frame by frame: the segment that plays them answers the same.
//!
//! `hardware/transcripts` were made from captures by `scripts/transcript.py`; `hardware/README.md` says whose they are.
//! Each frame is sent at the time at which it was sent to the devices. Working counters must be equal, and all data that
//! a command reads, apart from what depends on time ([`DEPENDS_ON_TIME`]).
//!
//! Another capture is compared by `ZEROCAT_TRANSCRIPT=capture.jsonl ZEROCAT_SEGMENT=segment.json cargo test -p zerocat-sim
//! --test transcripts a_capture_that_is_named -- --nocapture` (absolute paths).

#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use zerocat_sim::{Outcome, Segment, SegmentConfig};

/// Registers whose data depend on when they are read: AL status and code, status and data of the SII interface, status
/// of the mailboxes, clocks.
const DEPENDS_ON_TIME: [Range<u16>; 6] =
    [0x0130..0x0131, 0x0134..0x0135, 0x0502..0x0508, 0x0805..0x0806, 0x080D..0x080E, 0x0900..0x0940];

/// The commands by number (ETG.1000.4, 5.4).
const COMMANDS: [&str; 15] =
    ["NOP", "APRD", "APWR", "APRW", "FPRD", "FPWR", "FPRW", "BRD", "BWR", "BRW", "LRD", "LWR", "LRW", "ARMW", "FRMW"];

#[derive(Deserialize)]
struct Line {
    ns: u64,
    datagrams: Vec<Datagram>,
}

#[derive(Deserialize)]
struct Datagram {
    command: String,
    #[serde(default)]
    address: u16,
    register: Option<u16>,
    logical: Option<u32>,
    sent: Bytes,
    got: Option<String>,
    wkc: u16,
}

/// Bytes in hexadecimal, or a number of zeros.
#[derive(Deserialize)]
#[serde(untagged)]
enum Bytes {
    Zeros(usize),
    Hex(String),
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

impl Datagram {
    fn sent(&self) -> Vec<u8> {
        match &self.sent {
            Bytes::Zeros(len) => vec![0; *len],
            Bytes::Hex(text) => hex(text),
        }
    }

    fn got(&self) -> Vec<u8> {
        self.got.as_deref().map_or_else(|| self.sent(), hex)
    }

    fn address(&self) -> [u8; 4] {
        let physical = || u32::from(self.address) | u32::from(self.register.unwrap_or(0)) << 16;
        self.logical.unwrap_or_else(physical).to_le_bytes()
    }

    /// Whether the data that came back say something about the SubDevice.
    fn reads(&self) -> bool {
        !matches!(self.command.as_str(), "NOP" | "APWR" | "FPWR" | "BWR" | "LWR")
    }

    fn place(&self) -> String {
        let register = self.register.map_or("logical".to_owned(), |register| format!("{register:#06x}"));
        format!("{} {register} {}", self.command, self.sent().len())
    }
}

fn frame(datagrams: &[Datagram]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (n, datagram) in datagrams.iter().enumerate() {
        let data = datagram.sent();
        let command = COMMANDS.iter().position(|name| *name == datagram.command).unwrap();
        let more = if n + 1 < datagrams.len() { 0x8000 } else { 0 };
        payload.extend([u8::try_from(command).unwrap(), u8::try_from(n).unwrap()]);
        payload.extend(datagram.address());
        payload.extend((u16::try_from(data.len()).unwrap() | more).to_le_bytes());
        payload.extend([0, 0]);
        payload.extend(data);
        payload.extend([0, 0]);
    }
    let mut frame = [[0xff; 6], [0x10; 6]].concat();
    frame.extend([0x88, 0xa4]);
    frame.extend((u16::try_from(payload.len()).unwrap() | 0x1000).to_le_bytes());
    frame.extend(payload);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// Data and working counter of each datagram of a frame that came back.
fn answers<'a>(frame: &'a [u8], datagrams: &'a [Datagram]) -> impl Iterator<Item = (&'a [u8], u16)> {
    datagrams.iter().scan(16, |at, datagram| {
        let data = *at + 10..*at + 10 + datagram.sent().len();
        *at = data.end + 2;
        Some((&frame[data.clone()], u16::from_le_bytes([frame[data.end], frame[data.end + 1]])))
    })
}

/// A kind of difference: how often it was seen, and where first.
#[derive(Debug, Default)]
struct Difference {
    times: usize,
    line: usize,
    example: String,
}

/// What differs between a transcript and a segment, by command, register and length; and how many datagrams were
/// compared.
fn compare(transcript: &Path, segment: &Path) -> (BTreeMap<String, Difference>, usize) {
    let mut segment = Segment::new(&SegmentConfig::load(segment).unwrap()).unwrap();
    let (mut differences, mut compared) = (BTreeMap::<String, Difference>::new(), 0);
    for (n, line) in std::fs::read_to_string(transcript).unwrap().lines().enumerate() {
        let line: Line = serde_json::from_str(line).unwrap();
        let mut bytes = frame(&line.datagrams);
        let now = Duration::from_nanos(line.ns);
        assert_eq!(segment.process(&mut bytes, now), Outcome::Returned, "line {}", n + 1);
        for (datagram, (data, counter)) in line.datagrams.iter().zip(answers(&bytes, &line.datagrams)) {
            compared += 1;
            let Some((kind, example)) = difference(datagram, data, counter) else { continue };
            let known = differences.entry(format!("{}: {kind}", datagram.place())).or_default();
            known.times += 1;
            if known.times == 1 {
                (known.line, known.example) = (n + 1, example);
            }
        }
    }
    (differences, compared)
}

fn difference(datagram: &Datagram, data: &[u8], counter: u16) -> Option<(&'static str, String)> {
    let register = datagram.register;
    let timed = register.is_some_and(|register| DEPENDS_ON_TIME.iter().any(|range| range.contains(&register)));
    let real = datagram.got();
    if counter != datagram.wkc {
        Some(("working counter", format!("real {}, here {counter}", datagram.wkc)))
    } else if datagram.reads() && !timed && data != real {
        let at = data.iter().zip(&real).position(|(a, b)| a != b).unwrap();
        let end = data.len().min(at + 16);
        Some(("data", format!("from byte {at} on real {:02x?}, here {:02x?}", &real[at..end], &data[at..end])))
    } else {
        None
    }
}

/// A transcript, and the segment that plays its devices.
const CASES: [(&str, &str); 16] = [
    ("ek1100-soem", "ek1100"),
    ("ek1100-el1004-soem", "ek1100-el1004"),
    ("ek1100-el1004-twincat", "ek1100-el1004"),
    ("ek1100-el2004-el2004", "ek1100-el2004-el2004"),
    ("ek1100-el2828-el2889-alias", "ek1100-el2828-el2889"),
    ("ek1100-el2828-el2889-op", "ek1100-el2828-el2889"),
    ("ek1100-el2828-el2889", "ek1100-el2828-el2889"),
    ("ek1100-el2828-el2889-dc", "ek1100-el2828-el2889"),
    ("ek1914-el3004-configure", "ek1914-el3004-configure"),
    ("ek1914-el3004-mailbox", "ek1914-el3004-mailbox"),
    ("ek1914-el3004-segmented", "ek1914-el3004-segmented"),
    ("ek1914-el3004-single-entries", "ek1914-el3004-single-entries"),
    ("akd-soem", "akd"),
    ("akd-twincat", "akd-twincat"),
    ("lan9252-soem", "lan9252"),
    ("lan9252-lan9252-soem", "lan9252-lan9252"),
];

fn file(folder: &str, name: &str, extension: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hardware").join(folder).join(format!("{name}.{extension}"))
}

fn print(differences: &BTreeMap<String, Difference>) -> String {
    let row = |(place, difference): (&String, &Difference)| {
        let Difference { times, line, example } = difference;
        format!("{place}: {times} times, first in line {line}: {example}\n")
    };
    differences.iter().map(row).collect()
}

#[test]
fn the_segment_answers_as_the_hardware_did() {
    let mut wrong = String::new();
    for (transcript, segment) in CASES {
        let (found, compared) = compare(&file("transcripts", transcript, "jsonl"), &file("segments", segment, "json"));
        assert!(compared > 90, "{transcript}");
        if !found.is_empty() {
            wrong += &format!("{transcript}: {compared} datagrams\n{}", print(&found));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_capture_that_is_named_is_compared() {
    let path = |name| std::env::var_os(name).map(PathBuf::from);
    if let (Some(transcript), Some(segment)) = (path("ZEROCAT_TRANSCRIPT"), path("ZEROCAT_SEGMENT")) {
        let (differences, compared) = compare(&transcript, &segment);
        println!("{compared} datagrams compared\n{}", print(&differences));
    }
}

#[test]
fn a_device_of_another_kind_is_noticed() {
    let changed = "ek1100-el2828-el2889-dc";
    let text = std::fs::read_to_string(file("segments", "ek1100-el2828-el2889", "json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
    config["subdevices"][0]["esc"] = "lan9252".into();
    for subdevice in config["subdevices"].as_array_mut().unwrap() {
        let name =
            subdevice["file"].as_str().unwrap().trim_start_matches("../sii/").trim_end_matches(".bin").to_owned();
        subdevice["file"] = file("sii", &name, "bin").to_str().unwrap().into();
    }
    let path = std::env::temp_dir().join(format!("zerocat-transcripts-{}.json", std::process::id()));
    std::fs::write(&path, config.to_string()).unwrap();
    let (differences, _) = compare(&file("transcripts", changed, "jsonl"), &path);
    std::fs::remove_file(&path).unwrap();
    assert!(differences.contains_key("FPRD 0x0008 2: data") && differences.len() > 3, "{differences:?}");
}
