//! Which functions a source file puts into a hook: `.map_dma_buf = f` and `ops->map_dma_buf = f` in C,
//! `map_dma_buf: Some(f)` in Rust.

use spec::registry::Version;
use spec::registry::list::Hook;

/// The functions, in their order; none of what is said in comments and strings.
pub fn find(hook: Hook, text: &str) -> Vec<String> {
    if !hook.words().iter().any(|word| text.contains(word)) {
        return Vec::new();
    }
    let code = code(text);
    hook.words().iter().flat_map(|word| code.match_indices(word).filter_map(|at| value(&code, at))).collect()
}

/// The function that the word at a place is set to.
fn value(code: &str, (at, word): (usize, &str)) -> Option<String> {
    let (before, behind) = (code[..at].trim_end(), code[at + word.len()..].trim_start());
    let (c, rust) = (before.ends_with('.') || before.ends_with("->"), !code[..at].ends_with(is_of_name));
    let name = if c {
        let value = behind.strip_prefix('=').filter(|value| !value.starts_with('='))?;
        value.trim_start().trim_start_matches('&')
    } else if rust {
        let path = behind.strip_prefix(':')?.trim_start().strip_prefix("Some(")?;
        let path = &path[..path.find(|c: char| !is_of_name(c) && c != ':' && c != ' ').unwrap_or(path.len())];
        path.rsplit("::").next()?
    } else {
        return None;
    };
    let name = &name[..name.find(|c: char| !is_of_name(c)).unwrap_or(name.len())];
    (!name.is_empty() && name != "NULL").then(|| name.to_owned())
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The text without comments and without what stands in strings.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['/', '"', '\'']) {
        code.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = match () {
            () if rest.starts_with("/*") => rest[2..].find("*/").map(|end| end + 4),
            () if rest.starts_with("//") => rest.find('\n'),
            () if rest.starts_with('"') => string_end(rest),
            // A quote within a character; not a lifetime of Rust's, nor the apostrophe of an #error.
            () if rest.starts_with("'\"'") => Some(3),
            () if rest.starts_with("'\\\"'") => Some(4),
            () => {
                code.push_str(&rest[..1]);
                Some(1)
            }
        };
        rest = end.map_or("", |end| &rest[end..]);
        code.push(' ');
    }
    code + rest
}

/// The end of a string that begins a text: its quote, or the end of a line that has none.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return Some(at + 1),
            '\n' if !escaped => return Some(at),
            _ => escaped = c == '\\' && !escaped,
        }
    }
    None
}

/// What the Makefile at the top of a kernel's source says; nothing for another Makefile.
pub fn version(makefile: &str) -> Option<Version> {
    let number = |key: &str| {
        let of_key = |line: &str| Some(line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim().to_owned());
        makefile.lines().take(10).find_map(of_key)
    };
    format!("{}.{}.{}", number("VERSION")?, number("PATCHLEVEL")?, number("SUBLEVEL")?).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        find(Hook::MapDmaBuf, text)
    }

    #[test]
    fn initializers_and_assignments_are_found() {
        assert_eq!(found("static const struct dma_buf_ops o = {\n\t.map_dma_buf = a_map,\n};"), ["a_map"]);
        assert_eq!(found("\t.map_dma_buf\t=\n\t\t&b_map,\n"), ["b_map"]);
        assert_eq!(found(".ops = {.map_dma_buf=c_map}"), ["c_map"]);
        assert_eq!(found("ops->map_dma_buf = d_map;\nmine . map_dma_buf = e_map;"), ["d_map", "e_map"]);
        assert_eq!(found("    map_dma_buf: Some(bindings::f_map),\n"), ["f_map"]);
        assert_eq!(find(Hook::GetSgTable, ".get_sg_table = a,\n.gem_prime_get_sg_table = b,\n"), ["a", "b"]);
    }

    #[test]
    fn uses_and_declarations_are_none() {
        assert_eq!(found("if (ops->map_dma_buf == drm_gem_map_dma_buf && x)"), [""; 0]);
        assert_eq!(found("sgt = attach->dmabuf->ops->map_dma_buf(attach, dir);"), [""; 0]);
        assert_eq!(found("struct sg_table *(*map_dma_buf)(struct dma_buf_attachment *,"), [""; 0]);
        assert_eq!(found(".unmap_dma_buf = a_unmap, .map_dma_buf = NULL, x.my_map_dma_buf = b;"), [""; 0]);
        assert_eq!(found("map_dma_buf: None, map_dma_buf = f;"), [""; 0]);
        assert_eq!(find(Hook::GetSgTable, "sgt = drm_gem_shmem_get_sg_table(shmem);"), [""; 0]);
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        assert_eq!(found("/* .map_dma_buf = a, */ .map_dma_buf = b, // .map_dma_buf = c\n"), ["b"]);
        assert_eq!(found(r#"p(".map_dma_buf = a \" .map_dma_buf = b"); x = '"'; .map_dma_buf = c; y = '\"';"#), ["c"]);
        assert_eq!(found("#error don't\n.map_dma_buf = a,\n/* never ends .map_dma_buf = b"), ["a"]);
        assert_eq!(found("s = \"\u{e9}\\\\\"; .map_dma_buf /* x */ = /* y */ a;"), ["a"]);
        assert_eq!(found("fn f<'a>() { map_dma_buf: Some(g) }"), ["g"]);
    }

    #[test]
    fn the_version_stands_in_the_makefile() {
        let text = "# SPDX-License-Identifier: GPL-2.0\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\n";
        assert_eq!(version(text).unwrap().to_string(), "6.12.117");
        assert_eq!(version("all:\n\tcc x.c\n"), None);
    }
}
