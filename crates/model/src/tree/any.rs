//! Trees of any shape, for property tests.

use std::ffi::OsString;

use proptest::prelude::*;

use super::{Entry, Tree};

/// Trees with up to twelve entries of these names, each one of `leaf` or a directory in turn, some
/// `entries` of them below one.
pub(crate) fn any_tree(
    name: impl Strategy<Value = OsString> + Clone + 'static,
    leaf: impl Strategy<Value = Entry> + 'static,
    entries: u32,
) -> impl Strategy<Value = Tree> {
    let tree = |entries| Tree {
        entries,
        identity: None,
    };
    let entry = leaf.prop_recursive(3, entries, 8, {
        let name = name.clone();
        move |inner| {
            prop::collection::btree_map(name.clone(), inner, 0..8)
                .prop_map(move |entries| Entry::Dir(tree(entries)))
        }
    });
    prop::collection::btree_map(name, entry, 0..12).prop_map(tree)
}
