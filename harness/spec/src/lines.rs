//! Text on lines that a terminal holds.

/// Wraps words to lines of at most a hundred columns, after a prefix whose width later lines leave free.
pub fn wrapped(begin: &str, words: &str) -> String {
    let mut text = String::new();
    let mut line = begin.to_owned();
    for word in words.split_whitespace() {
        if line.chars().count() + word.chars().count() > 100 && line.trim().len() > begin.trim().len() {
            text += &format!("{}\n", line.trim_end());
            line = " ".repeat(begin.chars().count());
        }
        line += word;
        line += " ";
    }
    text + line.trim_end() + "\n"
}

/// A number with its noun, in the plural where it needs one.
pub fn counted(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_a_hundred_columns_and_no_word_is_lost() {
        let words = "word ".repeat(100);
        let text = wrapped("  begin  ", &words);
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("         word")), "{text}");
        assert_eq!(text.matches("word").count(), 100);
        assert_eq!(wrapped("  ", &"x".repeat(200)), format!("  {}\n", "x".repeat(200)), "one that cannot be broken");
    }

    #[test]
    fn one_has_no_plural() {
        assert_eq!((counted(1, "run"), counted(0, "run")), ("1 run".into(), "0 runs".into()));
    }
}
