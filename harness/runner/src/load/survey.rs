//! The pairs that share buffers, found once before the load, in processes of their own. What is refused there is not part of
//! the load; whether it may be refused is what the cases are about.

use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use device::{Endpoint, ExportFlags, ImportSize};

use super::plan::Pair;
use crate::cell::message::Message;
use crate::run::child;

/// The buffers of a load, in bytes, at least: of several pages, and with room for a frame of some size.
pub const SIZE: u64 = 64 * 1024;

/// The flags with which a program asks for a file that it writes.
pub const FLAGS: ExportFlags = ExportFlags { writable: true, close_on_exec: true };

/// The size that an exporter is asked for, for an importer that may need more.
pub fn size(exporter: &Endpoint, needed: u64) -> u64 {
    exporter.smallest.max(needed).max(SIZE)
}

/// Returns the pairs of which one import succeeded, and the number of others. An importer has this time for all exporters.
pub fn pairs(endpoints: &[Rc<Endpoint>], deadline: Duration) -> (Vec<Pair>, usize) {
    let usable = |endpoint: &&Rc<Endpoint>| endpoint.blocked.is_none();
    let exporters: Vec<_> = endpoints.iter().filter(usable).filter(|endpoint| endpoint.exports).collect();
    let importers = endpoints.iter().filter(usable).filter(|endpoint| endpoint.imports);
    let (mut pairs, mut refused) = (Vec::new(), 0);
    for importer in importers {
        let mut next = 0;
        while next < exporters.len() {
            let ran = child::run(deadline, |say| {
                for (at, exporter) in exporters.iter().enumerate().skip(next) {
                    say(&Message::At(at.to_string()));
                    if takes(importer, exporter) {
                        say(&Message::Took(exporter.key.clone()));
                    }
                }
                say(&Message::Done { checks: 0 });
            });
            for message in &ran.messages.whole {
                let Message::Took(key) = message else { continue };
                let exporter = exporters.iter().find(|exporter| exporter.key == *key);
                let pair =
                    |exporter: &&Rc<Endpoint>| Pair { exporter: (*exporter).clone(), importer: importer.clone() };
                pairs.extend(exporter.map(pair));
            }
            // After the exporter with which the process died or hung, if it did.
            let last = ran.messages.at().and_then(|step| step.parse::<usize>().ok());
            next = if ran.messages.done() { exporters.len() } else { last.map_or(exporters.len(), |last| last + 1) };
        }
        refused += exporters.len();
    }
    refused -= pairs.len();
    (pairs, refused)
}

fn takes(importer: &Endpoint, exporter: &Endpoint) -> bool {
    let (Ok(source), Ok(target)) = (device::inventory::open(exporter), device::inventory::open(importer)) else {
        return false;
    };
    let Ok(buffer) = source.allocate(size(exporter, importer.smallest)) else { return false };
    let Ok(file) = buffer.export(FLAGS) else { return false };
    target.import(file.as_raw_fd(), ImportSize::Within(buffer.size())).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_one_whose_import_goes_well() {
        let words = "clean,refuses,no-export,crashes";
        let endpoints = device::mock::endpoints(words, std::path::Path::new("/dev/null")).unwrap();
        let (pairs, refused) = pairs(&endpoints.into_iter().map(Rc::new).collect::<Vec<_>>(), Duration::from_secs(60));
        let words: Vec<String> = pairs.iter().map(Pair::words).collect();
        let clean = ["mock-clean to mock-clean", "mock-refuses to mock-clean", "mock-crashes to mock-clean"];
        assert_eq!(words[..3], clean);
        assert!(!words.iter().any(|pair| pair.starts_with("mock-no-export") || pair.ends_with("to mock-refuses")));
        assert!(!words.iter().any(|pair| pair.ends_with("to mock-crashes")), "{words:?}");
        assert_eq!((pairs.len(), refused), (6, 10));
    }
}
