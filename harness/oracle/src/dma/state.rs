//! The attachments, what each holds, and which rules were broken. Pure: calls come in, breaches come out.

use std::collections::BTreeMap;

use super::breach::{Breach, Rule, Side};
use super::call::{Arguments, Call, NO_DIRECTION, Returned};
use super::layout::Layouts;
use super::probe::Tag;
use super::table::{Raw, Table};
use super::window::{Entered, List, Window, Windows};

/// `enum dma_data_direction` of `include/linux/dma-direction.h`.
const BIDIRECTIONAL: u64 = 0;
const TO_DEVICE: u64 = 1;
const FROM_DEVICE: u64 = 2;
/// `DMA_ATTR_SKIP_CPU_SYNC` of `include/linux/dma-mapping.h`.
const SKIP_CPU_SYNC: u64 = 1 << 5;

/// Attachments that are never detached, and breaches that no one asks for, are not kept forever.
const KEPT: usize = 4096;

/// A mapping of an attachment.
#[derive(Debug)]
struct Mapping {
    table: u64,
    sgl: u64,
    dir: u64,
    /// How often it was given: an exporter may keep one for an attachment.
    users: u32,
    pages: Option<Table>,
    /// Filled in from coherent memory.
    coherent: bool,
    /// The direction with which it was mapped through the streaming API, with cache maintenance.
    streamed: Option<u64>,
    /// Why it cannot do without syncs.
    needs: Option<&'static str>,
    /// This kernel calls a function for each sync of the device.
    sync_shows: bool,
}

#[derive(Debug)]
struct Attachment {
    pid: i32,
    buf: u64,
    file: u64,
    dev: u64,
    device: String,
    mappings: Vec<Mapping>,
    /// What the exporter has mapped with the DMA API and not yet unmapped.
    streams: Vec<List>,
    /// False if a call was missed.
    whole: bool,
}

/// The contract's state.
#[derive(Debug)]
pub(super) struct State {
    layouts: Layouts,
    /// A sync of any device is a call that is seen.
    syncs_are_calls: bool,
    windows: Windows,
    attachments: BTreeMap<u64, Attachment>,
    breaches: Vec<Breach>,
}

impl State {
    pub(super) fn new(layouts: Layouts, syncs_are_calls: bool) -> Self {
        Self {
            layouts,
            syncs_are_calls,
            windows: Windows::default(),
            attachments: BTreeMap::new(),
            breaches: Vec::new(),
        }
    }

    /// Forgets everything but the layout of tables.
    pub(super) fn forget(&mut self) {
        self.windows.clear();
        self.attachments.clear();
        self.breaches.clear();
    }

    /// Returns what a thread's attachments broke, and forgets them.
    pub(super) fn take_of(&mut self, pid: i32) -> Vec<Breach> {
        self.windows.forget(pid);
        self.attachments.retain(|_, attachment| attachment.pid != pid);
        self.breaches.extract_if(.., |breach| breach.pid == pid).collect()
    }

    pub(super) fn take_in(&mut self, pid: i32, call: &Call) {
        match call {
            Call::Enter(tag, arguments) => self.enter(pid, *tag, arguments),
            Call::Leave(tag, returned) => self.leave(pid, *tag, returned),
            Call::Map { dev, sgl, dir, attrs } => {
                let list = List { dev: *dev, sgl: *sgl, dir: *dir, attrs: *attrs, for_cpu: false };
                match self.windows.inner(pid) {
                    Some(window) => window.mapped.push(list),
                    None => self.foreign(*dev, *sgl, "dma_map_sg"),
                }
            }
            Call::Unmap { dev, sgl, dir } => {
                let asked = self.windows.inner(pid).filter(|window| window.call == Some(Tag::Unmap));
                let asked = asked.map(|window| window.arguments.dir);
                self.unstream(*dev, *sgl, *dir, asked);
            }
            Call::Sync { for_cpu, dev, sgl, dir } => {
                let list = List { dev: *dev, sgl: *sgl, dir: *dir, attrs: 0, for_cpu: *for_cpu };
                match self.windows.inner(pid) {
                    Some(window) => window.synced.push(list),
                    None => self.foreign(*dev, *sgl, sync_name(*for_cpu)),
                }
            }
            Call::Single => drop(self.windows.inner(pid).map(|window| window.single = true)),
            Call::GetTable { table } => drop(self.windows.inner(pid).map(|window| window.coherent.push(*table))),
            Call::Needs(why) => drop(self.windows.inner(pid).map(|window| window.needs = Some(why))),
            Call::Moves { buf } => {
                let of = self.attachments.values_mut().filter(|attachment| attachment.buf == *buf);
                of.flat_map(|attachment| &mut attachment.mappings).for_each(|mapping| mapping.pages = None);
            }
        }
    }

    fn enter(&mut self, pid: i32, tag: Tag, arguments: &Arguments) {
        match self.windows.enter(pid, tag, arguments.clone()) {
            Entered::New => {}
            Entered::Within => return,
            Entered::AfterGap => {
                self.attachments.values_mut().filter(|it| it.pid == pid).for_each(|it| it.whole = false);
            }
        }
        match tag {
            Tag::Map => self.expect(pid, arguments),
            Tag::Unmap => self.unmap(arguments),
            Tag::Detach => self.detach(arguments.attachment),
            _ => {}
        }
    }

    fn leave(&mut self, pid: i32, tag: Tag, returned: &Returned) {
        if let (Tag::Attach, Returned::Value(attachment)) = (tag, returned) {
            // A new one may lie where an old one was.
            self.attachments.remove(attachment);
        }
        let Some(window) = self.windows.leave(pid, tag) else { return };
        match (tag, returned) {
            (Tag::Map, Returned::Table(table, raw)) if is_pointer(*table) => self.mapped(&window, *table, raw),
            (Tag::Begin | Tag::End, returned) => {
                // It was not put into the ioctl that called it.
                if let Some(ioctl) = self.windows.inner(pid).filter(|outer| outer.call == Some(Tag::Ioctl)) {
                    ioctl.arguments.dir = NO_DIRECTION;
                }
                if *returned == Returned::Value(0) {
                    self.accessed(&window, tag == Tag::Begin);
                }
            }
            (Tag::Ioctl, Returned::Value(0)) if window.arguments.dir != NO_DIRECTION => {
                self.accessed(&window, !window.arguments.ends);
            }
            (Tag::Detach, _) => self.detached(window.arguments.attachment),
            _ => {}
        }
    }

    /// An attachment is to be mapped.
    fn expect(&mut self, pid: i32, arguments: &Arguments) {
        if self.attachments.len() >= KEPT {
            return;
        }
        let Arguments { attachment, buf, file, dev, name, .. } = arguments;
        let fresh = || Attachment {
            pid,
            buf: *buf,
            file: *file,
            dev: *dev,
            device: name.clone(),
            mappings: Vec::new(),
            streams: Vec::new(),
            whole: true,
        };
        let known = self.attachments.entry(*attachment).or_insert_with(fresh);
        if (known.buf, known.dev) != (*buf, *dev) {
            *known = fresh();
        }
    }

    fn mapped(&mut self, window: &Window, table: u64, raw: &Raw) {
        let Arguments { attachment: key, size, dir, .. } = window.arguments;
        let Some(attachment) = self.attachments.get_mut(&key) else { return };
        if let Some(mapping) = attachment.mappings.iter_mut().find(|mapping| mapping.table == table) {
            mapping.users += 1;
            return;
        }
        let (dev, buf) = (attachment.dev, attachment.buf);
        let pages = raw.read(&mut self.layouts, size);
        let ours = |list: &&List| list.sgl == raw.sgl;
        let stream = window.mapped.iter().find(|list| ours(list) && list.dev == dev).copied();
        let elsewhere = window.mapped.iter().find(ours).filter(|_| stream.is_none());
        let streamed = stream.filter(|list| list.attrs & SKIP_CPU_SYNC == 0).map(|list| list.dir);
        let coherent = window.coherent.contains(&table);
        let skips = window.arguments.skips_sync;
        let twice = attachment.whole && !attachment.mappings.is_empty();
        attachment.streams.extend(stream);
        attachment.mappings.push(Mapping {
            table,
            sgl: raw.sgl,
            dir,
            users: 1,
            pages: pages.clone(),
            coherent,
            streamed,
            needs: window.needs,
            sync_shows: self.syncs_are_calls || skips == Some(false),
        });
        let mut seen: Vec<(Rule, Side, String)> = Vec::new();
        if let Some(pages) = &pages {
            seen.extend(pages.wrong_size(size).map(|seen| (Rule::Size, Side::Exporter, seen)));
            seen.extend(pages.wrong_entry().map(|seen| (Rule::Entries, Side::Exporter, seen)));
            seen.extend(self.other_order(key, buf, pages).map(|seen| (Rule::Order, Side::Exporter, seen)));
        }
        if elsewhere.is_some() {
            let text = "map_dma_buf mapped the sg_table that it returned for another device than the attachment's";
            seen.push((Rule::Device, Side::Exporter, text.into()));
        }
        if coherent && streamed.is_some() {
            let text = "map_dma_buf mapped a table of dma_get_sgtable without DMA_ATTR_SKIP_CPU_SYNC";
            seen.push((Rule::Coherent, Side::Exporter, text.into()));
        }
        if twice {
            let text = "the attachment was mapped again before it was unmapped, and has two sg_tables";
            seen.push((Rule::Mapped, Side::Importer, text.into()));
        }
        for (rule, side, text) in seen {
            self.tell(key, rule, side, false, text);
        }
    }

    /// Compares with the tables of the other attachments of the same buffer.
    fn other_order(&self, key: u64, buf: u64, pages: &Table) -> Option<String> {
        let others = self.attachments.iter().filter(|(other, it)| **other != key && it.buf == buf && it.whole);
        let mut mappings = others.flat_map(|(_, it)| it.mappings.iter().map(move |mapping| (it, mapping)));
        mappings.find_map(|(other, mapping)| {
            let at = pages.differs(mapping.pages.as_ref()?)?;
            Some(format!("at byte {at:#x} it has another page than the sg_table that {} has meanwhile", other.device))
        })
    }

    fn unmap(&mut self, arguments: &Arguments) {
        let Arguments { attachment: key, table, dir, .. } = arguments;
        let Some(attachment) = self.attachments.get_mut(key) else { return };
        let Some(place) = attachment.mappings.iter().position(|mapping| mapping.table == *table) else {
            if attachment.whole && !attachment.mappings.is_empty() {
                let text = "dma_buf_unmap_attachment was given another sg_table than the attachment has";
                self.tell(*key, Rule::Unmapped, Side::Importer, false, text.into());
            }
            return;
        };
        let mapping = &mut attachment.mappings[place];
        let mapped = mapping.dir;
        mapping.users -= 1;
        if mapping.users == 0 {
            attachment.mappings.remove(place);
        }
        if mapped != *dir && attachment.whole {
            let text = format!("mapped {} and unmapped {}", direction(mapped), direction(*dir));
            self.tell(*key, Rule::Unmapped, Side::Importer, false, text);
        }
    }

    fn detach(&mut self, key: u64) {
        let Some(attachment) = self.attachments.get(&key) else { return };
        if attachment.whole && !attachment.mappings.is_empty() {
            let text = "the attachment is detached and still mapped";
            self.tell(key, Rule::Mapped, Side::Importer, false, text.into());
        }
    }

    fn detached(&mut self, key: u64) {
        let Some(attachment) = self.attachments.get(&key) else { return };
        if attachment.whole && attachment.mappings.is_empty() && !attachment.streams.is_empty() {
            let text = "the attachment is detached, and dma_unmap_sg was not called for what map_dma_buf mapped";
            self.tell(key, Rule::Balance, Side::Exporter, false, text.into());
        }
        self.attachments.remove(&key);
    }

    /// A list is unmapped, by whoever; the last one that lay there is meant. What direction the importer asked for is not the
    /// exporter's fault.
    fn unstream(&mut self, dev: u64, sgl: u64, dir: u64, asked: Option<u64>) {
        let found = self.attachments.iter_mut().find_map(|(key, it)| {
            let place = it.streams.iter().rposition(|list| (list.dev, list.sgl) == (dev, sgl))?;
            Some((*key, it.streams.remove(place), it.whole))
        });
        if let Some((key, list, true)) = found.filter(|(_, list, _)| list.dir != dir && asked != Some(dir)) {
            let text = format!("dma_map_sg with {} and dma_unmap_sg with {}", direction(list.dir), direction(dir));
            self.tell(key, Rule::Balance, Side::Exporter, false, text);
        }
    }

    /// A CPU access has begun or ended: each attachment that is mapped must be coherent now.
    fn accessed(&mut self, window: &Window, begins: bool) {
        // An ioctl has the file, and the core's own functions have the dma-buf.
        let Arguments { buf, file, dir, .. } = window.arguments;
        let is = |it: &Attachment| {
            if window.call == Some(Tag::Ioctl) { it.file == file && file != 0 } else { it.buf == buf }
        };
        let mut seen = Vec::new();
        for (key, attachment) in self.attachments.iter().filter(|(_, it)| is(it) && it.whole) {
            for mapping in &attachment.mappings {
                let told = sync_fault(window, attachment.dev, mapping, dir, begins);
                seen.extend(told.map(|(rule, latent, text)| (*key, rule, latent, text)));
            }
        }
        for (key, rule, latent, text) in seen {
            self.tell(key, rule, Side::Exporter, latent, text);
        }
    }

    /// A list was mapped or synced outside of the dma-buf core, by its driver or by whoever has a table of it.
    fn foreign(&mut self, dev: u64, sgl: u64, what: &str) {
        let holds = |it: &&Attachment| it.dev == dev && it.mappings.iter().any(|mapping| mapping.sgl == sgl);
        let found = self.attachments.iter().find(|(_, it)| it.whole && holds(it)).map(|(key, _)| *key);
        if let Some(key) = found {
            let text = format!("{what} for the sg_table that the exporter gave, outside of its functions");
            self.tell(key, Rule::Foreign, Side::Importer, false, text);
        }
    }

    fn tell(&mut self, key: u64, rule: Rule, side: Side, latent: bool, seen: String) {
        let Some(attachment) = self.attachments.get(&key) else { return };
        let breach = Breach { pid: attachment.pid, rule, side, latent, device: attachment.device.clone(), seen };
        if self.breaches.len() < KEPT && !self.breaches.contains(&breach) {
            self.breaches.push(breach);
        }
    }
}

/// What is wrong with the syncs of a mapping in a CPU access of a direction.
fn sync_fault(window: &Window, dev: u64, mapping: &Mapping, access: u64, begins: bool) -> Option<(Rule, bool, String)> {
    let (call, op) = (sync_name(begins), if begins { "begin_cpu_access" } else { "end_cpu_access" });
    let mut of_it = window.synced.iter().filter(|list| (list.dev, list.sgl) == (dev, mapping.sgl)).peekable();
    if mapping.coherent {
        return of_it.peek().map(|_| (Rule::Coherent, false, format!("{op} syncs coherent memory")));
    }
    let mapped = mapping.streamed?;
    // What only the device reads it has not changed, and what only the CPU reads the CPU has not.
    let moot = if begins { TO_DEVICE } else { FROM_DEVICE };
    let latent = mapping.needs.is_none();
    if mapped == moot || access == moot || window.single || (latent && !mapping.sync_shows) {
        return None;
    }
    let fits = |dir: u64| dir == BIDIRECTIONAL || dir == access || dir == mapped;
    let why = mapping.needs.unwrap_or("is coherent here, and is not elsewhere");
    let text = match of_it.find(|list| list.for_cpu == begins) {
        Some(list) if fits(list.dir) => return None,
        Some(list) => format!("{op} with {} calls {call} with {}", direction(access), direction(list.dir)),
        None => format!("{op} does not call {call}"),
    };
    Some((Rule::Sync, latent, format!("{text} for a mapping that {why}")))
}

fn sync_name(for_cpu: bool) -> &'static str {
    if for_cpu { "dma_sync_sg_for_cpu" } else { "dma_sync_sg_for_device" }
}

fn direction(value: u64) -> &'static str {
    match value {
        BIDIRECTIONAL => "DMA_BIDIRECTIONAL",
        TO_DEVICE => "DMA_TO_DEVICE",
        FROM_DEVICE => "DMA_FROM_DEVICE",
        _ => "DMA_NONE",
    }
}

/// Neither NULL nor an error, of 32 bits or 64.
fn is_pointer(value: u64) -> bool {
    value != 0 && value < u64::MAX - 4095 && !(0xffff_f000..=0xffff_ffff).contains(&value)
}

#[cfg(test)]
mod tests;
