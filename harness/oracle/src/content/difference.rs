//! What differs between the content that was written and the content that was seen, for a kernel maintainer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// 8 bytes in the order of memory; written as hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bytes(pub [u8; 8]);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            write!(f, "{space}{byte:02x}")?;
        }
        Ok(())
    }
}

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> Self {
        bytes.to_string()
    }
}

impl TryFrom<String> for Bytes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes: Option<Vec<u8>> = text.split(' ').map(|hex| u8::from_str_radix(hex, 16).ok()).collect();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| format!("`{text}` is not 8 bytes in hex"))
    }
}

/// The layout of the differing words. Pages and cache lines are those of the buffer, not of the mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Shape {
    /// Every word of more than one page.
    Everything,
    /// Every word of some pages, and nothing else: pages exchanged or missing.
    WholePages {
        /// The number of pages.
        pages: u64,
    },
    /// Every word of some lines of 64 bytes, and nothing else: a cache that was not flushed.
    CacheLines {
        /// The number of lines.
        lines: u64,
    },
    /// One stretch.
    Run {
        /// From the first differing byte to the last.
        bytes: u64,
    },
    /// Several stretches.
    Scattered {
        /// The number.
        runs: u64,
    },
}

/// The origin of the bytes that were seen first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Seen {
    /// Zeros: never written, or cleared since.
    Zeros,
    /// One other byte throughout: a filling or a poison of the kernel (`include/linux/poison.h`).
    Filled {
        /// That byte.
        byte: u8,
    },
    /// The content of another place of this buffer.
    Elsewhere {
        /// Where those bytes belong.
        position: u64,
    },
    /// This place, with the content of another seed: what the buffer, or another one, held before.
    OtherContent {
        /// That seed.
        seed: u32,
    },
    /// Another place of the content of another seed.
    OtherContentElsewhere {
        /// That seed.
        seed: u32,
        /// Where those bytes belong.
        position: u64,
    },
    /// The content of the buffer before a device was to write it.
    Before,
    /// The bytes expected, with one bit turned over.
    FlippedBit,
    /// None of these.
    Unknown,
}

/// A mapping that does not show what was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The first differing byte of the buffer.
    pub position: u64,
    /// The same byte, counted from the start of the mapping.
    pub offset: u64,
    /// The 8 bytes (of which that byte is one, aligned) that were written.
    pub expected: Bytes,
    /// The 8 bytes that were seen.
    pub seen: Bytes,
    /// The origin of the bytes that were seen.
    pub what: Seen,
    /// The number of bytes that differ. A byte within a stretch of differing words counts even where chance made it equal.
    pub differing: u64,
    /// The number of bytes compared.
    pub total: u64,
    /// The number of pages with a differing byte.
    pub pages: u64,
    /// The layout of the differing bytes.
    pub shape: Shape,
    /// The seed of the content expected.
    pub seed: u32,
    /// The size of a page on this board.
    pub page_size: u64,
}

impl std::error::Error for Difference {}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} of the buffer (byte {} of the mapping): ", self.position, self.offset)?;
        write!(f, "expected {}, saw {}", self.expected, self.seen)?;
        if !self.position.is_multiple_of(8) {
            write!(f, " in the 8 bytes at {}", self.position & !7)?;
        }
        f.write_str(": ")?;
        self.what_was_seen(f)?;
        write!(f, "; {} of {} bytes differ, {}", self.differing, self.total, self.shape)?;
        match self.shape {
            Shape::WholePages { .. } | Shape::Everything => Ok(()),
            _ => write!(f, " in {}", counted(self.pages, "page")),
        }
    }
}

impl Difference {
    fn what_was_seen(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            Seen::Zeros => f.write_str("zeros"),
            Seen::Filled { byte } => write!(f, "{byte:#04x} throughout"),
            Seen::Before => f.write_str("what was there before: nothing was written here"),
            Seen::FlippedBit => f.write_str("one bit is turned over"),
            Seen::Unknown => f.write_str("no bytes that were written by this suite"),
            Seen::OtherContent { seed } => {
                write!(f, "the same place of an earlier content (seed {seed} where seed {} belongs)", self.seed)
            }
            Seen::OtherContentElsewhere { seed, position } => {
                write!(f, "the bytes of offset {position} of an earlier content (seed {seed})")
            }
            Seen::Elsewhere { position } => {
                write!(f, "the bytes of offset {position}")?;
                let (from, to, size) = (position, self.position & !7, self.page_size);
                if from % size == to % size {
                    return write!(f, " (page {} where page {} belongs)", from / size, to / size);
                }
                let (way, by) = if from < to { ("later", to - from) } else { ("earlier", from - to) };
                write!(f, " ({by} bytes {way} than they belong)")
            }
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Everything => f.write_str("everything"),
            Self::WholePages { pages } => write!(f, "{}", counted(pages, "whole page")),
            Self::CacheLines { lines } => write!(f, "{} of 64 bytes", counted(lines, "whole cache line")),
            Self::Run { bytes } => write!(f, "a run of {}", counted(bytes, "byte")),
            Self::Scattered { runs } => write!(f, "scattered over {}", counted(runs, "place")),
        }
    }
}

fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(what: Seen, shape: Shape) -> Difference {
        Difference {
            position: 8192,
            offset: 0,
            expected: Bytes([0x1f, 0x2e, 3, 4, 5, 6, 7, 8]),
            seen: Bytes([0x8a, 1, 0, 0, 0, 0, 0, 0]),
            what,
            differing: 4096,
            total: 4096,
            pages: 1,
            shape,
            seed: 7,
            page_size: 4096,
        }
    }

    #[test]
    fn a_maintainer_reads_one_sentence() {
        let swapped = difference(Seen::Elsewhere { position: 0 }, Shape::WholePages { pages: 1 });
        assert_eq!(
            swapped.to_string(),
            "byte 8192 of the buffer (byte 0 of the mapping): expected 1f 2e 03 04 05 06 07 08, saw 8a 01 00 00 00 00 \
             00 00: the bytes of offset 0 (page 0 where page 2 belongs); 4096 of 4096 bytes differ, 1 whole page"
        );
    }

    #[test]
    fn what_was_seen_is_named() {
        let ending = |what| {
            let text = difference(what, Shape::Run { bytes: 3 }).to_string();
            text.split("00 00: ").nth(1).unwrap().split(';').next().unwrap().to_string()
        };
        assert_eq!(ending(Seen::Zeros), "zeros");
        assert_eq!(ending(Seen::Filled { byte: 0x6b }), "0x6b throughout");
        let stale = "the same place of an earlier content (seed 6 where seed 7 belongs)";
        assert_eq!(ending(Seen::OtherContent { seed: 6 }), stale);
        assert_eq!(
            ending(Seen::Elsewhere { position: 8256 }),
            "the bytes of offset 8256 (64 bytes earlier than they belong)"
        );
    }

    #[test]
    fn it_survives_the_event_stream() {
        let before = difference(Seen::OtherContentElsewhere { seed: 1, position: 64 }, Shape::CacheLines { lines: 2 });
        let line = serde_json::to_string(&before).unwrap();
        assert!(line.contains(r#""expected":"1f 2e 03 04 05 06 07 08""#), "{line}");
        assert_eq!(serde_json::from_str::<Difference>(&line).unwrap(), before);
    }
}
