//! The calls of the dma-buf core that threads are in, and what the DMA API was asked for within each.
//!
//! A call ends with the return of the function that it began with. The core's functions can lie within each other, as those
//! that take a lock and those that do not: the same call of the same attachment, seen twice, is one.

use std::collections::BTreeMap;

use super::call::Arguments;
use super::probe::Tag;

/// A list that was mapped or synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct List {
    pub(super) dev: u64,
    pub(super) sgl: u64,
    pub(super) dir: u64,
    pub(super) attrs: u64,
    /// Of a sync: for the CPU, not for the device.
    pub(super) for_cpu: bool,
}

/// A call of the dma-buf core.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub(super) call: Option<Tag>,
    pub(super) arguments: Arguments,
    /// The inner function of two that are one call has been seen, and has not returned.
    within: bool,
    pub(super) mapped: Vec<List>,
    pub(super) synced: Vec<List>,
    /// Tables that were filled in from coherent memory.
    pub(super) coherent: Vec<u64>,
    /// Why the memory cannot do without syncs.
    pub(super) needs: Option<&'static str>,
    /// Cache maintenance that no list shows.
    pub(super) single: bool,
}

/// By thread, the innermost call last.
#[derive(Debug, Default)]
pub(super) struct Windows {
    of: BTreeMap<i32, Vec<Window>>,
}

/// How a call begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entered {
    New,
    /// The inner function of a call that has begun.
    Within,
    /// A return was missed before it: nothing that the thread holds is known for certain.
    AfterGap,
}

/// More calls within each other than any driver makes: a return was missed.
const DEEPEST: usize = 6;

impl Windows {
    /// Begins a call.
    pub(super) fn enter(&mut self, pid: i32, call: Tag, arguments: Arguments) -> Entered {
        let open = self.of.entry(pid).or_default();
        let same = |window: &Window| {
            let (one, other) = (&window.arguments, &arguments);
            !matches!(call, Tag::Inside | Tag::Ioctl)
                && window.call == Some(call)
                && (one.attachment, one.buf) == (other.attachment, other.buf)
        };
        if let Some(top) = open.last_mut().filter(|top| same(top))
            && !top.within
            && top.arguments.outer
            && !arguments.outer
        {
            top.within = true;
            return Entered::Within;
        }
        let missed = open.len() >= DEEPEST || open.iter().any(same);
        if missed {
            open.clear();
        }
        open.push(Window { call: Some(call), arguments, ..Window::default() });
        if missed { Entered::AfterGap } else { Entered::New }
    }

    /// Ends a call, and returns it if it was the outer one of two that are one.
    pub(super) fn leave(&mut self, pid: i32, call: Tag) -> Option<Window> {
        let open = self.of.get_mut(&pid)?;
        let place = open.iter().rposition(|window| window.call == Some(call))?;
        // Those above it have returned too, unseen.
        open.truncate(place + 1);
        if open[place].within {
            open[place].within = false;
            return None;
        }
        let window = open.pop();
        if open.is_empty() {
            self.of.remove(&pid);
        }
        window
    }

    /// The innermost call that a thread is in.
    pub(super) fn inner(&mut self, pid: i32) -> Option<&mut Window> {
        self.of.get_mut(&pid)?.last_mut()
    }

    pub(super) fn clear(&mut self) {
        self.of.clear();
    }

    pub(super) fn forget(&mut self, pid: i32) {
        self.of.remove(&pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(attachment: u64, outer: bool) -> Arguments {
        Arguments { attachment, outer, ..Arguments::default() }
    }

    #[test]
    fn the_function_with_a_lock_and_the_one_without_are_one_call() {
        let mut windows = Windows::default();
        assert_eq!(windows.enter(7, Tag::Map, of(1, true)), Entered::New);
        assert_eq!(windows.enter(7, Tag::Map, of(1, false)), Entered::Within);
        assert!(windows.leave(7, Tag::Map).is_none());
        assert_eq!(windows.leave(7, Tag::Map).unwrap().arguments.attachment, 1);
        assert!(windows.inner(7).is_none());
    }

    #[test]
    fn an_exporter_that_maps_what_it_imported_is_another_call() {
        let mut windows = Windows::default();
        let entered = [1, 2].map(|attachment| windows.enter(7, Tag::Map, of(attachment, false)));
        assert_eq!(entered, [Entered::New; 2]);
        assert_eq!(windows.leave(7, Tag::Map).unwrap().arguments.attachment, 2);
        assert_eq!(windows.leave(7, Tag::Map).unwrap().arguments.attachment, 1);
    }

    #[test]
    fn a_return_that_was_missed_leaves_nothing_certain() {
        for outer in [false, true] {
            let mut windows = Windows::default();
            windows.enter(7, Tag::Unmap, of(1, outer));
            assert_eq!(windows.enter(7, Tag::Unmap, of(1, outer)), Entered::AfterGap);
        }
    }
}
