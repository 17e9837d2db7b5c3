//! A fault of a document: where, what, and what would fix it.

/// Line and column, both from 1, the column in characters.
pub type Place = (usize, usize);

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// The fault.
    pub message: String,
    /// The remedy.
    pub help: Option<String>,
}

impl Fault {
    /// A fault at a place.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), help: None }
    }

    /// The same, with what would fix it.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// The beginning of a text, as a message has it.
pub fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    let short: String = line.chars().take(40).collect();
    if short.len() < text.len() { short + "..." } else { short }
}

/// The nearest place inside of a text. Parsers point past its end, and count lines that end otherwise than by '\n'.
pub fn within(source: &str, (line, column): Place) -> Place {
    let lines = source.lines().count().max(1);
    let line_within = line.clamp(1, lines);
    let characters = source.lines().nth(line_within - 1).map_or(0, |text| text.chars().count());
    let column = if line > lines { characters } else { column };
    (line_within, column.clamp(1, characters.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_behind_the_end_is_brought_back() {
        assert_eq!(within("ab\ncd\n", (2, 1)), (2, 1));
        assert_eq!(within("ab\ncd\n", (3, 1)), (2, 2));
        assert_eq!(within("ab\n", (1, 9)), (1, 2));
        assert_eq!(within("", (1, 0)), (1, 1));
    }
}
