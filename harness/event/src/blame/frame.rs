//! The functions in the lines of a trace.

/// A function in a line of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The function.
    pub function: &'a str,
    /// Its module; empty where it is built in.
    pub module: &'a str,
}

/// The functions that a line of a trace names, with their modules:
///
/// - `canary_map+0x1d/0x90 [prime_canary]`, also with a comma or a bracket behind it, or with the module's build id in it;
/// - `canary_map [prime_canary] from caller+0x1/0x2 [other]`, on 32-bit Arm since 5.18;
/// - `[<c0101010>] (canary_map [prime_canary]) from [<c0101010>] (caller+0x1/0x2)`, there before.
///
/// A time stamp in brackets has a dot, and a task's number follows no function.
pub fn frames(line: &str) -> impl Iterator<Item = Frame<'_>> {
    let mut words = line.split_whitespace().peekable();
    std::iter::from_fn(move || {
        loop {
            let word = words.next()?.trim_matches(['(', ')', ',']);
            // `0010:fn+0x1/0x2` behind RIP.
            let name = word.rsplit_once(':').map_or(word, |(_, name)| name);
            let (function, exact) = name.split_once("+0x").map_or((name, false), |(function, _)| (function, true));
            let is_name = function.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
            if function.is_empty() || !is_name {
                continue;
            }
            let module = words.peek().and_then(|next| module(next));
            match module {
                Some((module, closed)) if exact || (closed && is_followed_by_from(&words)) => {
                    words.next();
                    return Some(Frame { function, module });
                }
                Some((module, false)) if exact => {
                    words.next();
                    return Some(Frame { function, module });
                }
                _ if exact => return Some(Frame { function, module: "" }),
                _ => {}
            }
        }
    })
}

/// Returns whether the word behind the next is `from`.
fn is_followed_by_from<'a>(words: &(impl Iterator<Item = &'a str> + Clone)) -> bool {
    words.clone().nth(1) == Some("from")
}

/// The module that a word names, and whether its bracket is closed in the word: with a build id it is not.
fn module(word: &str) -> Option<(&str, bool)> {
    let word = word.trim_end_matches([',', ')', ':']).strip_prefix('[')?;
    let (name, closed) = word.strip_suffix(']').map_or((word, false), |name| (name, true));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let letter = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    (letter && name.bytes().all(is_name)).then_some((name, closed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_frame_is_read() {
        let of = |line: &str| -> Vec<(String, String)> {
            frames(line).map(|frame| (frame.function.to_owned(), frame.module.to_owned())).collect()
        };
        let pair = |function: &str, module: &str| (function.to_owned(), module.to_owned());
        assert_eq!(of("RIP: 0010:vc4_map+0x9/0x20 [vc4]"), [pair("vc4_map", "vc4")]);
        assert_eq!(of("WARNING: ./a.c:1 at vc4_map+0x1/0x2 [vc4], CPU#0: x/1"), [pair("vc4_map", "vc4")]);
        assert_eq!(of(" vc4_map+0x1/0x2 [vc4 3cf4ce2c0a]"), [pair("vc4_map", "vc4")]);
        assert_eq!(of(" vc4_map [vc4] from caller+0x1/0x2 [b]"), [pair("vc4_map", "vc4"), pair("caller", "b")]);
        let old = "[<bf000000>] (vc4_map [vc4]) from [<bf000010>] (caller+0x1/0x2 [b])";
        assert_eq!(of(old), [pair("vc4_map", "vc4"), pair("caller", "b")]);
        assert_eq!(of("[   12.345678] BUG: Bad page state in process x  pfn:1"), []);
        assert_eq!(of("CPU: 0 PID: 1 Comm: x [vc4]"), []);
        assert_eq!(of(" dma_map+0x1/0x2"), [pair("dma_map", "")]);
    }
}
