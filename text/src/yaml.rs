//! YAML 1.2 to a tree: composes the parser's events, shares what aliases name, resolves merge keys.
//!
//! What it holds is bounded by the length of the text: aliases share nodes, and what they stand for is counted.

use crate::error::TextError;
use crate::node::{DEEPEST, Key, Kind, Node, Place};
use crate::scalar;
use crate::words;
use crate::yaml_words;
use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput};
use std::collections::HashMap;
use std::rc::Rc;

/// Parses a text of one document.
pub(crate) fn parse(text: &str) -> Result<Rc<Node>, TextError> {
    let mut options = Options::default();
    (options.flow_nesting_limit, options.block_nesting_limit) = (DEEPEST, DEEPEST);
    options.set_emit_comments(false);
    let most = text.len().saturating_mul(2).saturating_add(SMALL);
    let parser = Parser::new_from_str_with_options(text, options);
    Composer { parser, text, anchors: HashMap::new(), most }.document()
}

/// Nodes and bytes that aliases may stand for in any text.
const SMALL: usize = 100_000;

struct Composer<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    anchors: HashMap<usize, Rc<Node>>,
    /// Most nodes and bytes, aliases counted each time.
    most: usize,
}

/// The key that merges other objects into its own.
const MERGE: &str = "<<";

impl<'a> Composer<'a> {
    fn document(mut self) -> Result<Rc<Node>, TextError> {
        let mut root = None;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(TextError::new("a second document begins here; a file is one", at));
                }
                Event::DocumentStart(..) => {
                    let (event, at) = self.next()?;
                    root = Some(self.node(event, at)?);
                }
                Event::StreamEnd => break,
                _ => return Err(TextError::new("this does not belong here", at)),
            }
        }
        root.ok_or_else(|| TextError::whole("it is empty"))
    }

    fn next(&mut self) -> Result<(Event<'a>, Place), TextError> {
        let event: Option<Result<(Event<'a>, Span), ScanError>> = self.parser.next();
        match event {
            Some(Ok((event, span))) => Ok((event, place(&span.start))),
            Some(Err(error)) => Err(yaml_words::syntax(error.kind(), place(error.marker()), self.text)),
            None => Err(TextError::whole("the file ends too early")),
        }
    }

    fn node(&mut self, event: Event<'a>, at: Place) -> Result<Rc<Node>, TextError> {
        let (node, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, at),
            Event::Scalar(text, style, anchor, None) => (scalar(&text, style, at)?, anchor),
            Event::SequenceStart(_, anchor, None) => (Node::new(at, Kind::List(self.items()?)), anchor),
            Event::MappingStart(_, anchor, None) => (Node::new(at, Kind::Object(self.entries()?)), anchor),
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                return Err(TextError::new("tags such as `!name` have no meaning here; remove it", at));
            }
            _ => return Err(TextError::new("a value is missing here", at)),
        };
        self.bounded(&node)?;
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        Ok(node)
    }

    fn bounded(&self, node: &Node) -> Result<(), TextError> {
        if node.depth > DEEPEST {
            return Err(TextError::new(format!("values are nested deeper than {DEEPEST}"), node.at));
        }
        if node.weight > self.most {
            return Err(TextError::new("what aliases (`*name`) stand for is too much here", node.at));
        }
        Ok(())
    }

    fn alias(&self, anchor: usize, at: Place) -> Result<Rc<Node>, TextError> {
        let within = || TextError::new("this alias stands within what it names", at);
        self.anchors.get(&anchor).map(Rc::clone).ok_or_else(within)
    }

    fn items(&mut self) -> Result<Vec<Rc<Node>>, TextError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, at) => {
                    let item = self.node(event, at).map_err(|error| error.in_item(items.len()))?;
                    items.push(item);
                }
            }
        }
    }

    fn entries(&mut self) -> Result<Vec<(Key, Rc<Node>)>, TextError> {
        let (mut entries, mut merged, mut seen) = (Vec::new(), Vec::new(), HashMap::new());
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => break,
                (event, at) => key(event, at)?,
            };
            if let Some(first) = seen.insert(key.name.clone(), key.at) {
                return Err(TextError::new(words::twice(first), key.at).below(&key.name));
            }
            let (event, at) = self.next()?;
            let value = self.node(event, at).map_err(|error| error.below(&key.name))?;
            if key.name == MERGE { merge(&value, &mut merged)? } else { entries.push((key, value)) }
        }
        for (key, value) in merged {
            if seen.insert(key.name.clone(), key.at).is_none() {
                entries.push((key, value));
            }
        }
        Ok(entries)
    }
}

/// Adds the entries of the objects that `<<` names; earlier ones win.
fn merge(value: &Node, into: &mut Vec<(Key, Rc<Node>)>) -> Result<(), TextError> {
    match &value.kind {
        Kind::Object(entries) => {
            into.extend(entries.iter().map(|(key, value)| (key.clone(), Rc::clone(value))));
            Ok(())
        }
        Kind::List(items) if items.iter().all(|item| matches!(item.kind, Kind::Object(_))) => {
            items.iter().try_for_each(|item| merge(item, into))
        }
        _ => {
            Err(TextError::new("an alias (`*name`) of an object belongs here, or a list of them", value.at)
                .below(MERGE))
        }
    }
}

fn key(event: Event<'_>, at: Place) -> Result<Key, TextError> {
    match event {
        Event::Scalar(name, _, _, None) => Ok(Key { at, name: name.into_owned() }),
        _ => Err(TextError::new("a key is a word; a list, an object or an alias is none", at)),
    }
}

fn scalar(text: &str, style: ScalarStyle, at: Place) -> Result<Node, TextError> {
    if style != ScalarStyle::Plain {
        return Ok(Node::new(at, Kind::Text(text.to_owned())));
    }
    let kind = scalar::plain(text).ok_or_else(|| TextError::new(words::too_large(text), at))?;
    let plain = (!matches!(kind, Kind::Text(_))).then(|| text.to_owned());
    Ok(Node { plain, ..Node::new(at, kind) })
}

fn place(marker: &granit_parser::Marker) -> Place {
    Place { line: marker.line(), column: marker.col() + 1 }
}
