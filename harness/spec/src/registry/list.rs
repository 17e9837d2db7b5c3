//! What a kernel's source has, captured in `fixtures/trees/<hook>-<version>.txt`, and the registry compared with it.

use std::collections::BTreeSet;
use std::fmt;

use super::{Registry, Span, Version};

/// A function pointer whose values are captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// `map_dma_buf` of `struct dma_buf_ops`.
    MapDmaBuf,
    /// `get_sg_table` of `struct drm_gem_object_funcs`, or `gem_prime_get_sg_table` of `struct drm_driver` before 6.1.
    GetSgTable,
}

impl Hook {
    /// Every hook.
    pub const ALL: [Self; 2] = [Self::MapDmaBuf, Self::GetSgTable];

    /// The kernel's name for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::MapDmaBuf => "map_dma_buf",
            Self::GetSgTable => "get_sg_table",
        }
    }

    /// The kernel's names for it, past ones included.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::MapDmaBuf => &["map_dma_buf"],
            Self::GetSgTable => &["get_sg_table", "gem_prime_get_sg_table"],
        }
    }
}

/// The functions that one kernel has in a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Which hook.
    pub hook: Hook,
    /// The kernel's version.
    pub kernel: Version,
    /// The file that does it, and the function.
    pub found: BTreeSet<(String, String)>,
}

/// A text that is not such a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The first line is wrong.
    #[error("line 1: '{0}' where '<hook> of Linux <version>' should stand; regenerate it: cargo run -p registry")]
    Head(String),
    /// A row is wrong.
    #[error("line {0}: '{1}' where a file and a function should stand; regenerate it: cargo run -p registry")]
    Line(usize, String),
}

impl List {
    /// The name of its file.
    pub fn file_name(&self) -> String {
        format!("{}-{}.txt", self.hook.word(), self.kernel)
    }

    /// Reads what [`fmt::Display`] writes.
    ///
    /// # Errors
    /// See [`ListError`].
    pub fn parse(text: &str) -> Result<Self, ListError> {
        let mut lines = text.lines();
        let head = lines.next().unwrap_or_default();
        let named = head.split_once(" of Linux ").and_then(|(word, version)| {
            Some((Hook::ALL.into_iter().find(|hook| hook.word() == word)?, version.parse().ok()?))
        });
        let (hook, kernel) = named.ok_or_else(|| ListError::Head(head.into()))?;
        let read = |(number, line): (usize, &str)| match line.split(' ').collect::<Vec<_>>()[..] {
            [file, symbol] if !file.is_empty() && !symbol.is_empty() => Ok((file.to_owned(), symbol.to_owned())),
            _ => Err(ListError::Line(number + 2, line.into())),
        };
        Ok(Self { hook, kernel, found: lines.enumerate().map(read).collect::<Result<_, _>>()? })
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of Linux {}", self.hook.word(), self.kernel)?;
        self.found.iter().try_for_each(|(file, symbol)| writeln!(f, "{file} {symbol}"))
    }
}

/// A row, as far as a list has it.
struct Row<'a> {
    symbols: Vec<&'a str>,
    /// Empty where any file may do it.
    files: Vec<&'a str>,
    span: Span,
}

impl Row<'_> {
    fn is(&self, file: &str, symbol: &str) -> bool {
        self.symbols.contains(&symbol) && (self.files.is_empty() || self.files.contains(&file))
    }
}

fn rows(registry: &Registry, hook: Hook) -> Vec<Row<'_>> {
    fn both<'a>(now: &'a str, before: &'a [String]) -> Vec<&'a str> {
        std::iter::once(now).chain(before.iter().map(String::as_str)).collect()
    }
    match hook {
        Hook::MapDmaBuf => {
            let kernel_s = registry.map_dma_buf.iter().filter(|row| !row.ours);
            let row = kernel_s.map(|row| Row {
                symbols: vec![&row.symbol],
                files: both(&row.file, &row.earlier_files),
                span: row.span(),
            });
            row.collect()
        }
        Hook::GetSgTable => {
            let functions = registry.get_sg_table.iter().filter(|row| !row.without_function);
            let row = functions.map(|row| Row {
                symbols: both(&row.symbol, &row.earlier_symbols),
                files: Vec::new(),
                span: row.span(),
            });
            row.collect()
        }
    }
}

impl Registry {
    /// Where the registry and a kernel differ, a sentence each: what the kernel has and no row names, and what a row says
    /// of this kernel and is not there.
    pub fn differences(&self, list: &List) -> Vec<String> {
        let List { hook, kernel, found } = list;
        let rows = rows(self, *hook);
        let unknown = found.iter().filter_map(|(file, symbol)| {
            let mut of_it = rows.iter().filter(|row| row.is(file, symbol)).peekable();
            let told = of_it.peek().is_some();
            match of_it.any(|row| row.span.covers(kernel)) {
                true => None,
                false if told => {
                    Some(format!("{symbol} of {file} is in Linux {kernel}, and its row has another since or until"))
                }
                false => Some(format!("{symbol} of {file} is in Linux {kernel} and has no row")),
            }
        });
        let covering = rows.iter().filter(|row| row.span.covers(kernel));
        let absent = covering.filter(|row| !found.iter().any(|(file, symbol)| row.is(file, symbol))).map(|row| {
            let file = row.files.first().map_or(String::new(), |file| format!(" of {file}"));
            format!("{}{file} has a row that covers Linux {kernel}, and is not in it", row.symbols[0])
        });
        unknown.chain(absent).collect()
    }
}

#[cfg(test)]
mod tests;
