//! The claims that every link must keep, as functions over a link and its reflecting peer.
