//! What can be wrong with the registry that its types do not show.

use std::path::Path;

use super::{Answer, Registry, Span};
use crate::case::Memory;
use crate::tree::{self, Node};
use crate::yaml::Diagnostic;

/// The fields that both lists have.
struct Row<'a> {
    list: &'static str,
    number: usize,
    symbol: &'a str,
    file: &'a str,
    span: Span,
    boards: &'a [String],
    needs: Option<&'a str>,
    sort: Option<Memory>,
    struct_pages: &'a Answer,
    /// The reason why it must not have a sort, where that is so.
    sortless: Option<&'static str>,
}

fn all(registry: &Registry) -> Vec<Row<'_>> {
    let implementations = registry.map_dma_buf.iter().enumerate().map(|(number, row)| Row {
        list: "map_dma_buf",
        number,
        symbol: &row.symbol,
        file: &row.file,
        span: row.span(),
        boards: &row.boards,
        needs: row.needs.as_deref(),
        sort: row.sort,
        struct_pages: &row.struct_pages,
        sortless: row.get_sg_table.then_some("the rows of get_sg_table say the sort"),
    });
    let back_ends = registry.get_sg_table.iter().enumerate().map(|(number, row)| Row {
        list: "get_sg_table",
        number,
        symbol: &row.symbol,
        file: &row.file,
        span: row.span(),
        boards: &row.boards,
        needs: row.needs.as_deref(),
        sort: row.sort,
        struct_pages: &row.struct_pages,
        sortless: row.refuses.as_ref().map(|_| "no table is made, so that no device sees the memory"),
    });
    implementations.chain(back_ends).collect()
}

/// Where a key of a row stands; the row itself where it has no such key.
struct Places<'a> {
    path: &'a Path,
    source: &'a str,
    root: Option<Node>,
}

impl<'a> Places<'a> {
    fn of(path: &'a Path, source: &'a str) -> Self {
        Self { path, source, root: tree::parse(source, &mut Vec::new()) }
    }

    fn fault(&self, row: &Row<'_>, key: &str, message: String) -> Diagnostic {
        let node = self.root.as_ref().and_then(|root| root.get(row.list)?.items().get(row.number));
        let place = node.map(|node| node.get(key).unwrap_or(node).place);
        Diagnostic::new(self.path, self.source, place, message)
    }
}

/// Says how a sort of memory contradicts what is said of struct pages, if it does.
fn contradiction(sort: Memory, struct_pages: &Answer) -> Option<&'static str> {
    match (sort, struct_pages) {
        (Memory::Pageless, Answer::Yes) => Some("pageless memory has no struct pages"),
        (Memory::Scattered | Memory::Contiguous, Answer::No) => Some("pages have struct pages"),
        _ => None,
    }
}

/// The rows by themselves.
pub(super) fn rows(registry: &Registry, path: &Path, source: &str) -> Result<(), Diagnostic> {
    let rows = all(registry);
    // The tree is made for a fault only.
    let fault = |row: &Row<'_>, key: &str, message: String| Err(Places::of(path, source).fault(row, key, message));
    for (index, row) in rows.iter().enumerate() {
        let same = |other: &&Row<'_>| (other.list, other.symbol, other.file) == (row.list, row.symbol, row.file);
        if rows[..index].iter().find(same).is_some() {
            return fault(row, "symbol", format!("'{}' of {} stands here again", row.symbol, row.file));
        }
        if row.span.is_reversed() {
            return fault(row, "until", format!("the last kernel with '{}' is older than its first", row.symbol));
        }
        if let Some(why) = row.sort.and_then(|sort| row.sortless.or_else(|| contradiction(sort, row.struct_pages))) {
            return fault(row, "sort", format!("'{}': {why}", row.symbol));
        }
        let why = match (row.boards.is_empty(), row.needs) {
            (true, None) => "no board has seen it, and nothing says what it takes: give 'boards' or 'needs'",
            (false, Some(_)) => "a board has seen it, so that it needs nothing: give 'boards' or 'needs'",
            _ => continue,
        };
        return fault(row, "needs", format!("'{}': {why}", row.symbol));
    }
    for (number, row) in registry.get_sg_table.iter().enumerate() {
        let Some(driver) = row.drivers.iter().find(|driver| driver.span.is_reversed()) else { continue };
        let row = &rows[registry.map_dma_buf.len() + number];
        return fault(row, "drivers", format!("the last kernel with '{}' is older than its first", driver.name));
    }
    Ok(())
}

/// The boards that the rows name.
pub(super) fn boards(registry: &Registry, path: &Path, source: &str, known: &[String]) -> Result<(), Diagnostic> {
    for row in all(registry) {
        let Some(board) = row.boards.iter().find(|board| !known.contains(board)) else { continue };
        let near = crate::nearest::nearest(board, known.iter().map(String::as_str));
        let help = near.map(|near| format!("did you mean '{near}'?"));
        let fault = Places::of(path, source).fault(&row, "boards", format!("fixtures/boards has no '{board}'"));
        return Err(fault.with_help(help));
    }
    Ok(())
}
