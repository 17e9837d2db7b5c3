//! What the exports and imports of a board take with nothing around them: the floor under the time of a run.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use device::{Device, Endpoint, ExportFlags, ImportSize, inventory};
use serde::Serialize;
use uapi::process::Ending;

use crate::cell::message::Message;
use crate::run::child;
use crate::speed::Unmeasured;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bare {
    /// The ordered pairs of exporter and importer.
    pub pairs: u64,
    /// Buffers that were allocated, exported, given to an importer and released again.
    pub exchanges: u64,
    /// Those of them that the importer refused.
    pub refused: u64,
    /// Pairs of which a device could not be opened, or did not make a buffer.
    pub left_out: u64,
    /// The time of all exchanges, in microseconds: that of opening devices is no part of it.
    pub microseconds: u64,
}

/// The exchanges of one pair.
const ROUNDS: u64 = 16;

/// The size of most cells' buffers; a device that needs a larger one says so ([`Endpoint::smallest`]).
const BYTES: u64 = 64 * 1024;

const DEADLINE: Duration = Duration::from_secs(300);

/// Exchanges buffers between all pairs, in one process.
///
/// # Errors
/// Where nothing could be exchanged, or the process did not come to its end.
pub fn of<E: Borrow<Endpoint>>(endpoints: &[E]) -> Result<Bare, Unmeasured> {
    let endpoints: Vec<&Endpoint> = endpoints.iter().map(Borrow::borrow).collect();
    let ran = child::run(DEADLINE, |say| say(&Message::Figures(exchange(&endpoints))));
    let figures = ran.figures();
    let figure = |name: &str| figures.get(name).copied().unwrap_or_default();
    match &ran.ending {
        Ok(Ending::Exited(0)) if figure("exchanges") > 0 => Ok(Bare {
            pairs: figure("pairs"),
            exchanges: figure("exchanges"),
            refused: figure("refused"),
            left_out: figure("left-out"),
            microseconds: figure("microseconds"),
        }),
        Ok(Ending::Exited(0)) => Err(Unmeasured::Not("no device makes a buffer that another could import".into())),
        Ok(ending) => Err(Unmeasured::Not(format!("the process did not come to its end: {ending:?}"))),
        Err(why) => Err(Unmeasured::Not(why.clone())),
    }
}

fn exchange(endpoints: &[&Endpoint]) -> BTreeMap<String, u64> {
    let able = |endpoint: &&&Endpoint| endpoint.blocked.is_none();
    let exporters = endpoints.iter().filter(able).filter(|endpoint| endpoint.exports);
    let (mut pairs, mut exchanges, mut refused, mut left_out) = (0, 0, 0, 0);
    let mut took = Duration::ZERO;
    for exporter in exporters {
        for importer in
            endpoints.iter().filter(able).filter(|endpoint| endpoint.imports && endpoint.key != exporter.key)
        {
            pairs += 1;
            let opened = inventory::open(exporter).and_then(|from| Ok((from, inventory::open(importer)?)));
            let size = BYTES.max(exporter.smallest).max(importer.smallest);
            let Some((from, to)) = opened.ok().filter(|(from, _)| from.allocate(size).is_ok()) else {
                left_out += 1;
                continue;
            };
            let started = Instant::now();
            for _ in 0..ROUNDS {
                match once(&*from, &*to, size) {
                    Some(taken) => (exchanges, refused) = (exchanges + 1, refused + u64::from(!taken)),
                    None => break,
                }
            }
            took += started.elapsed();
        }
    }
    let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let figures = [
        ("pairs", pairs),
        ("exchanges", exchanges),
        ("refused", refused),
        ("left-out", left_out),
        ("microseconds", microseconds),
    ];
    figures.map(|(name, figure)| (name.to_owned(), figure)).into()
}

/// Returns whether the importer took the buffer; nothing if there was none.
fn once(from: &dyn Device, to: &dyn Device, size: u64) -> Option<bool> {
    let buffer = from.allocate(size).ok()?;
    let file = buffer.export(ExportFlags { writable: true, close_on_exec: true }).ok()?;
    Some(to.import(file.as_raw_fd(), ImportSize::Within(buffer.size())).is_ok())
}

impl Bare {
    /// The sentence about it.
    pub fn sentence(&self) -> String {
        let Self { pairs, exchanges, refused, left_out, microseconds } = self;
        let each = *microseconds as f64 / 1000.0 / (*exchanges).max(1) as f64;
        let all = *microseconds as f64 / 1e6;
        format!(
            "{exchanges} exchanges between {pairs} pairs in {all:.1} s, {each:.2} ms each; {refused} were refused, \
             {left_out} pairs left out"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn mocks(names: &[&str]) -> Vec<Endpoint> {
        names.iter().flat_map(|name| device::mock::endpoints(name, Path::new("/dev/null")).unwrap()).collect()
    }

    #[test]
    fn every_pair_of_two_devices_exchanges_buffers() {
        let bare = of(&mocks(&["clean", "wrong-page"])).unwrap();
        assert_eq!((bare.pairs, bare.exchanges, bare.refused, bare.left_out), (2, 2 * ROUNDS, 0, 0));
        assert!(bare.microseconds > 0);
        assert!(bare.sentence().starts_with("32 exchanges between 2 pairs in "), "{}", bare.sentence());
    }

    #[test]
    fn with_one_device_alone_there_is_nothing_to_measure() {
        assert!(of(&mocks(&["clean"])).is_err());
    }

    #[test]
    fn a_device_that_cannot_be_opened_is_left_out_and_counted() {
        let mut endpoints = mocks(&["clean", "wrong-page"]);
        endpoints[1].topology = "no-such-fault".into();
        let error = of(&endpoints).unwrap_err();
        assert!(error.to_string().contains("no device makes a buffer"), "{error}");
        endpoints
            .extend(mocks(&["wrong-page"]).into_iter().map(|endpoint| Endpoint { key: "third".into(), ..endpoint }));
        assert_eq!(of(&endpoints).unwrap().left_out, 4);
    }
}
