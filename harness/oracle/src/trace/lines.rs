//! The lines of a trace pipe, as they come in.

use std::fs::File;
use std::io::Read;

/// A pipe that is read without waiting.
#[derive(Debug)]
pub(crate) struct Lines {
    pipe: File,
    chunk: Vec<u8>,
    /// The beginning of a line whose end has not come yet.
    pending: Vec<u8>,
}

impl Lines {
    /// Reads a pipe that was opened with O_NONBLOCK, at most `chunk` bytes at a time.
    pub(crate) fn of(pipe: File, chunk: usize) -> Self {
        Self { pipe, chunk: vec![0; chunk], pending: Vec::new() }
    }

    /// Takes what has come until now, in whole lines.
    pub(crate) fn read(&mut self, mut take: impl FnMut(&str)) {
        loop {
            match self.pipe.read(&mut self.chunk) {
                Ok(count) if count > 0 => self.pending.extend_from_slice(&self.chunk[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                // Nothing more for now is EAGAIN, or an end that is none.
                _ => return,
            }
            let complete = self.pending.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            let text: Vec<u8> = self.pending.drain(..complete).collect();
            String::from_utf8_lossy(&text).lines().for_each(&mut take);
        }
    }
}

/// The number of events that a line of the pipe reports as overwritten: `CPU:0 [LOST 3 EVENTS]`.
pub(crate) fn lost(line: &str) -> u64 {
    let count = line.split_once("[LOST ").and_then(|(_, rest)| rest.split_once(' ')?.0.parse().ok());
    count.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_line_that_comes_in_two_parts_is_one() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut lines = Lines::of(file.reopen().unwrap(), 5);
        let mut read = |file: &mut tempfile::NamedTempFile, text: &str| {
            file.write_all(text.as_bytes()).unwrap();
            let mut taken = Vec::new();
            lines.read(|line| taken.push(line.to_owned()));
            taken
        };
        assert_eq!(read(&mut file, "CPU:0 [LOST 3 EVENTS]\n c-5 na"), ["CPU:0 [LOST 3 EVENTS]"]);
        assert_eq!(read(&mut file, "me=\"drm\"\nnext"), [" c-5 name=\"drm\""]);
        assert_eq!(read(&mut file, ""), [""; 0]);
    }
}
