//! Sizes, times and numbers: whether they can be read, and what was meant.

use serde_json::Value;

use crate::fault::{Fault, shortened};
use crate::quantity::{Bytes, Time};
use crate::tree::{Content, Node, Scalar};

/// Returns the fault of a scalar that has a format in its schema.
pub fn check(node: &Node, schema: &Value) -> Option<Fault> {
    let Content::Scalar { text, .. } = &node.content else { return None };
    let format = schema["format"].as_str()?;
    let (what, help) = match format {
        "bytes" if matches!(node.scalar(), Some(Scalar::Integer(bytes)) if u64::try_from(bytes).is_ok()) => {
            return None;
        }
        "bytes" if Bytes::parse(text).is_some() => return None,
        "time-with-unit" if Time::parse(text).is_some() => return None,
        "bytes" => ("not a size", meant(text, format)),
        "time-with-unit" => ("not a time", meant(text, format)),
        _ => {
            let (least, most) = range(format)?;
            match node.scalar() {
                Some(Scalar::Integer(number)) if !(least..=most).contains(&number) => {}
                _ => return None,
            }
            ("out of range", Some(format!("from {least} to {most}")))
        }
    };
    let fault = Fault::new(node.place, format!("'{}' is {what}", shortened(text)));
    Some(Fault { help: help.or_else(|| schema["description"].as_str().map(str::to_owned)), ..fault })
}

fn range(format: &str) -> Option<(i128, i128)> {
    Some(match format {
        "uint64" | "uint" => (0, u64::MAX.into()),
        "uint32" => (0, u32::MAX.into()),
        "uint16" => (0, u16::MAX.into()),
        "uint8" => (0, u8::MAX.into()),
        "int64" => (i64::MIN.into(), i64::MAX.into()),
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        _ => return None,
    })
}

/// The quantity that was meant, if only its unit is wrong.
fn meant(text: &str, format: &str) -> Option<String> {
    let units: &[(&str, &str)] = match format {
        "bytes" => &[("k", "KiB"), ("m", "MiB"), ("g", "GiB"), ("b", "B")],
        _ => &[("ms", "ms"), ("milli", "ms"), ("m", "min"), ("s", "s"), ("", "s")],
    };
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, written) = text.split_at(digits);
    let written = written.trim().to_lowercase();
    let (_, unit) = units.iter().find(|(begin, _)| written.starts_with(begin))?;
    let quantity = format!("{number}{unit}");
    let sound = if format == "bytes" { Bytes::parse(&quantity).is_some() } else { Time::parse(&quantity).is_some() };
    // A unit that is right already is not what is wrong.
    (sound && quantity != text).then(|| format!("did you mean '{quantity}'?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_that_was_meant_is_found() {
        let meant = |text: &str, format: &str| meant(text, format).unwrap_or_default();
        assert_eq!(meant("64KB", "bytes"), "did you mean '64KiB'?");
        assert_eq!(meant("1 gb", "bytes"), "did you mean '1GiB'?");
        assert_eq!(meant("20", "time"), "did you mean '20s'?");
        assert_eq!(meant("2 minutes", "time"), "did you mean '2min'?");
        assert_eq!(meant("large", "bytes") + &meant("99999999999GiB", "bytes") + &meant("-1", "time"), "");
    }
}
