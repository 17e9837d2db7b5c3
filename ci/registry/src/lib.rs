//! From a kernel's source, a folder or Debian's `linux-source-*.tar.xz`, to the lists in `fixtures/trees` of the functions
//! that are its `map_dma_buf` and its `get_sg_table`.

pub mod hooks;
pub mod source;

use std::collections::BTreeSet;
use std::path::Path;

use source::SourceError;
use spec::registry::Version;
use spec::registry::list::{Hook, List};

/// What a kernel's source has of each hook.
///
/// # Errors
/// See [`SourceError`].
pub fn capture(source: &Path) -> Result<Vec<List>, SourceError> {
    let mut version = None;
    let mut found: Vec<BTreeSet<(String, String)>> = vec![BTreeSet::new(); Hook::ALL.len()];
    source::visit(source, &mut |file, text| {
        if file == "Makefile" {
            version = hooks::version(text);
            return;
        }
        for (hook, found) in Hook::ALL.iter().zip(&mut found) {
            found.extend(hooks::find(*hook, text).into_iter().map(|symbol| (file.to_owned(), symbol)));
        }
    })?;
    let kernel: Version = version.ok_or_else(|| SourceError::NoKernel { path: source.to_owned() })?;
    let lists = Hook::ALL.into_iter().zip(found);
    Ok(lists.map(|(hook, found)| List { hook, kernel: kernel.clone(), found }).collect())
}
