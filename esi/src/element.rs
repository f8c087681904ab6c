//! An element in the tree of a device that knows its parents, so that an error can name its path and line.

use crate::error::{EsiError, EsiProblem};
use crate::number;
use crate::tree::Node;

/// An element and its parents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    node: &'a Node,
    up: Option<&'a Element<'a>>,
}

impl<'a> Element<'a> {
    /// The element of a device or a module.
    pub(crate) fn top(node: &'a Node) -> Self {
        Self { node, up: None }
    }

    /// The first child of this name.
    pub(crate) fn child(&'a self, name: &str) -> Option<Self> {
        self.children(name).next()
    }

    /// The first child of this name, which must be there.
    pub(crate) fn need(&'a self, name: &'static str) -> Result<Self, EsiError> {
        self.child(name).ok_or_else(|| self.fail(EsiProblem::Missing(name)))
    }

    /// All children of this name.
    pub(crate) fn children<'b>(&'a self, name: &'b str) -> impl Iterator<Item = Element<'a>> + use<'a, 'b> {
        let nodes = self.node.children.iter().filter(move |node| node.name == name);
        nodes.map(move |node| Element { node, up: Some(self) })
    }

    /// Its text, without white space around it.
    pub(crate) fn text(&self) -> &'a str {
        self.node.text.trim()
    }

    /// An attribute's value.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.node.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// Whether an attribute is there and true.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.attribute(name).is_some_and(number::flag)
    }

    /// The text of a child, empty where there is none.
    pub(crate) fn child_text(&self, name: &str) -> &'a str {
        self.node.children.iter().find(|node| node.name == name).map_or("", |node| node.text.trim())
    }

    /// Its text as a number.
    pub(crate) fn number<T: TryFrom<u64> + Bounded>(&self) -> Result<T, EsiError> {
        self.parse(self.text())
    }

    /// A child's text as a number, `None` where there is no such child or nothing in it.
    pub(crate) fn child_number<T: TryFrom<u64> + Bounded>(&'a self, name: &str) -> Result<Option<T>, EsiError> {
        self.child(name).filter(|child| !child.text().is_empty()).map(|child| child.number()).transpose()
    }

    /// An attribute as a number, `None` where there is none or nothing in it.
    pub(crate) fn attribute_number<T: TryFrom<u64> + Bounded>(&self, name: &str) -> Result<Option<T>, EsiError> {
        self.attribute(name).filter(|text| !text.is_empty()).map(|text| self.parse(text)).transpose()
    }

    /// Its text as an index, moved by `shift` if it depends on the slot (ETG.2000, `DependOnSlot`).
    pub(crate) fn shifted(&self, shift: u16) -> Result<u16, EsiError> {
        if self.text().is_empty() {
            return Ok(0);
        }
        let index: u16 = self.number()?;
        if !self.flag("DependOnSlot") {
            return Ok(index);
        }
        index.checked_add(shift).ok_or_else(|| self.fail(EsiProblem::Shifted { index, shift }))
    }

    fn parse<T: TryFrom<u64> + Bounded>(&self, text: &str) -> Result<T, EsiError> {
        let value = number::number(text, T::MOST).map_err(|problem| self.fail(problem))?;
        T::try_from(value).map_err(|_| self.fail(EsiProblem::Number { text: text.to_owned(), most: T::MOST }))
    }

    /// Its text as a number that may be negative.
    pub(crate) fn signed(&self) -> Result<i64, EsiError> {
        number::signed(self.text()).map_err(|problem| self.fail(problem))
    }

    /// Its text as a number whose top bit some tools take for a sign.
    pub(crate) fn pattern<T: TryFrom<u64> + Bounded>(&self) -> Result<T, EsiError> {
        let text = self.text();
        let Some(digits) = text.strip_prefix('-') else { return self.number() };
        let wrong = || self.fail(EsiProblem::Number { text: text.to_owned(), most: T::MOST });
        let value = number::number(digits, T::MOST / 2 + 1).map_err(|_| wrong())?;
        T::try_from((T::MOST - value).wrapping_add(1) & T::MOST).map_err(|_| wrong())
    }

    /// Its text as bytes.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, EsiError> {
        number::bytes(self.text()).map_err(|problem| self.fail(problem))
    }

    /// The text of a name: the English one, else one without a language, else the first.
    pub(crate) fn localized(&'a self, name: &str) -> &'a str {
        let rank = |at: &Element<'_>| match at.attribute("LcId").map(|id| number::number(id, 0xffff)) {
            // Primary language 9 is English.
            Some(Ok(id)) if id & 0x3ff == 9 => 0,
            None => 1,
            Some(_) => 2,
        };
        self.children(name).min_by_key(rank).map_or("", |at| at.text())
    }

    /// An error at this element.
    pub(crate) fn fail(&self, problem: EsiProblem) -> EsiError {
        EsiError::Invalid { path: self.path(), line: self.node.line, problem }
    }

    fn path(&self) -> String {
        let Some(up) = self.up else {
            let Node { name, .. } = self.node;
            return match name.as_str() {
                "Device" | "Module" => format!("Descriptions/{name}s/{name}[{}]", self.child_text("Type")),
                _ => name.clone(),
            };
        };
        let alike = || up.node.children.iter().filter(|node| node.name == self.node.name);
        let index = self.child_text("Index");
        let which = if !index.is_empty() {
            format!("[{index}]")
        } else if alike().count() > 1 {
            alike().position(|node| std::ptr::eq(node, self.node)).map_or_else(String::new, |n| format!("[{n}]"))
        } else {
            String::new()
        };
        format!("{}/{}{which}", up.path(), self.node.name)
    }
}

/// Integer types with their largest value.
pub(crate) trait Bounded {
    /// The largest value.
    const MOST: u64;
}

impl Bounded for u8 {
    const MOST: u64 = 0xff;
}

impl Bounded for u16 {
    const MOST: u64 = 0xffff;
}

impl Bounded for u32 {
    const MOST: u64 = 0xffff_ffff;
}
