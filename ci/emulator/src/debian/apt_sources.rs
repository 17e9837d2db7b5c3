//! Where this host gets its packages from: the mirrors in its own apt sources, in both of apt's formats.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};

/// Debian's own archive, as this host reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrors {
    main: String,
    security: String,
}

/// One repository of one suite.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    uri: String,
    suite: String,
}

impl Mirrors {
    /// Reads the host's `sources.list`, `sources.list.d` and `os-release` below `etc`.
    ///
    /// # Errors
    /// When no entry there speaks of Debian.
    pub fn of_host(etc: &Path) -> Result<Self> {
        let release = fs::read_to_string(etc.join("os-release")).unwrap_or_default();
        let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).unwrap_or("");
        let mut files = vec![etc.join("apt/sources.list")];
        let folder = fs::read_dir(etc.join("apt/sources.list.d"));
        files.extend(folder.into_iter().flatten().flatten().map(|entry| entry.path()));
        files.sort();
        let mut sources = Vec::new();
        for file in &files {
            let text = fs::read_to_string(file).unwrap_or_default();
            match file.extension().and_then(|extension| extension.to_str()) {
                Some("list") => sources.extend(one_line(&text)),
                Some("sources") => sources.extend(deb822(&text)),
                _ => {}
            }
        }
        Self::among(&sources, codename.trim_matches('"')).ok_or_else(|| {
            let what = format!("no apt source of this host names Debian's suite '{codename}'");
            Error::usage(what, format!("add one below {}, or use --kernel", etc.join("apt").display()))
        })
    }

    fn among(sources: &[Source], codename: &str) -> Option<Self> {
        let suites = [codename, "stable", "oldstable", "testing", "unstable", "sid"];
        let main = sources.iter().find(|source| !codename.is_empty() && suites.contains(&source.suite.as_str()))?;
        let is_security = |source: &&Source| source.suite.ends_with("-security") || source.suite.ends_with("/updates");
        // A mirror of all of Debian keeps both archives side by side.
        let beside = || format!("{}-security", main.uri);
        let security = sources.iter().find(is_security).map_or_else(beside, |source| source.uri.clone());
        Some(Self { main: main.uri.clone(), security })
    }

    /// The apt line for a suite.
    pub fn line(&self, suite: &str) -> String {
        let uri = if suite.ends_with("-security") { &self.security } else { &self.main };
        format!("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {uri} {suite} main\n")
    }
}

fn source(uri: &str, suite: &str) -> Source {
    Source { uri: uri.trim_end_matches('/').to_owned(), suite: suite.to_owned() }
}

/// `deb [options] URI SUITE COMPONENT...`, one a line.
fn one_line(text: &str) -> Vec<Source> {
    let read = |line: &str| {
        let rest = line.split('#').next()?.trim().strip_prefix("deb")?;
        let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
        let rest = if rest.starts_with('[') { rest.split_once(']')?.1 } else { rest };
        let mut words = rest.split_whitespace();
        Some(source(words.next()?, words.next()?))
    };
    text.lines().filter_map(read).collect()
}

/// Stanzas of `Key: value`, a blank line between them.
fn deb822(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    // A comment is not a part of the stanza, and does not end it either.
    let text: String = text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    for stanza in crate::debian::index::stanzas(&text) {
        let field = |name: &str| crate::debian::index::field(stanza, name).unwrap_or_default();
        let off = field("Enabled").trim().eq_ignore_ascii_case("no");
        if off || !field("Types").split_whitespace().any(|kind| kind == "deb") {
            continue;
        }
        for uri in field("URIs").split_whitespace() {
            sources.extend(field("Suites").split_whitespace().map(|suite| source(uri, suite)));
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "# Debian\nTypes: deb deb-src\n# a comment within\nURIs: http://mirror.example/debian/\nSuites: bookworm\n \
        bookworm-updates\nComponents: main\n\nTypes: deb\nURIs: http://security.example/s\nSuites: bookworm-security\n\n\
        Enabled: no\nTypes: deb\nURIs: http://off.example\nSuites: bookworm\n";

    #[test]
    fn both_formats_give_the_same() {
        let list = "deb-src http://no.example/ bookworm main\n# deb http://no.example/ bookworm main\n\
            deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # comment\n\
            deb\thttp://mirror.example/debian bookworm-updates main\ndeb http://security.example/s bookworm-security main\n";
        assert_eq!(one_line(list), deb822(DEB822));
        assert_eq!(one_line(list).len(), 3);
    }

    #[test]
    fn suites_go_to_their_archive() {
        let mirrors = Mirrors::among(&deb822(DEB822), "bookworm").unwrap();
        assert!(mirrors.line("trixie-backports").contains(" http://mirror.example/debian trixie-backports main"));
        assert!(mirrors.line("bookworm-security").contains(" http://security.example/s bookworm-security main"));
    }

    #[test]
    fn security_lies_beside_the_main_archive_by_convention() {
        let mirrors = Mirrors::among(&one_line("deb http://user:word@m.example/debian trixie main"), "trixie").unwrap();
        let line = mirrors.line("trixie-security");
        assert!(line.contains(" http://user:word@m.example/debian-security trixie-security"), "{line}");
    }

    #[test]
    fn other_peoples_archives_are_not_debian() {
        assert_eq!(Mirrors::among(&one_line("deb http://x.example/apt tool-bookworm main"), "bookworm"), None);
        let empty = tempfile::tempdir().unwrap();
        let error = Mirrors::of_host(empty.path()).unwrap_err().to_string();
        assert!(error.contains("no apt source"), "{error}");
    }
}
