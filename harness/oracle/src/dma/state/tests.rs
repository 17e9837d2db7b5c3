//! Each rule is kept by a right sequence of calls, and broken by one that differs in a call.

use super::super::table::tests::raw;
use super::*;
use crate::dma::layout::Layouts;

const BUF: u64 = 0x100;
const FILE: u64 = 0xf11e;
const DEV: u64 = 0x200;
const ENTRIES: &[(u64, u64, u32)] = &[(0x1000, 0x10_0000, 1), (0x2000, 0x20_0000, 1)];

/// A buffer of two pages that is mapped, and what else a test asks for.
struct Story {
    state: State,
}

fn arguments(attachment: u64) -> Arguments {
    Arguments {
        attachment,
        buf: BUF,
        file: FILE,
        size: 8192,
        dev: DEV + attachment,
        name: "vgem".into(),
        ..Arguments::default()
    }
}

impl Story {
    fn new() -> Self {
        let mut story = Self { state: State::new(Layouts::new(true, None), true) };
        // Good tables show the layout.
        for pages in 1..40 {
            let entries = [ENTRIES[0], (0x2000, 0x20_0000, pages)];
            let size = u64::from(1 + pages) * 4096;
            let call = Arguments { size, buf: BUF + size, ..arguments(90) };
            story.call(Call::Enter(Tag::Map, call));
            story.call(Call::Leave(Tag::Map, Returned::Table(900, raw(&entries))));
            story.state.attachments.clear();
        }
        assert_eq!(story.state.take_of(7), []);
        story
    }

    fn call(&mut self, call: Call) -> &mut Self {
        self.state.take_in(7, &call);
        self
    }

    fn map_of(&mut self, attachment: u64, table: u64, raw: Raw, within: &[Call]) -> &mut Self {
        self.call(Call::Enter(Tag::Map, arguments(attachment)));
        for call in within {
            self.call(call.clone());
        }
        self.call(Call::Leave(Tag::Map, Returned::Table(table, raw)))
    }

    /// The list of an attachment is as many as its table.
    fn map(&mut self, attachment: u64, table: u64, entries: &[(u64, u64, u32)], attrs: Option<u64>) -> &mut Self {
        let raw = Raw { sgl: table, ..raw(entries) };
        let within: Vec<_> = attrs.map(|attrs| stream(attachment, table, attrs)).into_iter().collect();
        self.map_of(attachment, table, raw, &within)
    }

    fn unmap(&mut self, attachment: u64, table: u64, dir: u64, within: &[Call]) -> &mut Self {
        self.call(Call::Enter(Tag::Unmap, Arguments { table, dir, attachment, ..Arguments::default() }));
        for call in within {
            self.call(call.clone());
        }
        self.call(Call::Leave(Tag::Unmap, Returned::Value(0)))
    }

    fn detach(&mut self, attachment: u64) -> &mut Self {
        self.call(Call::Enter(Tag::Detach, Arguments { attachment, buf: BUF, ..Arguments::default() }));
        self.call(Call::Leave(Tag::Detach, Returned::Value(0)))
    }

    fn access(&mut self, tag: Tag, dir: u64, within: &[Call]) -> &mut Self {
        self.call(Call::Enter(tag, Arguments { buf: BUF, dir, ..Arguments::default() }));
        for call in within {
            self.call(call.clone());
        }
        self.call(Call::Leave(tag, Returned::Value(0)))
    }

    fn broken(&mut self) -> Vec<(Rule, Side, bool)> {
        self.state.take_of(7).iter().map(|breach| (breach.rule, breach.side, breach.latent)).collect()
    }
}

fn stream(attachment: u64, sgl: u64, attrs: u64) -> Call {
    Call::Map { dev: DEV + attachment, sgl, dir: BIDIRECTIONAL, attrs }
}

fn unstream(attachment: u64, sgl: u64, dir: u64) -> Call {
    Call::Unmap { dev: DEV + attachment, sgl, dir }
}

fn sync(attachment: u64, sgl: u64, for_cpu: bool, dir: u64) -> Call {
    Call::Sync { for_cpu, dev: DEV + attachment, sgl, dir }
}

#[test]
fn an_importer_and_an_exporter_that_keep_the_contract() {
    let mut story = Story::new();
    story.map(1, 10, ENTRIES, Some(0)).map(2, 20, ENTRIES, Some(0));
    let both = |for_cpu, dir| [sync(1, 10, for_cpu, dir), sync(2, 20, for_cpu, BIDIRECTIONAL)];
    story.access(Tag::Begin, FROM_DEVICE, &both(true, FROM_DEVICE));
    story.access(Tag::End, BIDIRECTIONAL, &both(false, BIDIRECTIONAL));
    story.unmap(1, 10, BIDIRECTIONAL, &[unstream(1, 10, BIDIRECTIONAL)]).detach(1);
    // The core's function without a lock within the one with it.
    story.call(Call::Enter(Tag::Unmap, Arguments { table: 20, attachment: 2, outer: true, ..Arguments::default() }));
    story.unmap(2, 20, BIDIRECTIONAL, &[unstream(2, 20, BIDIRECTIONAL)]);
    story.call(Call::Leave(Tag::Unmap, Returned::Value(0))).detach(2);
    assert_eq!(story.broken(), []);
    assert!(story.state.attachments.is_empty());
}

#[test]
fn a_table_without_its_last_page_is_the_exporter_s() {
    let mut story = Story::new();
    story.map(1, 10, &ENTRIES[..1], Some(SKIP_CPU_SYNC));
    let breaches = story.state.take_of(7);
    assert_eq!((breaches[0].rule, breaches[0].side, breaches[0].device.as_str()), (Rule::Size, Side::Exporter, "vgem"));
    assert!(breaches[0].seen.contains("4096 bytes, the buffer has 8192"), "{}", breaches[0].seen);
}

#[test]
fn a_page_that_is_there_twice() {
    let mut story = Story::new();
    story.map(1, 10, &[(0x1000, 0x10_0000, 1), (0x1000, 0x10_0000, 1)], None);
    assert_eq!(story.broken(), [(Rule::Entries, Side::Exporter, false)]);
}

#[test]
fn the_second_attachment_sees_the_pages_in_another_order() {
    let swapped = [ENTRIES[1], ENTRIES[0]];
    let mut story = Story::new();
    story.map(1, 10, ENTRIES, None).map(2, 20, &swapped, None);
    assert_eq!(story.broken(), [(Rule::Order, Side::Exporter, false)]);
    // Not at the same time, or moved meanwhile.
    story.map(1, 10, ENTRIES, None).unmap(1, 10, BIDIRECTIONAL, &[]).map(2, 20, &swapped, None);
    assert_eq!(story.broken(), []);
    story.map(1, 10, ENTRIES, None).call(Call::Moves { buf: BUF }).map(2, 20, &swapped, None);
    assert_eq!(story.broken(), []);
}

#[test]
fn mapped_for_another_device() {
    let mut story = Story::new();
    story.map_of(1, 10, Raw { sgl: 10, ..raw(ENTRIES) }, &[stream(9, 10, SKIP_CPU_SYNC)]);
    assert_eq!(story.broken(), [(Rule::Device, Side::Exporter, false)]);
    // What it maps for itself is another list.
    story.map_of(1, 10, Raw { sgl: 10, ..raw(ENTRIES) }, &[stream(9, 11, 0), stream(1, 10, SKIP_CPU_SYNC)]);
    assert_eq!(story.broken(), []);
}

#[test]
fn mapped_twice_or_never_unmapped() {
    let mut story = Story::new();
    story.map(1, 10, ENTRIES, None).map(1, 11, ENTRIES, None);
    assert_eq!(story.broken(), [(Rule::Mapped, Side::Importer, false)]);
    story.map(1, 10, ENTRIES, None).detach(1);
    assert_eq!(story.broken(), [(Rule::Mapped, Side::Importer, false)]);
    // An exporter that keeps the table gives it twice.
    story.map(1, 10, ENTRIES, None).map(1, 10, ENTRIES, None);
    story.unmap(1, 10, BIDIRECTIONAL, &[]).unmap(1, 10, BIDIRECTIONAL, &[]).detach(1);
    assert_eq!(story.broken(), []);
}

#[test]
fn unmapped_with_another_direction_or_another_table() {
    let mut story = Story::new();
    story.map(1, 10, ENTRIES, None).unmap(1, 10, TO_DEVICE, &[]);
    assert_eq!(story.broken(), [(Rule::Unmapped, Side::Importer, false)]);
    story.map(1, 10, ENTRIES, None).unmap(1, 11, BIDIRECTIONAL, &[]);
    assert_eq!(story.broken(), [(Rule::Unmapped, Side::Importer, false)]);
}

#[test]
fn the_exporter_does_not_unmap_or_with_another_direction() {
    let mut story = Story::new();
    story.map(1, 10, ENTRIES, Some(0)).unmap(1, 10, BIDIRECTIONAL, &[]).detach(1);
    assert_eq!(story.broken(), [(Rule::Balance, Side::Exporter, false)]);
    story.map(1, 10, ENTRIES, Some(0)).unmap(1, 10, BIDIRECTIONAL, &[unstream(1, 10, TO_DEVICE)]).detach(1);
    assert_eq!(story.broken(), [(Rule::Balance, Side::Exporter, false)]);
    // With the direction that the importer asked for: that is another rule.
    story.map(1, 10, ENTRIES, Some(0)).unmap(1, 10, TO_DEVICE, &[unstream(1, 10, TO_DEVICE)]).detach(1);
    assert_eq!(story.broken(), [(Rule::Unmapped, Side::Importer, false)]);
    // At the latest when it is detached.
    story.map(1, 10, ENTRIES, Some(0)).unmap(1, 10, BIDIRECTIONAL, &[]);
    story.call(Call::Enter(Tag::Detach, arguments(1))).call(unstream(1, 10, BIDIRECTIONAL));
    story.call(Call::Leave(Tag::Detach, Returned::Value(0)));
    assert_eq!(story.broken(), []);
}

#[test]
fn a_missing_sync_is_latent_where_nothing_needs_it() {
    let mut story = Story::new();
    story.map(1, 10, ENTRIES, Some(0)).access(Tag::Begin, BIDIRECTIONAL, &[]);
    assert_eq!(story.broken(), [(Rule::Sync, Side::Exporter, true)]);
    let bounced = [stream(1, 10, 0), Call::Needs("is copied")];
    story.map_of(1, 10, Raw { sgl: 10, ..raw(ENTRIES) }, &bounced).access(Tag::End, BIDIRECTIONAL, &[]);
    assert_eq!(story.broken(), [(Rule::Sync, Side::Exporter, false)]);
    // A sync that shows nowhere is not missed: the kernel leaves it out before there is a call.
    story.state.syncs_are_calls = false;
    story.map(1, 10, ENTRIES, Some(0)).access(Tag::Begin, BIDIRECTIONAL, &[]);
    assert_eq!(story.broken(), []);
}

#[test]
fn an_ioctl_that_has_the_core_s_function_within_it() {
    let mut story = Story::new();
    let ioctl = |ends| Arguments { file: FILE, dir: BIDIRECTIONAL, ends, ..Arguments::default() };
    story.map(1, 10, ENTRIES, Some(0)).call(Call::Enter(Tag::Ioctl, ioctl(true)));
    story.call(sync(1, 10, false, BIDIRECTIONAL)).call(Call::Leave(Tag::Ioctl, Returned::Value(0)));
    assert_eq!(story.broken(), []);
    story.map(1, 10, ENTRIES, Some(0)).call(Call::Enter(Tag::Ioctl, ioctl(true)));
    story.call(Call::Leave(Tag::Ioctl, Returned::Value(0)));
    assert_eq!(story.broken(), [(Rule::Sync, Side::Exporter, true)]);
    // Where it is a call of its own, that call is judged, once.
    story.map(1, 10, ENTRIES, Some(0)).call(Call::Enter(Tag::Ioctl, ioctl(false)));
    story.access(Tag::Begin, BIDIRECTIONAL, &[sync(1, 10, true, BIDIRECTIONAL)]);
    story.call(Call::Leave(Tag::Ioctl, Returned::Value(0)));
    assert_eq!(story.broken(), []);
}

#[test]
fn a_sync_of_the_wrong_direction_or_for_the_wrong_side() {
    let mut story = Story::new();
    story.map(1, 10, ENTRIES, Some(0)).access(Tag::Begin, FROM_DEVICE, &[sync(1, 10, true, TO_DEVICE)]);
    assert_eq!(story.broken(), [(Rule::Sync, Side::Exporter, true)]);
    story.map(1, 10, ENTRIES, Some(0)).access(Tag::Begin, FROM_DEVICE, &[sync(1, 10, false, FROM_DEVICE)]);
    assert_eq!(story.broken(), [(Rule::Sync, Side::Exporter, true)]);
    // What the CPU only reads, the device need not be told of.
    story.map(1, 10, ENTRIES, Some(0)).access(Tag::End, FROM_DEVICE, &[]).access(Tag::Begin, TO_DEVICE, &[]);
    assert_eq!(story.broken(), []);
    // Mapped without cache maintenance, it may be anything: by hand, or uncached.
    story.map(1, 10, ENTRIES, Some(SKIP_CPU_SYNC)).access(Tag::Begin, BIDIRECTIONAL, &[]);
    assert_eq!(story.broken(), []);
}

#[test]
fn coherent_memory_is_neither_streamed_nor_synced() {
    let mut story = Story::new();
    let table = || Raw { sgl: 10, ..raw(ENTRIES) };
    story.map_of(1, 5, table(), &[Call::GetTable { table: 5 }, stream(1, 10, 0)]);
    assert_eq!(story.broken(), [(Rule::Coherent, Side::Exporter, false)]);
    story.map_of(1, 5, table(), &[Call::GetTable { table: 5 }, stream(1, 10, SKIP_CPU_SYNC)]);
    story.access(Tag::Begin, BIDIRECTIONAL, &[sync(1, 10, true, BIDIRECTIONAL)]);
    assert_eq!(story.broken(), [(Rule::Coherent, Side::Exporter, false)]);
}

#[test]
fn an_importer_that_maps_or_syncs_what_is_not_its_own() {
    let mut story = Story::new();
    story.map(1, 10, ENTRIES, Some(0)).call(stream(1, 10, 0));
    assert_eq!(story.broken(), [(Rule::Foreign, Side::Importer, false)]);
    story.map(1, 10, ENTRIES, Some(0)).call(sync(1, 10, true, 0));
    assert_eq!(story.broken(), [(Rule::Foreign, Side::Importer, false)]);
    // A list of its own, or within a function of the exporter.
    story.map(1, 10, ENTRIES, Some(0)).call(stream(1, 11, 0));
    story.call(Call::Enter(Tag::Inside, Arguments::default())).call(sync(1, 10, true, 0));
    story.call(Call::Leave(Tag::Inside, Returned::Value(0)));
    assert_eq!(story.broken(), []);
}

#[test]
fn after_a_gap_nothing_is_judged() {
    let mut story = Story::new();
    story.map(1, 10, ENTRIES, Some(0));
    story.state.forget();
    story.detach(1).unmap(1, 11, TO_DEVICE, &[]).access(Tag::Begin, BIDIRECTIONAL, &[]);
    assert_eq!(story.broken(), []);
    // A return that was missed.
    let missed = Arguments { attachment: 1, table: 10, ..Arguments::default() };
    story.map(1, 10, ENTRIES, Some(0)).call(Call::Enter(Tag::Unmap, missed));
    story.unmap(1, 99, TO_DEVICE, &[]).detach(1);
    assert_eq!(story.broken(), []);
}
