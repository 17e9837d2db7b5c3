//! The log of a LAVA job: what the board said, out of what LAVA made of it.

use std::borrow::Cow;

/// Returns the board's output if this is such a log; else the text as it is. Of `lava-run`'s output each line is an event,
/// of a server's log it is an item of a list; both are YAML in its flow style, and several may follow each other.
pub fn console(log: &[u8]) -> Cow<'_, [u8]> {
    let text = String::from_utf8_lossy(log);
    let mut messages = text.lines().filter_map(message).peekable();
    if messages.peek().is_none() {
        return Cow::Borrowed(log);
    }
    let said = messages.flatten().flat_map(|line| [line, "\n".into()]);
    Cow::Owned(said.collect::<String>().into_bytes())
}

/// Returns nothing for a line that is not LAVA's, and an empty message for one whose source is not the board.
fn message(line: &str) -> Option<Option<String>> {
    let event = line.trim_start_matches("- ").strip_prefix("{\"dt\": ")?;
    let (_, message) = event.split_once("\"msg\": ")?;
    let by_board = event.contains("\"lvl\": \"target\"");
    Some(if by_board { message.strip_prefix('"').map(|text| with_quotes(unquoted(text))) } else { None })
}

/// LAVA puts a backslash before each quote that a board says, and then has it quoted as YAML does; it may cease to.
fn with_quotes(said: String) -> String {
    let plain = said.replace("\\\"", "");
    if plain.contains('"') { said } else { said.replace("\\\"", "\"") }
}

/// A double-quoted scalar of YAML, up to its end.
fn unquoted(text: &str) -> String {
    let mut characters = text.chars();
    let mut plain = String::new();
    while let Some(character) = characters.next().filter(|&character| character != '"') {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        // Each is what the other stands for; of the rest YAML says that they stand for themselves.
        plain.push(match characters.next() {
            Some('x') => number(&mut characters, 2),
            Some('u') => number(&mut characters, 4),
            Some('U') => number(&mut characters, 8),
            Some('0') => '\0',
            Some('a') => '\x07',
            Some('b') => '\x08',
            Some('t') => '\t',
            Some('n') => '\n',
            Some('v') => '\x0b',
            Some('f') => '\x0c',
            Some('r') => '\r',
            Some('e') => '\x1b',
            Some('N') => '\u{85}',
            Some('_') => '\u{a0}',
            Some('L') => '\u{2028}',
            Some('P') => '\u{2029}',
            Some(other) => other,
            None => break,
        });
    }
    plain
}

fn number(characters: &mut std::str::Chars<'_>, digits: usize) -> char {
    let digits: String = characters.take(digits).collect();
    u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::sample;

    /// As PyYAML writes a string.
    fn quoted(text: &str) -> String {
        let one = |character: char| match character {
            '"' | '\\' => format!("\\{character}"),
            ' '..='~' => character.to_string(),
            other if (other as u32) < 0x100 => format!("\\x{:02X}", other as u32),
            other => format!("\\u{:04X}", other as u32),
        };
        format!("\"{}\"", text.chars().map(one).collect::<String>())
    }

    #[test]
    fn a_run_is_rebuilt_from_the_log_of_a_job() {
        let lines: Vec<String> = sample::events().iter().map(event::console::lines).collect();
        for item in ["", "- "] {
            let event = |level: &str, text: &str| {
                format!("{item}{{\"dt\": \"2026-01-02T03:04:05\", \"lvl\": \"{level}\", \"msg\": {}}}\n", quoted(text))
            };
            let one = |line: &String| {
                event("info", "end: 1 login-action") + &event("target", &line.trim_end().replace('"', "\\\""))
            };
            let log: String = lines.iter().map(one).collect();
            assert_eq!(console(log.as_bytes()), lines.concat().as_bytes());
        }
    }

    #[test]
    fn quotes_are_those_of_the_board_whoever_quotes_them() {
        let said = r#"{"seen":"a \"b\" c\\"}"#;
        assert_eq!(with_quotes(said.replace('"', "\\\"")), said);
        assert_eq!(with_quotes(said.to_owned()), said);
    }

    #[test]
    fn what_is_no_text_stays_apart_and_another_log_is_itself() {
        let log = "{\"dt\": \"0\", \"lvl\": \"results\", \"msg\": {\"case\": \"a\"}}\n";
        assert_eq!(console(log.as_bytes()), b"".as_slice());
        assert_eq!(console(b"[ 1.0] \xff {\"dt\": no\n"), b"[ 1.0] \xff {\"dt\": no\n".as_slice());
        assert_eq!(unquoted(r#"\e[6n \"q\" \x1B \u2013 \\ \_""#), "\u{1b}[6n \"q\" \u{1b} \u{2013} \\ \u{a0}");
    }
}
