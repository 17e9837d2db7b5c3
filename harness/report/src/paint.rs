//! Colours for a terminal. Whoever cannot see them loses nothing: each stands with a sign or a word.

use anstyle::{AnsiColor, Style};
use spec::verdict::Verdict;

/// The use of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// For files, pipes, and whoever does not want them.
    Plain,
    /// For terminals.
    Colour,
}

impl Paint {
    /// Chooses for the standard output: NO_COLOR, CLICOLOR, CLICOLOR_FORCE and TERM are respected, pipes get no colours.
    pub fn of_output() -> Self {
        Self::of(anstream::AutoStream::choice(&std::io::stdout()))
    }

    /// The same for the standard error.
    pub fn of_errors() -> Self {
        Self::of(anstream::AutoStream::choice(&std::io::stderr()))
    }

    fn of(choice: anstream::ColorChoice) -> Self {
        if choice == anstream::ColorChoice::Never { Self::Plain } else { Self::Colour }
    }
}

/// The colour of a verdict.
fn style(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Refused => AnsiColor::Cyan,
        Verdict::NotObservable => AnsiColor::Blue,
        Verdict::Blocked => AnsiColor::Yellow,
        Verdict::Fail => AnsiColor::Red,
        Verdict::Timeout | Verdict::Crash | Verdict::Error => AnsiColor::Magenta,
    };
    let style = colour.on_default();
    if verdict.broken() { style.bold() } else { style }
}

impl Paint {
    /// A text in a verdict's colour.
    pub fn verdict(self, verdict: Verdict, text: &str) -> String {
        self.put(style(verdict), text)
    }

    /// The same, turned round: what was not as expected stands out.
    pub fn unexpected(self, verdict: Verdict, text: &str) -> String {
        self.put(style(verdict).invert(), text)
    }

    /// The label of a line.
    pub fn label(self, text: &str) -> String {
        self.put(Style::new().dimmed(), text)
    }

    fn put(self, style: Style, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("{style}{text}{style:#}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_ends_behind_its_text_and_plain_text_has_none() {
        assert_eq!(Paint::Plain.verdict(Verdict::Fail, "F"), "F");
        assert_eq!(Paint::Colour.verdict(Verdict::Pass, "."), "\u{1b}[32m.\u{1b}[0m");
        assert!(Paint::Colour.unexpected(Verdict::Fail, "F").contains("\u{1b}[7m"));
    }

    #[test]
    fn verdicts_that_are_broken_look_like_no_other() {
        for broken in Verdict::ALL.iter().filter(|verdict| verdict.broken()) {
            assert!(Verdict::ALL.iter().all(|other| other.broken() || style(*other) != style(*broken)), "{broken}");
        }
    }
}
