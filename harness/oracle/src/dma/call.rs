//! One line of the trace of the contract's probes.

use super::probe::Tag;
use super::table::Raw;
use crate::provenance::line::{number, pid};
use crate::provenance::sharing;
use crate::trace::lines::lost;

/// The content of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A thread has reached a probe.
    Call(i32, Call),
    /// Events were overwritten.
    Lost,
}

/// What a probe saw, by the function that it sits on. Pointers are numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    /// A call of the dma-buf core begins.
    Enter(Tag, Arguments),
    /// It has returned this.
    Leave(Tag, Returned),
    /// `dma_map_sg_attrs` or `dma_map_sgtable`.
    Map { dev: u64, sgl: u64, dir: u64, attrs: u64 },
    /// `dma_unmap_sg_attrs`.
    Unmap { dev: u64, sgl: u64, dir: u64 },
    /// `dma_sync_sg_for_cpu` or, the second, `_for_device`.
    Sync { for_cpu: bool, dev: u64, sgl: u64, dir: u64 },
    /// Cache maintenance of single pages, whose they are cannot be told.
    Single,
    /// `dma_get_sgtable_attrs` fills a table in.
    GetTable { table: u64 },
    /// The memory that is mapped is copied for the device (swiotlb), or needs cache maintenance.
    Needs(&'static str),
    /// The buffer moves: all attachments are to map it again.
    Moves { buf: u64 },
}

impl Call {
    /// What it shows of who holds which sg_table.
    pub(super) fn of_table(&self, pid: i32) -> Option<sharing::Call> {
        match self {
            Self::Enter(Tag::Map, Arguments { attachment, dev, .. }) => {
                Some(sharing::Call::Map { pid, attachment: *attachment, device: *dev })
            }
            Self::Leave(Tag::Map, Returned::Table(table, _) | Returned::Value(table)) => {
                Some(sharing::Call::Mapped { pid, table: *table })
            }
            Self::Enter(Tag::Unmap, Arguments { attachment, .. }) => {
                Some(sharing::Call::Unmap { attachment: *attachment })
            }
            _ => None,
        }
    }
}

/// The arguments of a call of the dma-buf core; 0 where it has no such argument.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) attachment: u64,
    pub(super) buf: u64,
    /// The dma-buf's `struct file`.
    pub(super) file: u64,
    pub(super) size: u64,
    pub(super) dev: u64,
    pub(super) name: String,
    pub(super) table: u64,
    pub(super) dir: u64,
    /// Set where the kernel leaves out what a device needs no sync for, and says so.
    pub(super) skips_sync: Option<bool>,
    /// The function may have another one within it that is probed as well.
    pub(super) outer: bool,
    /// Of an ioctl: the end of a CPU access.
    pub(super) ends: bool,
}

/// `DMA_NONE` of `include/linux/dma-direction.h`.
pub(super) const NO_DIRECTION: u64 = 3;

/// What a call of the dma-buf core returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Returned {
    /// A table.
    Table(u64, Raw),
    /// A pointer, a number, or nothing.
    Value(u64),
}

/// Reads `COMM-PID [CPU] FLAGS TIME: EVENT: (PLACE) key=value ...` of an event of ours: its name is the prefix, which a
/// blank begins, and the tag.
pub(super) fn parse(line: &str, prefix: &str) -> Option<Line> {
    if lost(line) > 0 {
        return Some(Line::Lost);
    }
    let (context, call) = line.split_once(prefix)?;
    let (tag, rest) = call.split_once(": (")?;
    // What follows the parenthesis of the place, which may hold one of a module's name.
    let (_, values) = rest.split_once(") ").unwrap_or((rest, ""));
    let (word, number) = tag.split_once('_')?;
    let call = read(Tag::of_word(word)?, number, &Values(values))?;
    Some(Line::Call(pid(context)?, call))
}

struct Values<'a>(&'a str);

impl Values<'_> {
    fn text(&self, key: &str) -> Option<&str> {
        let begins = |word: &&str| word.strip_prefix(key).is_some_and(|rest| rest.starts_with('='));
        self.0.split_ascii_whitespace().find(begins).map(|word| &word[key.len() + 1..])
    }

    fn number(&self, key: &str) -> Option<u64> {
        number(self.text(key)?)
    }

    fn or_zero(&self, key: &str) -> u64 {
        self.number(key).unwrap_or(0)
    }
}

fn read(tag: Tag, number: &str, values: &Values<'_>) -> Option<Call> {
    let (dev, sgl, dir) = (values.number("dev"), values.number("sgl"), values.number("dir"));
    Some(match tag {
        Tag::MapSg => Call::Map { dev: dev?, sgl: sgl?, dir: dir?, attrs: values.number("attrs")? },
        Tag::UnmapSg => Call::Unmap { dev: dev?, sgl: sgl?, dir: dir? },
        Tag::SyncForCpu => Call::Sync { for_cpu: true, dev: dev?, sgl: sgl?, dir: dir? },
        Tag::SyncForDevice => Call::Sync { for_cpu: false, dev: dev?, sgl: sgl?, dir: dir? },
        Tag::Single => Call::Single,
        Tag::GetTable => Call::GetTable { table: values.number("table")? },
        Tag::Bounced => Call::Needs("is copied for the device (swiotlb)"),
        Tag::Cached => Call::Needs("is behind caches that the device does not see"),
        Tag::Moves => Call::Moves { buf: values.number("buf")? },
        Tag::Mapped => Call::Leave(Tag::Map, returned(values)?),
        _ => match tag.begun() {
            Some(begun) => Call::Leave(begun, Returned::Value(values.or_zero("ret"))),
            // The first function of a probe is the one that the others have within.
            None if tag == Tag::Ioctl => Call::Enter(tag, access(values)),
            None => Call::Enter(tag, Arguments { outer: number != "0", ..arguments(values) }),
        },
    })
}

fn arguments(values: &Values<'_>) -> Arguments {
    Arguments {
        attachment: values.or_zero("att"),
        buf: values.or_zero("buf"),
        file: values.or_zero("file"),
        size: values.or_zero("size"),
        dev: values.or_zero("dev"),
        name: values.text("name").unwrap_or("").trim_matches('"').to_owned(),
        table: values.or_zero("table"),
        dir: values.or_zero("dir"),
        skips_sync: values.number("skip").map(|skip| skip != 0),
        outer: false,
        ends: false,
    }
}

/// An ioctl that begins or ends a CPU access has its direction, and any other none (`struct dma_buf_sync` and the flags of
/// `include/uapi/linux/dma-buf.h`).
fn access(values: &Values<'_>) -> Arguments {
    const SYNC: u64 = 0x4008_6200;
    const END: u64 = 4;
    let flags = values.number("flags").filter(|_| values.number("cmd") == Some(SYNC));
    let dir = match flags.map(|flags| flags & 3) {
        Some(1) => 2,
        Some(2) => 1,
        Some(3) => 0,
        _ => NO_DIRECTION,
    };
    let file = values.or_zero("file");
    Arguments { file, dir, ends: flags.is_some_and(|flags| flags & END != 0), ..Arguments::default() }
}

fn returned(values: &Values<'_>) -> Option<Returned> {
    let table = values.number("table")?;
    let short = |key: &str| values.number(key).and_then(|number| u32::try_from(number).ok());
    let words = values.text("words").and_then(|text| text.strip_prefix('{')?.strip_suffix('}'));
    let (Some(sgl), Some(nents), Some(orig_nents), Some(words)) =
        (values.number("sgl"), short("nents"), short("orig"), words)
    else {
        return Some(Returned::Value(table));
    };
    let width = if values.text("wide").is_some() { 8 } else { 4 };
    let mut bytes = Vec::with_capacity(512);
    for word in words.split(',') {
        bytes.extend_from_slice(&number(word)?.to_le_bytes()[..width]);
    }
    Some(Returned::Table(table, Raw { sgl, nents, orig_nents, bytes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(text: &str) -> Option<Call> {
        match parse(text, " dma_9_0_") {
            Some(Line::Call(7, call)) => Some(call),
            Some(other) => panic!("{other:?}"),
            None => None,
        }
    }

    #[test]
    fn an_attachment_is_to_be_mapped() {
        let line = " prime-cts-7 [000] ..... 1.5: dma_9_0_pm_0: (dma_buf_map_attachment+0x0/0x1e0) att=0x10 buf=0x20 \
                    size=8192 dev=0x30 name=\"vgem\" dir=0 skip=1";
        let Some(Call::Enter(Tag::Map, arguments)) = call(line) else { panic!("{:?}", call(line)) };
        assert_eq!((arguments.attachment, arguments.buf, arguments.size, arguments.dev), (16, 32, 8192, 48));
        assert_eq!((arguments.name.as_str(), arguments.dir, arguments.skips_sync), ("vgem", 0, Some(true)));
    }

    #[test]
    fn the_table_is_the_memory_that_was_read() {
        let line = " c-7 [000] ..... 1.5: dma_9_0_rm_1: (a_b+0x1/0x2 [drm] <- dma_buf_map_attachment) table=0x50 sgl=0x60 \
                    nents=1 orig=2 wide=0x50 words={0x102,0x1000}";
        let mut bytes = 0x102u64.to_le_bytes().to_vec();
        bytes.extend(0x1000u64.to_le_bytes());
        let raw = Raw { sgl: 0x60, nents: 1, orig_nents: 2, bytes };
        assert_eq!(call(line), Some(Call::Leave(Tag::Map, Returned::Table(0x50, raw))));
        let failed = " c-7 [000] ..... 1.5: dma_9_0_rm_1: (a+0x1/0x2 <- b) table=0xffffffffffffffea sgl=(fault)";
        assert_eq!(call(failed), Some(Call::Leave(Tag::Map, Returned::Value((-22i64) as u64))));
    }

    #[test]
    fn calls_of_the_dma_api() {
        let line = |rest: &str| call(&format!(" c-7 [000] ..... 1.5: dma_9_0_{rest}"));
        let map = Call::Map { dev: 1, sgl: 2, dir: 0, attrs: 0x20 };
        assert_eq!(line("ms_0: (dma_map_sg_attrs+0x0/0x10) dev=0x1 sgl=0x2 dir=0 attrs=0x20"), Some(map));
        let sync = Call::Sync { for_cpu: true, dev: 1, sgl: 2, dir: 2 };
        assert_eq!(line("sc_0: (__dma_sync_sg_for_cpu+0x0/0x10) dev=0x1 sgl=0x2 dir=2"), Some(sync));
        assert_eq!(
            line("bo_0: (swiotlb_tbl_map_single+0x0/0x10)"),
            Some(Call::Needs("is copied for the device (swiotlb)"))
        );
        assert_eq!(line("rb_0: (a+0x0/0x10 <- b) ret=0"), Some(Call::Leave(Tag::Begin, Returned::Value(0))));
        assert_eq!(line("ms_0: (dma_map_sg_attrs+0x0/0x10) dev=(fault) sgl=0x2 dir=0 attrs=0x0"), None);
    }

    #[test]
    fn an_ioctl_that_begins_or_ends_an_access() {
        let line = |rest: &str| {
            let call = call(&format!(" c-7 [000] ..... 1.5: dma_9_0_pc_0: (dma_buf_ioctl+0x4/0x410) {rest}"));
            let Some(Call::Enter(Tag::Ioctl, arguments)) = call else { panic!("{call:?}") };
            (arguments.file, arguments.dir, arguments.ends)
        };
        assert_eq!(line("cmd=0x40086200 flags=0x6 file=0x20"), (0x20, 1, true));
        assert_eq!(line("cmd=0x40086200 flags=0x1 file=0x20"), (0x20, 2, false));
        assert_eq!(line("cmd=0x40086201 flags=0x6 file=0x20"), (0x20, NO_DIRECTION, false));
    }

    #[test]
    fn lost_events_and_those_of_others() {
        assert_eq!(parse("CPU:1 [LOST 12 EVENTS]", " dma_9_0_"), Some(Line::Lost));
        assert_eq!(parse(" c-7 [000] ..... 1.5: dma_8_0_pm_0: (a+0x0/0x1) att=0x1", " dma_9_0_"), None);
    }
}
