//! A suite's list of packages, and the choice of a kernel among them.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// A package as the archive offers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its size in bytes.
    pub size: u64,
    /// The digest that it must have.
    pub sha256: String,
    /// The dependencies, as written.
    #[serde(default)]
    pub depends: String,
}

/// The packages that make one kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The output of `uname -r`.
    pub release: String,
    /// The kernel and its modules.
    pub image: Vec<Package>,
    /// To build modules against it: headers of the flavour, headers in common, kbuild.
    pub headers: Vec<Package>,
    /// Its source, of the very same version.
    pub source: Option<Package>,
}

impl Choice {
    /// The version of its packages.
    pub fn version(&self) -> &str {
        self.image.first().map_or("", |package| &package.version)
    }
}

/// The stanzas of a control file.
pub fn stanzas(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(|stanza| stanza.trim_matches('\n')).filter(|stanza| !stanza.is_empty())
}

/// A field of a stanza, with its continuation lines.
pub fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    let matches = |line: &str| {
        line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            && line[name.len()..].starts_with(':')
    };
    let mut at = 0;
    for line in stanza.split_inclusive('\n') {
        if matches(line) {
            let value = &stanza[at + name.len() + 1..];
            let continued = |index: usize| !value[index + 1..].starts_with([' ', '\t']);
            let end = value.match_indices('\n').map(|(index, _)| index).find(|&index| continued(index));
            return Some(value[..end.unwrap_or(value.len())].trim());
        }
        at += line.len();
    }
    None
}

/// The packages of a `Packages` file whose names `wanted` takes.
pub fn packages(text: &str, wanted: impl Fn(&str) -> bool) -> Vec<Package> {
    let read = |stanza: &str| {
        let name = field(stanza, "Package").filter(|name| wanted(name))?;
        let text = |key| field(stanza, key).map(str::to_owned);
        Some(Package {
            name: name.to_owned(),
            version: text("Version")?,
            size: text("Size")?.parse().ok()?,
            sha256: text("SHA256")?,
            depends: text("Depends").unwrap_or_default(),
        })
    };
    stanzas(text).filter_map(read).collect()
}

/// Names and versions in what `apt-get --print-uris` says: `'URI' NAME_VERSION_ARCHITECTURE.deb SIZE MD5Sum:DIGEST`.
/// The digest is of no use: it is the weakest that the archive has.
pub fn printed(text: &str) -> Vec<(String, String)> {
    let read = |line: &str| {
        let mut file = line.split_whitespace().nth(1)?.strip_suffix(".deb")?.split('_');
        Some((file.next()?.to_owned(), file.next()?.replace("%3a", ":")))
    };
    text.lines().filter_map(read).collect()
}

/// The newest plain kernel of those that are [`offered`].
pub fn choose(
    packages: &[Package],
    start: &str,
    flavour: &str,
    build: bool,
    order: impl Fn(&str, &str) -> Ordering,
) -> Option<Choice> {
    offered(packages, start, flavour, build, order).pop()
}

/// The plain kernels of a flavour whose release starts with `start`, the newest last; with `build`, those that can also be
/// built against, because headers and source of the same version are there. `order` compares versions as dpkg does.
pub fn offered(
    packages: &[Package],
    start: &str,
    flavour: &str,
    build: bool,
    order: impl Fn(&str, &str) -> Ordering,
) -> Vec<Choice> {
    let find = |name: &str, version: &str| {
        packages.iter().find(|package| package.name == name && package.version == version).cloned()
    };
    let plain = |release: &str| {
        let stem = release.strip_suffix(flavour).and_then(|stem| stem.strip_suffix('-'));
        // `6.12-amd64` is a package without content that depends on the newest one.
        let numbered =
            |stem: &str| stem.split(['.', '+', '-', '~']).take(3).filter(|n| n.parse::<u32>().is_ok()).count() == 3;
        release.starts_with(start)
            && stem.is_some_and(|stem| numbered(stem) && !stem.ends_with("-rt") && !stem.ends_with("-cloud"))
    };
    let candidate = |image: &Package| {
        let release = image.name.strip_prefix("linux-image-").filter(|release| plain(release))?;
        let version = &image.version;
        let parts = ["binary", "modules", "base"].map(|part| find(&format!("linux-{part}-{release}"), version));
        let image = match parts {
            // From about 7.0 the image is a package without content that depends on these.
            [Some(binary), Some(modules), Some(base)] => vec![binary, modules, base],
            // The archive keeps the image of an older release longer than its modules.
            _ if image.depends.contains(&format!("linux-modules-{release} ")) => return None,
            _ => vec![image.clone()],
        };
        let stem = release.strip_suffix(flavour)?.trim_end_matches('-');
        let series: Vec<&str> = release.split('.').take(2).collect();
        let source = find(&format!("linux-source-{}", series.join(".")), version);
        let headers = [format!("linux-headers-{release}"), format!("linux-headers-{stem}-common")];
        let mut headers: Vec<Package> = headers.iter().filter_map(|name| find(name, version)).collect();
        headers.extend(kbuild(stem, version, packages, &order));
        let complete = source.is_some() && headers.len() == 3;
        (complete || !build).then(|| Choice { release: release.to_owned(), image, headers, source })
    };
    let mut offered: Vec<Choice> = packages.iter().filter_map(candidate).collect();
    offered.sort_by(|a, b| order(a.version(), b.version()));
    offered
}

/// Until 6.11 kbuild is one package a series, `linux-kbuild-6.1`, afterwards one a release. Of the series' package the
/// archive keeps the newest, which serves the headers of every version before it, as they say in their dependencies.
fn kbuild(stem: &str, version: &str, packages: &[Package], order: impl Fn(&str, &str) -> Ordering) -> Option<Package> {
    let named = |name: String| packages.iter().filter(move |package| package.name == name);
    let own = named(format!("linux-kbuild-{stem}")).find(|package| package.version == version);
    let series: Vec<&str> = stem.split('.').take(2).collect();
    let serves = |package: &&Package| order(&package.version, version) != Ordering::Less;
    let of_series = named(format!("linux-kbuild-{}", series.join("."))).filter(serves);
    own.or_else(|| of_series.min_by(|a, b| order(&a.version, &b.version))).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package { name: name.into(), version: version.into(), size: 1, sha256: "0".into(), depends: String::new() }
    }

    /// Enough of dpkg's order for these versions.
    fn order(a: &str, b: &str) -> Ordering {
        let numbers = |v: &str| v.split(['.', '-', '~', '+']).map(|n| n.parse().unwrap_or(0)).collect::<Vec<u32>>();
        numbers(a).cmp(&numbers(b))
    }

    fn security() -> Vec<Package> {
        let mut all = Vec::new();
        for (release, version) in [("6.12.99", "6.12.99-1"), ("6.12.117", "6.12.117-1"), ("6.12.118", "6.12.118-1")] {
            for flavour in ["amd64", "rt-amd64", "cloud-amd64", "amd64-dbg", "amd64-unsigned"] {
                all.push(package(&format!("linux-image-{release}+deb12-{flavour}"), version));
            }
            all.push(package(&format!("linux-headers-{release}+deb12-amd64"), version));
            all.push(package(&format!("linux-headers-{release}+deb12-common"), version));
            all.push(package(&format!("linux-kbuild-{release}+deb12"), version));
        }
        all.push(package("linux-image-6.12-amd64", "6.12.118-1"));
        all.push(package("linux-image-amd64", "6.1.9-1"));
        all.push(package("linux-source-6.12", "6.12.117-1"));
        all
    }

    #[test]
    fn the_newest_plain_kernel_is_taken() {
        let choice = choose(&security(), "6.12.", "amd64", false, order).unwrap();
        assert_eq!(choice.release, "6.12.118+deb12-amd64");
        assert_eq!(choose(&security(), "6.1", "amd64", false, order).unwrap().release, "6.12.118+deb12-amd64");
        assert_eq!(choose(&security(), "6.13.", "amd64", false, order), None);
    }

    #[test]
    fn to_build_all_must_be_of_one_version() {
        let choice = choose(&security(), "6.12.", "amd64", true, order).unwrap();
        assert_eq!(choice.release, "6.12.117+deb12-amd64");
        assert_eq!(choice.headers.len(), 3);
        let mut torn = security();
        torn.retain(|package| package.name != "linux-kbuild-6.12.117+deb12");
        assert_eq!(choose(&torn, "6.12.", "amd64", true, order), None);
    }

    #[test]
    fn a_series_newest_kbuild_serves_the_headers_before_it_and_none_after_it() {
        let of = |kbuild: &str| {
            let mut all = vec![package("linux-kbuild-6.1", kbuild)];
            for (release, version) in [("6.1.0-56", "6.1.192-2"), ("6.1.0-57", "6.1.192-3")] {
                // The archive has the headers of a new version before its signed image.
                all.extend((release == "6.1.0-56").then(|| package(&format!("linux-image-{release}-amd64"), version)));
                all.push(package(&format!("linux-headers-{release}-amd64"), version));
                all.push(package(&format!("linux-headers-{release}-common"), version));
                all.push(package("linux-source-6.1", version));
            }
            choose(&all, "6.1.", "amd64", true, order)
        };
        let choice = of("6.1.192-3").unwrap();
        assert_eq!((choice.release.as_str(), choice.headers.len()), ("6.1.0-56-amd64", 3));
        assert_eq!(of("6.1.192-1"), None);
    }

    #[test]
    fn a_new_kernel_is_three_packages() {
        let names = ["image", "binary", "modules", "base"].map(|part| format!("linux-{part}-7.3.4+deb13-amd64"));
        let all: Vec<Package> = names.iter().map(|name| package(name, "7.3.4-1")).collect();
        let choice = choose(&all, "7.3.4", "amd64", false, order).unwrap();
        assert_eq!(
            choice.image.iter().map(|package| &package.name).collect::<Vec<_>>(),
            [&names[1], &names[2], &names[3]]
        );
    }

    #[test]
    fn every_whole_kernel_is_offered_and_the_newest_is_the_last() {
        let mut all = security();
        let releases = |all: &[Package]| -> Vec<String> {
            offered(all, "6.", "amd64", false, order).into_iter().map(|choice| choice.release).collect()
        };
        let three = ["6.12.99+deb12-amd64", "6.12.117+deb12-amd64", "6.12.118+deb12-amd64"];
        assert_eq!(releases(&all), three);
        // What is left of a release: its image, which depends on what is gone.
        let depends = "kmod, linux-modules-6.19.6+deb12-amd64 (= 6.19.6-1)".into();
        all.push(Package { depends, ..package("linux-image-6.19.6+deb12-amd64", "6.19.6-1") });
        assert_eq!(releases(&all), three);
    }

    #[test]
    fn what_apt_prints_is_read() {
        let text =
            "'http://m.example/pool/a/a_1_amd64.deb' a_1%3a2-3_amd64.deb 12 MD5Sum:ff\nno\n'http://x' torn.deb\n";
        assert_eq!(printed(text), [("a".to_owned(), "1:2-3".to_owned())]);
    }

    #[test]
    fn stanzas_are_read_with_continuations_and_torn_ones_are_not() {
        let text = "Package: a\nVersion: 1\nDepends: b,\n c\nSize: 12\nSHA256: ff\n\nPackage: torn\nVersion: 1\n";
        let all = packages(text, |_| true);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].size, all[0].depends.as_str()), (12, "b,\n c"));
        assert_eq!(packages(text, |name| name == "z"), []);
    }
}
