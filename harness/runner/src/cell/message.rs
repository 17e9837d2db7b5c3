//! The messages of a cell's process to its parent, one JSON object a line, so that a crash loses only the step it is in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use event::{Finding, MapDmaBuf};

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// A step begins.
    Step(String),
    /// The process panicked; the text of it.
    Panic(String),
    /// Where a worker is: a number of its own, or the pair in words.
    At(String),
    /// Why something could not be measured.
    Why(String),
    /// An oracle of the cell saw something.
    Finding(Finding),
    /// A buffer was exported; what fdinfo calls its exporter.
    Exported(MapDmaBuf),
    /// A device read or wrote a buffer by itself.
    Access(String),
    /// A worker of a load has counted so far.
    Figures(BTreeMap<String, u64>),
    /// An importer has taken a buffer of the exporter of this key.
    Took(String),
    /// The time of the process's own work, in microseconds: opening devices, doing steps.
    Lasted(u64),
    /// The steps are done.
    Done {
        /// The number of checks that they made.
        checks: u32,
    },
}

/// Gathers lines out of what arrives in pieces.
#[derive(Default)]
pub struct Messages {
    partial: Vec<u8>,
    /// The messages that have arrived whole.
    pub whole: Vec<Message>,
    /// The number of lines that are not messages: someone else wrote into the pipe.
    pub strange: usize,
}

impl Messages {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &[u8]) {
        self.partial.extend_from_slice(piece);
        while let Some(end) = self.partial.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            match serde_json::from_slice(&line) {
                Ok(message) => self.whole.push(message),
                Err(_) => self.strange += 1,
            }
        }
    }

    /// The step that was begun last.
    pub fn step(&self) -> Option<&str> {
        self.last(|message| if let Message::Step(step) = message { Some(step.as_str()) } else { None })
    }

    /// The text of a panic.
    pub fn panic(&self) -> Option<&str> {
        self.last(|message| if let Message::Panic(text) = message { Some(text.as_str()) } else { None })
    }

    /// Where a worker was last.
    pub fn at(&self) -> Option<&str> {
        self.last(|message| if let Message::At(place) = message { Some(place.as_str()) } else { None })
    }

    /// Why something could not be measured.
    pub fn why(&self) -> Option<&str> {
        self.last(|message| if let Message::Why(why) = message { Some(why.as_str()) } else { None })
    }

    fn last<'a, T>(&'a self, of: impl FnMut(&'a Message) -> Option<T>) -> Option<T> {
        self.whole.iter().rev().find_map(of)
    }

    /// Returns the latest figures.
    pub fn figures(&self) -> Option<&BTreeMap<String, u64>> {
        self.last(|message| if let Message::Figures(figures) = message { Some(figures) } else { None })
    }

    /// Returns whether the steps were done to their end.
    pub fn done(&self) -> bool {
        self.whole.iter().any(|message| matches!(message, Message::Done { .. }))
    }
}

/// A message as one line.
pub fn line(message: &Message) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("messages are plain data");
    line.push(b'\n');
    line
}

/// Writes a message as one line. A parent that is gone reads nothing more, and there is no one to tell.
pub fn write(output: &std::fs::File, message: &Message) {
    let _ = std::io::Write::write_all(&mut &*output, &line(message));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_and_a_cut_off_one_is_kept_back() {
        let mut messages = Messages::default();
        messages.take(b"{\"step\":\"1 al");
        assert!(messages.whole.is_empty());
        messages.take(b"locate\"}\n{\"step\":\"2 export\"}\n{\"do");
        assert_eq!((messages.step(), messages.done()), (Some("2 export"), false));
        messages.take(b"ne\":{\"checks\":1}}\ngarbage\n");
        assert!(messages.done());
        assert_eq!(messages.strange, 1);
    }
}
