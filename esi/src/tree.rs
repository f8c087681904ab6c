//! Elements of one device as a tree with line numbers, and the walk over a file that builds one tree after the other.

use std::ops::Range;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::error::EsiError;

/// Deepest nesting.
const DEPTH: usize = 64;
/// Elements around a device: root, descriptions, list.
const AROUND: usize = 3;
/// Most elements of a device.
const ELEMENTS: usize = 500_000;
/// Elements that are skipped with everything inside them.
const SKIPPED: [&str; 3] = ["ImageData16x14", "ImageFile16x14", "VendorSpecific"];

/// One element.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Node>,
    pub(crate) line: u32,
}

/// Where an element stands in the text of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its bytes.
    pub(crate) bytes: Range<usize>,
    /// The line that it begins in, from 1.
    line: u32,
}

/// Walks a file. `each` gets the elements of the vendor, the groups, the devices and the modules, in the order of the
/// file; `root` becomes the name of the outermost element.
pub(crate) fn walk(text: &str, root: &mut String, mut each: impl FnMut(Node, Span)) -> Result<(), EsiError> {
    let mut walker = Walker::new(text, 1);
    let mut path: Vec<String> = Vec::new();
    loop {
        let begins = walker.position();
        match walker.next()? {
            Event::Start(start) => {
                let name = local(&start);
                if path.is_empty() && root.is_empty() {
                    root.clone_from(&name);
                }
                if wanted(&path, &name) {
                    let node = walker.node(&start, path.len())?;
                    let span = Span { bytes: begins..walker.position(), line: node.line };
                    each(node, span);
                } else {
                    walker.check_depth(path.len())?;
                    path.push(name);
                }
            }
            Event::End(_) => {
                path.pop();
            }
            Event::Eof if path.is_empty() => return Ok(()),
            Event::Eof => return Err(walker.wrong(format!("the file ends inside `{}`", path.join("/")))),
            _ => {}
        }
    }
}

/// The element that a walk has found before.
pub(crate) fn element(text: &str, span: &Span) -> Result<Node, EsiError> {
    let mut walker = Walker::new(text.get(span.bytes.clone()).unwrap_or_default(), span.line);
    loop {
        match walker.next()? {
            Event::Start(start) => return walker.node(&start, AROUND),
            Event::Eof => return Err(walker.wrong("there is no element".into())),
            _ => {}
        }
    }
}

/// A whole file as one tree.
pub(crate) fn whole(text: &str) -> Result<Node, EsiError> {
    let mut walker = Walker::new(text, 1);
    loop {
        match walker.next()? {
            Event::Start(start) => return walker.node(&start, 0),
            Event::Eof => return Err(walker.wrong("there is no element".into())),
            _ => {}
        }
    }
}

fn wanted(path: &[String], name: &str) -> bool {
    let is = |expected: &[&str]| path.iter().map(String::as_str).eq(expected.iter().copied());
    let inside = |list| is(&["EtherCATInfo", "Descriptions", list]);
    match name {
        "Vendor" => is(&["EtherCATInfo"]),
        "Group" => inside("Groups"),
        "Device" => inside("Devices"),
        "Module" => inside("Modules"),
        _ => false,
    }
}

fn local(start: &BytesStart<'_>) -> String {
    let name = start.local_name();
    let name: &str = name.as_ref();
    name.to_owned()
}

struct Walker<'a> {
    reader: Reader<&'a [u8]>,
    text: &'a str,
    /// Bytes whose lines are counted, and the line that they end in.
    counted: usize,
    line: u32,
}

impl<'a> Walker<'a> {
    /// `line` is that of the first byte.
    fn new(text: &'a str, line: u32) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, text, counted: 0, line }
    }

    /// Bytes that were read.
    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX).min(self.text.len())
    }

    fn next(&mut self) -> Result<Event<'a>, EsiError> {
        match self.reader.read_event() {
            Ok(Event::Eof) => {
                self.count(u64::MAX);
                Ok(Event::Eof)
            }
            Ok(event) => Ok(event),
            Err(error) => {
                self.count(self.reader.error_position());
                Err(self.wrong(error.to_string()))
            }
        }
    }

    fn wrong(&self, reason: String) -> EsiError {
        EsiError::Xml { line: self.line, reason }
    }

    /// Counts lines up to a position.
    fn count(&mut self, position: u64) {
        let end = usize::try_from(position).unwrap_or(usize::MAX).min(self.text.len());
        let passed = self.text.as_bytes().get(self.counted..end).unwrap_or_default();
        let lines = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.counted = self.counted.max(end);
    }

    fn check_depth(&self, depth: usize) -> Result<(), EsiError> {
        if depth < DEPTH { Ok(()) } else { Err(EsiError::Deep { line: self.line, most: DEPTH }) }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<Node, EsiError> {
        self.count(self.reader.buffer_position());
        let mut attributes = Vec::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| self.wrong(error.to_string()))?;
            let value =
                attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| self.wrong(error.to_string()))?;
            let key = attribute.key.local_name();
            let key: &str = key.as_ref();
            attributes.push((key.to_owned(), value.into_owned()));
        }
        Ok(Node { name: local(start), attributes, line: self.line, ..Node::default() })
    }

    /// The tree of an element whose start was read. `depth` elements are around it.
    fn node(&mut self, start: &BytesStart<'_>, depth: usize) -> Result<Node, EsiError> {
        let mut open = vec![self.start(start)?];
        let mut elements = 0;
        loop {
            match self.next()? {
                Event::Start(start) => {
                    self.check_depth(depth + open.len())?;
                    let node = self.start(&start)?;
                    elements += 1;
                    if elements > ELEMENTS {
                        return Err(EsiError::Crowded { line: self.line, most: ELEMENTS });
                    }
                    if SKIPPED.contains(&node.name.as_str()) {
                        self.reader.read_to_end(start.name()).map_err(|error| self.wrong(error.to_string()))?;
                    } else {
                        open.push(node);
                    }
                }
                Event::End(_) => {
                    let Some(done) = open.pop() else { return Err(self.wrong("an end without a start".into())) };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Event::Eof => return Err(self.wrong("the file ends inside a device".into())),
                event => add_text(&mut open, &event),
            }
        }
    }
}

/// Adds the text of an event to the innermost element. References that XML doesn't define are left out.
fn add_text(open: &mut [Node], event: &Event<'_>) {
    let Some(node) = open.last_mut() else { return };
    match event {
        Event::Text(text) => node.text.push_str(text),
        Event::CData(data) => node.text.push_str(data),
        Event::GeneralRef(reference) => match (reference.resolve_char_ref(), &**reference) {
            (Ok(Some(character)), _) => node.text.push(character),
            (_, "lt") => node.text.push('<'),
            (_, "gt") => node.text.push('>'),
            (_, "amp") => node.text.push('&'),
            (_, "quot") => node.text.push('"'),
            (_, "apos") => node.text.push('\''),
            _ => {}
        },
        _ => {}
    }
}
