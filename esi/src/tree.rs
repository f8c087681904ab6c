//! Elements of one device as a tree with line numbers, and the walk over a file that builds one tree after the other.

use std::ops::Range;

use memchr::memmem::Finder;
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

impl Span {
    /// The element of these bytes of a text.
    pub(crate) fn of(text: &str, bytes: Range<usize>) -> Self {
        let before = text.as_bytes().get(..bytes.start).unwrap_or_default();
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        Self { bytes, line: u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1) }
    }
}

/// Walks a file. `each` gets the elements of the vendor, the groups, the devices and the modules, in the order of the
/// file; `root` becomes the name of the outermost element.
pub(crate) fn walk(text: &str, root: &mut String, mut each: impl FnMut(Node, Span)) -> Result<(), EsiError> {
    visit(Walker::new(text, 1), root, |walker, Visited { start, begins, depth, .. }| {
        let node = walker.node(start, depth)?;
        let span = Span { bytes: begins..walker.position(), line: node.line };
        each(node, span);
        Ok(())
    })
}

/// An element that a walk stops at, behind its start.
pub(crate) struct Visited<'s> {
    pub(crate) start: &'s BytesStart<'s>,
    pub(crate) name: &'s str,
    /// The byte that it begins at.
    pub(crate) begins: usize,
    /// Elements around it.
    pub(crate) depth: usize,
}

/// Walks a file. `take` gets the same elements as of [`walk`], each to be read to its end.
pub(crate) fn visit<'a>(
    mut walker: Walker<'a>,
    root: &mut String,
    mut take: impl FnMut(&mut Walker<'a>, Visited<'_>) -> Result<(), EsiError>,
) -> Result<(), EsiError> {
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
                    take(&mut walker, Visited { start: &start, name: &name, begins, depth: path.len() })?;
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

/// Whether a walk hands an element out.
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

/// The name of an element without its prefix.
pub(crate) fn local(start: &BytesStart<'_>) -> String {
    let name = start.local_name();
    let name: &str = name.as_ref();
    name.to_owned()
}

/// Reads a text event by event, and knows the line.
pub(crate) struct Walker<'a> {
    reader: Reader<&'a [u8]>,
    text: &'a str,
    /// The byte that the reader began at.
    base: usize,
    /// Bytes whose lines are counted, and the line that they end in.
    counted: usize,
    line: u32,
}

impl<'a> Walker<'a> {
    /// `line` is that of the first byte.
    pub(crate) fn new(text: &'a str, line: u32) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, text, base: 0, counted: 0, line }
    }

    /// The same from line 1 on, for a file whose lines are of use only in errors: they are counted then.
    pub(crate) fn over(text: &'a str) -> Self {
        Self { counted: usize::MAX, ..Self::new(text, 1) }
    }

    /// Bytes that were read.
    pub(crate) fn position(&self) -> usize {
        self.at(self.reader.buffer_position())
    }

    pub(crate) fn next(&mut self) -> Result<Event<'a>, EsiError> {
        match self.reader.read_event() {
            Ok(Event::Eof) => {
                self.count_all(self.text.len());
                Ok(Event::Eof)
            }
            Ok(event) => Ok(event),
            Err(error) => {
                self.count_all(self.at(self.reader.error_position()));
                Err(self.wrong(error.to_string()))
            }
        }
    }

    pub(crate) fn wrong(&self, reason: String) -> EsiError {
        EsiError::Xml { line: self.line, reason }
    }

    /// The byte of a position of the reader.
    fn at(&self, position: u64) -> usize {
        self.base.saturating_add(usize::try_from(position).unwrap_or(usize::MAX)).min(self.text.len())
    }

    /// Counts lines up to a byte, also those that were left out.
    fn count_all(&mut self, end: usize) {
        if self.counted == usize::MAX {
            self.counted = 0;
        }
        self.count(end);
    }

    /// Counts lines up to a byte.
    fn count(&mut self, end: usize) {
        let passed = self.text.as_bytes().get(self.counted..end).unwrap_or_default();
        let lines = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.counted = self.counted.max(end);
    }

    pub(crate) fn check_depth(&mut self, depth: usize) -> Result<(), EsiError> {
        if depth < DEPTH {
            return Ok(());
        }
        self.count_all(self.position());
        Err(EsiError::Deep { line: self.line, most: DEPTH })
    }

    /// Passes over an element of this name whose start was read last.
    pub(crate) fn pass(&mut self, name: &str) -> Result<(), EsiError> {
        // `<Module/>` is nothing but its start; the reader makes an end of it.
        if self.text.get(..self.position()).is_some_and(|before| before.ends_with("/>")) {
            return self.next().map(drop);
        }
        self.pass_rest(name)
    }

    /// Passes over the rest of an element of this name. What is inside is not looked at, but for elements of the same
    /// name. From here on ends need no starts.
    pub(crate) fn pass_rest(&mut self, name: &str) -> Result<(), EsiError> {
        let begins = self.position();
        let Some(end) = behind(self.text, begins, name) else {
            self.count_all(self.text.len());
            return Err(self.wrong(format!("the file ends inside `{name}`")));
        };
        self.reader = Reader::from_str(self.text.get(end..).unwrap_or_default());
        self.reader.config_mut().expand_empty_elements = true;
        self.reader.config_mut().allow_unmatched_ends = true;
        self.base = end;
        Ok(())
    }

    /// Where an element stands that begins at a byte and ends here.
    pub(crate) fn bytes_from(&self, begins: usize) -> Range<usize> {
        begins..self.position()
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<Node, EsiError> {
        self.count(self.position());
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
    pub(crate) fn node(&mut self, start: &BytesStart<'_>, depth: usize) -> Result<Node, EsiError> {
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

/// The byte behind the end of an element of this name that began before `from`.
fn behind(text: &str, from: usize, name: &str) -> Option<usize> {
    let (bytes, start, end) = (text.as_bytes(), format!("<{name}"), format!("</{name}"));
    // `<DeviceType` is another element.
    let is_whole = |begins: usize| !bytes.get(begins).is_some_and(u8::is_ascii_alphanumeric);
    let (start, end) = (Finder::new(&start), Finder::new(&end));
    let (mut open, mut at) = (1_usize, from);
    while open > 0 {
        let next = at + end.find(bytes.get(at..)?)?;
        let inside = start.find_iter(bytes.get(at..next)?);
        open += inside.filter(|n| is_whole(at + n + start.needle().len())).count();
        at = next + end.needle().len();
        open -= usize::from(is_whole(at));
    }
    Some(at + text.get(at..)?.find('>')? + 1)
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
