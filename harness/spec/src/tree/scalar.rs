//! What a value without quotes is taken for.

/// The value of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Float,
    /// Text.
    Text(&'a str),
}

impl<'a> Scalar<'a> {
    /// Reads text without quotes, by the rules of `serde_yaml`.
    pub fn plain(text: &'a str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Bool(true),
            "false" | "False" | "FALSE" => return Self::Bool(false),
            _ => {}
        }
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let based = [("0x", 16), ("0o", 8), ("0b", 2)];
        let based = based.iter().find_map(|(prefix, base)| Some((digits.strip_prefix(prefix)?, *base)));
        let (digits, base) = based.unwrap_or((digits, 10));
        let number = digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !digits.is_empty();
        if base == 10 && digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Self::Text(text);
        }
        if number && let Ok(number) = i128::from_str_radix(digits, base) {
            return Self::Integer(sign * number);
        }
        let float = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        if float && text.contains(|c: char| c.is_ascii_digit()) && text.parse::<f64>().is_ok() {
            return Self::Float;
        }
        Self::Text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Content, Node};

    #[test]
    fn scalars_are_what_serde_yaml_takes_them_for() {
        for text in
            ["", "~", "null", "true", "True", "yes", "1", "-1", "+7", "0x1f", "012", "1.5", "1e3", "64KiB", "-x", "."]
        {
            let node = Node { place: (1, 1), content: Content::Scalar { text: text.into(), plain: true } };
            let taken: serde_json::Value = crate::yaml::parse(std::path::Path::new("x"), text).unwrap();
            match node.scalar().unwrap() {
                Scalar::Float => assert!(taken.is_f64(), "{text}"),
                Scalar::Null => assert!(taken.is_null(), "{text}"),
                _ => assert_eq!(node.to_json(), taken, "{text}"),
            }
        }
    }
}
