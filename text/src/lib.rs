//! Files that people write: JSON with comments and trailing commas, or YAML 1.2, to typed values.
//!
//! Both formats become one tree of values with their places, and types are read from that tree. Guarantees: an error says
//! path, line and column, what is there and what belongs there; a key that stands twice is an error in both formats; no
//! text makes it panic or hang, and what it takes is bounded by the length of the text ([`MOST_BYTES`]), aliases of YAML
//! included. Not here: which keys there are, and rules between them.
#![forbid(unsafe_code)]

mod decode;
mod delimiters;
mod document;
mod error;
mod fault;
mod found;
mod hints;
mod json;
mod json_words;
mod lines;
mod nearest;
mod node;
mod read;
mod scalar;
mod wanted;
mod words;
mod yaml;
mod yaml_words;

pub use decode::{MOST_BYTES, read_file};
pub use document::{Document, Format};
pub use error::TextError;
pub use hints::Hints;
pub use nearest::nearest;
pub use node::Place;
