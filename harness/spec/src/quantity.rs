//! Sizes and times with their units: `64KiB`, `1MiB`, `20s`. A size without a unit is in bytes; a time needs one.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Bytes(pub u64);

/// A time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Duration);

impl Bytes {
    /// Reads a number and its unit.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let scale = match unit.trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(scale).map(Self)
    }
}

impl Time {
    /// Reads a number and its unit.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number = number.parse::<u64>().ok()?;
        match unit.trim() {
            "ms" => Some(Self(Duration::from_millis(number))),
            "s" => Some(Self(Duration::from_secs(number))),
            "min" => Some(Self(Duration::from_secs(number.checked_mul(60)?))),
            _ => None,
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        for (unit, scale) in [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if bytes != 0 && bytes.is_multiple_of(scale) {
                return write!(f, "{}{unit}", bytes / scale);
            }
        }
        write!(f, "{bytes}")
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            whole if whole.is_multiple_of(60_000) && whole > 0 => write!(f, "{}min", whole / 60_000),
            whole if whole.is_multiple_of(1000) => write!(f, "{}s", whole / 1000),
            whole => write!(f, "{whole}ms"),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "format": "bytes",
            "minimum": 0,
            "pattern": "^[0-9]+ *(B|KiB|MiB|GiB)?$",
            "description": "A size: a number of bytes, or with a unit as in 64KiB, 1MiB, 4GiB.",
        })
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // "time" alone would be a time of day to an editor.
        json_schema!({
            "type": "string",
            "format": "time-with-unit",
            "pattern": "^[0-9]+ *(ms|s|min)$",
            "description": "A time with its unit: 500ms, 20s, 2min.",
        })
    }
}

struct Quantity<T> {
    what: &'static str,
    text: fn(&str) -> Option<T>,
    number: fn(u64) -> Option<T>,
}

impl<T> Visitor<'_> for Quantity<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.text)(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        (self.number)(number).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Quantity {
            what: "a size such as 4096, 64KiB, 1MiB or 4GiB",
            text: Self::parse,
            number: |bytes| Some(Self(bytes)),
        })
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Quantity {
            what: "a time with its unit, such as 500ms, 20s or 2min",
            text: Self::parse,
            number: |_| None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_taken_and_wrong_ones_are_not() {
        assert_eq!(Bytes::parse("64KiB"), Some(Bytes(65536)));
        assert_eq!(Bytes::parse("4 GiB"), Some(Bytes(1 << 32)));
        assert_eq!(Bytes::parse("64KB"), None);
        assert_eq!(Bytes::parse("KiB"), None);
        assert_eq!(Bytes::parse("99999999999GiB"), None);
        assert_eq!(Time::parse("20s").map(|time| time.0), Some(Duration::from_secs(20)));
        assert_eq!(Time::parse("20"), None);
    }

    proptest! {
        #[test]
        fn a_size_reads_back_as_it_prints(bytes in any::<u64>()) {
            prop_assert_eq!(Bytes::parse(&Bytes(bytes).to_string()), Some(Bytes(bytes)));
        }
    }
}
