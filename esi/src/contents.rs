//! What a file has, without its devices being read: the vendor, and of each device where it stands, its product code, its
//! revision, and the older revisions that it stands for.
//!
//! Guarantees: each byte is passed over once and no tree is built but of what is named here, so a file of many megabytes
//! costs little; where the XML breaks off, what was before is there.

use std::ops::Range;

use quick_xml::events::Event;

use crate::element::Element;
use crate::error::EsiError;
use crate::tree::{self, Node, Visited, Walker};

/// What a file has.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Name of its outermost element.
    pub(crate) root: String,
    /// Id of the vendor; 0 where it can't be read.
    pub(crate) vendor: u32,
    pub(crate) devices: Vec<Brief>,
    /// Bytes of the modules.
    pub(crate) modules: Vec<Range<usize>>,
    /// Why the file ended before its end.
    pub(crate) cut: Option<EsiError>,
}

/// A device.
#[derive(Debug, Clone)]
pub(crate) struct Brief {
    /// Type as in a catalogue.
    pub(crate) order: String,
    pub(crate) product: u32,
    pub(crate) revision: u32,
    /// Revisions that it stands for as well (ETG.2000, HideType).
    pub(crate) stands_for: Vec<u32>,
    /// Its bytes in the text of the file.
    pub(crate) bytes: Range<usize>,
}

impl Contents {
    /// The contents of a file that was decoded.
    pub(crate) fn of(text: &str) -> Self {
        let mut contents = Self::default();
        contents.cut = contents.walk(text).err();
        contents
    }

    fn walk(&mut self, text: &str) -> Result<(), EsiError> {
        let mut root = String::new();
        let walked = tree::visit(Walker::over(text), &mut root, |walker, found| self.take(walker, &found));
        self.root = root;
        walked
    }

    fn take(&mut self, walker: &mut Walker<'_>, found: &Visited<'_>) -> Result<(), EsiError> {
        let Visited { start, name, begins, .. } = *found;
        match name {
            "Vendor" => {
                let vendor = walker.node(start, 1)?;
                self.vendor = Element::top(&vendor).child_number("Id").ok().flatten().unwrap_or(0);
            }
            "Device" => {
                let named = names_of(walker)?;
                let bytes = walker.bytes_from(begins);
                self.devices.extend(Brief::of(&named, bytes));
            }
            "Module" => {
                walker.pass(name)?;
                self.modules.push(walker.bytes_from(begins));
            }
            _ => walker.pass(name)?,
        }
        Ok(())
    }
}

/// The elements that a device begins with: its type and those that it hides. The rest of the device is passed over.
fn names_of(walker: &mut Walker<'_>) -> Result<Vec<Node>, EsiError> {
    /// Elements around those of a device.
    const AROUND: usize = 4;
    let mut named = Vec::new();
    loop {
        match walker.next()? {
            Event::Start(start) => {
                let name = tree::local(&start);
                if name == "Type" || name == "HideType" {
                    named.push(walker.node(&start, AROUND)?);
                } else {
                    walker.pass_rest("Device")?;
                    return Ok(named);
                }
            }
            Event::End(_) => return Ok(named),
            Event::Eof => return Err(walker.wrong("the file ends inside a device".into())),
            _ => {}
        }
    }
}

impl Brief {
    /// `None` for a device without a product code, which no device on a bus can be.
    fn of(named: &[Node], bytes: Range<usize>) -> Option<Self> {
        let kind = Element::top(named.iter().find(|node| node.name == "Type")?);
        let hidden = named.iter().filter(|node| node.name == "HideType");
        Some(Self {
            order: kind.text().to_owned(),
            product: kind.attribute_number("ProductCode").ok()??,
            revision: kind.attribute_number("RevisionNo").ok()?.unwrap_or(0),
            stands_for: hidden.filter_map(|node| Element::top(node).attribute_number("RevisionNo").ok()?).collect(),
            bytes,
        })
    }
}
