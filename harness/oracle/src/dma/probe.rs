//! The probes of the contract: which functions, and what is fetched at each.

use super::breach::Rule;
use crate::NotAvailable;
use crate::trace::instance::{self, GROUP, Instance, REMEDY};

/// What a probe is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Attach,
    Attached,
    Map,
    Mapped,
    Unmap,
    Unmapped,
    Detach,
    Detached,
    Begin,
    Begun,
    End,
    Ended,
    /// Another call within which the exporter's code runs.
    Inside,
    Left,
    /// An ioctl of the dma-buf's file: the compiler may put the core's functions into it, and then only it can be probed.
    Ioctl,
    Answered,
    MapSg,
    UnmapSg,
    SyncForCpu,
    SyncForDevice,
    Single,
    GetTable,
    Bounced,
    Cached,
    Moves,
}

const WORDS: &[(Tag, &str)] = &[
    (Tag::Attach, "pa"),
    (Tag::Attached, "ra"),
    (Tag::Map, "pm"),
    (Tag::Mapped, "rm"),
    (Tag::Unmap, "pu"),
    (Tag::Unmapped, "ru"),
    (Tag::Detach, "pd"),
    (Tag::Detached, "rd"),
    (Tag::Begin, "pb"),
    (Tag::Begun, "rb"),
    (Tag::End, "pe"),
    (Tag::Ended, "re"),
    (Tag::Inside, "pi"),
    (Tag::Left, "ri"),
    (Tag::Ioctl, "pc"),
    (Tag::Answered, "rc"),
    (Tag::MapSg, "ms"),
    (Tag::UnmapSg, "us"),
    (Tag::SyncForCpu, "sc"),
    (Tag::SyncForDevice, "sd"),
    (Tag::Single, "x"),
    (Tag::GetTable, "gt"),
    (Tag::Bounced, "bo"),
    (Tag::Cached, "ca"),
    (Tag::Moves, "mv"),
];

impl Tag {
    pub(super) fn of_word(word: &str) -> Option<Self> {
        WORDS.iter().find(|(_, known)| *known == word).map(|(tag, _)| *tag)
    }

    fn word(self) -> &'static str {
        WORDS.iter().find(|(tag, _)| *tag == self).map_or("", |(_, word)| word)
    }

    /// The call that has returned, where it is a return.
    pub(super) fn begun(self) -> Option<Self> {
        match self {
            Self::Attached => Some(Self::Attach),
            Self::Mapped => Some(Self::Map),
            Self::Unmapped => Some(Self::Unmap),
            Self::Detached => Some(Self::Detach),
            Self::Begun => Some(Self::Begin),
            Self::Ended => Some(Self::End),
            Self::Left => Some(Self::Inside),
            Self::Answered => Some(Self::Ioctl),
            _ => None,
        }
    }
}

/// Functions and what is fetched: `{N}` is argument N, `{P}` the type of a pointer, `{1}`, `{2}` the size of one and of two
/// of them. The first line of arguments that the kernel takes counts. `struct dma_buf_attachment` begins with the dma-buf
/// and the device, `struct dma_buf` with its size and its file, `struct device` with its kobject and that with its name, `struct
/// sg_table` with the list and the two counts, in all kernels from 4.11 to 7.3.
const PLACES: &[(Tag, &[&str], &[&str])] = &[
    (Tag::Attach, &["dma_buf_dynamic_attach"], &["buf={a1}:{P}"]),
    (Tag::Attached, &["dma_buf_dynamic_attach"], &["ret=$retval:{P}"]),
    (
        Tag::Map,
        &["dma_buf_map_attachment", "dma_buf_map_attachment_unlocked"],
        &[
            // What is fetched of a bit is stored wider than its place (6.12): the next values have to come after it.
            "skip=attach->dev->dma_skip_sync att={a1}:{P} buf=+0({a1}):{P} file=+{1}(+0({a1})):{P} size=+0(+0({a1})):{P} dev=+{1}({a1}):{P} name=+0(+0(+{1}({a1}))):string \
             dir={a2}:u32",
            "att={a1}:{P} buf=+0({a1}):{P} file=+{1}(+0({a1})):{P} size=+0(+0({a1})):{P} dev=+{1}({a1}):{P} name=+0(+0(+{1}({a1}))):string \
             dir={a2}:u32",
        ],
    ),
    (
        Tag::Mapped,
        &["dma_buf_map_attachment", "dma_buf_map_attachment_unlocked"],
        &["table=$retval:{P} sgl=+0($retval):{P} nents=+{1}($retval):u32 orig=+{1+4}($retval):u32 {W}\
           words=+0(+0($retval)):{P}[64]"],
    ),
    (
        Tag::Unmap,
        &["dma_buf_unmap_attachment", "dma_buf_unmap_attachment_unlocked"],
        &["att={a1}:{P} table={a2}:{P} dir={a3}:u32"],
    ),
    (Tag::Unmapped, &["dma_buf_unmap_attachment", "dma_buf_unmap_attachment_unlocked"], &[""]),
    (Tag::Detach, &["dma_buf_detach"], &["buf={a1}:{P} att={a2}:{P}"]),
    (Tag::Detached, &["dma_buf_detach"], &[""]),
    (Tag::Begin, &["dma_buf_begin_cpu_access"], &["buf={a1}:{P} dir={a2}:u32"]),
    (Tag::Begun, &["dma_buf_begin_cpu_access"], &["ret=$retval:x32"]),
    (Tag::End, &["dma_buf_end_cpu_access"], &["buf={a1}:{P} dir={a2}:u32"]),
    (Tag::Ended, &["dma_buf_end_cpu_access"], &["ret=$retval:x32"]),
    (Tag::Inside, INSIDE, &[""]),
    (Tag::Left, INSIDE, &[""]),
    (Tag::Ioctl, &["dma_buf_ioctl"], &["cmd={a2}:x32 flags=+u0({a3}):x32 file={a1}:{P}"]),
    (Tag::Answered, &["dma_buf_ioctl"], &["ret=$retval:x32"]),
    (Tag::MapSg, &["dma_map_sg_attrs"], &["dev={a1}:{P} sgl={a2}:{P} dir={a4}:u32 attrs={a5}:{P}"]),
    (Tag::MapSg, &["dma_map_sgtable"], &["dev={a1}:{P} sgl=+0({a2}):{P} dir={a3}:u32 attrs={a4}:{P}"]),
    (Tag::UnmapSg, &["dma_unmap_sg_attrs"], &["dev={a1}:{P} sgl={a2}:{P} dir={a4}:u32"]),
    (Tag::SyncForCpu, &["dma_sync_sg_for_cpu", "__dma_sync_sg_for_cpu"], &[SYNC]),
    (Tag::SyncForDevice, &["dma_sync_sg_for_device", "__dma_sync_sg_for_device"], &[SYNC]),
    (Tag::Single, SINGLE, &[""]),
    (Tag::GetTable, &["dma_get_sgtable_attrs"], &["table={a2}:{P}"]),
    (Tag::Bounced, &["swiotlb_tbl_map_single"], &[""]),
    (Tag::Cached, &["arch_sync_dma_for_device"], &[""]),
    (Tag::Moves, &["dma_buf_move_notify", "dma_buf_invalidate_mappings"], &["buf={a1}:{P}"]),
];

const INSIDE: &[&str] = &[
    "dma_buf_vmap",
    "dma_buf_vmap_unlocked",
    "dma_buf_vunmap",
    "dma_buf_vunmap_unlocked",
    "dma_buf_pin",
    "dma_buf_unpin",
];
const SYNC: &str = "dev={a1}:{P} sgl={a2}:{P} dir={a4}:u32";
const SINGLE: &[&str] = &[
    "dma_sync_single_for_cpu",
    "__dma_sync_single_for_cpu",
    "dma_sync_single_for_device",
    "__dma_sync_single_for_device",
];

/// The probes.
#[derive(Debug)]
pub(super) struct Probe {
    prefix: String,
    placed: Vec<(Tag, &'static str)>,
    is_64_bit: bool,
}

impl Probe {
    pub(super) fn place(instance: &mut Instance) -> Result<Self, NotAvailable> {
        let prefix = format!("{}{}_", instance::DMA, instance.number());
        let mut probe = Self { prefix, placed: Vec::new(), is_64_bit: instance::is_64_bit(&instance::machine()) };
        for (tag, functions, forms) in PLACES {
            for (at, function) in functions.iter().enumerate() {
                probe.sit(instance, *tag, at, function, forms);
            }
        }
        let needed = [Tag::Map, Tag::Mapped, Tag::Unmap, Tag::Detach];
        if needed.into_iter().all(|tag| probe.sees(tag)) {
            return Ok(probe);
        }
        let path = instance.commands();
        Err(NotAvailable::because("probe dma_buf_map_attachment and dma_buf_detach", &path, REMEDY))
    }

    fn sit(&mut self, instance: &mut Instance, tag: Tag, at: usize, function: &'static str, forms: &[&str]) {
        // The same tag can stand for several functions of other arguments.
        let number = at + self.placed.iter().filter(|(placed, _)| *placed == tag).count();
        let event = format!("{}{}_{number}", self.prefix, tag.word());
        let kind = if tag.begun().is_some() { 'r' } else { 'p' };
        let registers: &[bool] = if self.is_64_bit { &[false] } else { &[false, true] };
        let texts = forms.iter().flat_map(|form| registers.iter().map(|by| arguments(form, self.is_64_bit, *by)));
        let placed = texts.into_iter().any(|arguments| {
            let command = format!("{kind}:{GROUP}/{event} {function} {arguments}");
            instance.define(&event, command.trim_end()).is_ok()
        });
        if placed {
            self.placed.push((tag, function));
        }
    }

    /// The beginning of the names of the events.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn is_64_bit(&self) -> bool {
        self.is_64_bit
    }

    /// Returns whether a sync is a call on every device: until 6.9 it is; since then one that needs none is left out before
    /// there is anything to probe (`dma_dev_need_sync` of `include/linux/dma-mapping.h`).
    pub(super) fn syncs_are_always_calls(&self) -> bool {
        self.placed.iter().any(|(_, function)| *function == "dma_sync_sg_for_cpu")
    }

    fn sees(&self, tag: Tag) -> bool {
        self.placed.iter().any(|(placed, _)| *placed == tag)
    }

    pub(super) fn rules(&self) -> Vec<Rule> {
        let all = |tags: &[Tag]| tags.iter().all(|tag| self.sees(*tag));
        let sees = |rule: &Rule| match rule {
            Rule::Size | Rule::Entries | Rule::Order | Rule::Mapped | Rule::Unmapped => true,
            Rule::Device => all(&[Tag::MapSg]),
            Rule::Balance => all(&[Tag::MapSg, Tag::UnmapSg, Tag::Detached]),
            // The compiler may have put the core's functions into the ioctl.
            Rule::Sync => {
                all(&[Tag::MapSg, Tag::Begun, Tag::Ended, Tag::Answered, Tag::SyncForCpu, Tag::SyncForDevice])
            }
            Rule::Coherent => all(&[Tag::MapSg, Tag::GetTable, Tag::Begun, Tag::Ended, Tag::Answered]),
            Rule::Foreign => all(&[Tag::MapSg, Tag::Attached, Tag::Unmapped, Tag::Begun, Tag::Left, Tag::Answered]),
        };
        Rule::ALL.into_iter().filter(sees).collect()
    }
}

/// Fills a form in. Not every 32-bit kernel knows `$arg1`; the registers are those of arm, which passes the fifth argument
/// on the stack.
fn arguments(form: &str, is_64_bit: bool, by_registers: bool) -> String {
    let (pointer, width, wide) = if is_64_bit { ("x64", 8, "wide=$retval:x64 ") } else { ("x32", 4, "") };
    let mut text = form.replace("{P}", pointer).replace("{W}", wide);
    text = text.replace("{1+4}", &(width + 4).to_string()).replace("{1}", &width.to_string());
    for number in 1..=5 {
        let argument = match (by_registers, number) {
            (false, _) => format!("$arg{number}"),
            (true, 5) => "$stack0".to_owned(),
            (true, _) => format!("%r{}", number - 1),
        };
        text = text.replace(&format!("{{a{number}}}"), &argument);
    }
    text
}
