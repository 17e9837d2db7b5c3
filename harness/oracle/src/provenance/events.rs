//! The exports that were seen, as the kernel's text comes in.
//!
//! Where the kernel does not know the names of its structures' fields, the place of `map_dma_buf` in `struct dma_buf_ops`
//! depends on the version: in 6.1 and 6.12 a flag, `cache_sgt_mapping`, stands before the functions; in 7.3 it is gone.
//! The probe then reads both places, of which one is `map_dma_buf` and the other its neighbour: `unpin` before it or
//! `unmap_dma_buf` after it. So the first export already shows which layout it is, and none is misread.

use std::fmt;

use super::line::{self, Export, Line, Symbol, Touch};
use super::probe::{Watched, What};
use super::sharing::{Call, Shared, Sharing};
use super::{Evidence, Exported};

/// Where `map_dma_buf` was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// At the first place: the functions begin the structure.
    WithoutFlag,
    /// At the second: a flag stands before them.
    WithFlag,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WithoutFlag => "dma_buf_ops without cache_sgt_mapping",
            Self::WithFlag => "dma_buf_ops with cache_sgt_mapping",
        })
    }
}

#[derive(Debug)]
pub(super) struct Events {
    event: String,
    /// Each with how its event begins in a line.
    watched: Vec<(String, Watched)>,
    touches: Vec<Touch>,
    sharing: Sharing,
    frames: Vec<(i32, u64)>,
    waiting: Vec<Exported>,
    layout: Option<Layout>,
}

/// Exports that no one asks for are not kept forever.
const WAITING: usize = 65_536;

impl Events {
    /// The names of the event of exports, and of the others.
    pub(super) fn new(event: &str, watched: &[Watched]) -> Self {
        Self {
            event: event.into(),
            watched: watched.iter().map(|one| (format!(" {}: (", one.event), one.clone())).collect(),
            touches: Vec::new(),
            sharing: Sharing::default(),
            frames: Vec::new(),
            waiting: Vec::new(),
            layout: None,
        }
    }

    /// Takes in the next line of the trace.
    pub(super) fn line(&mut self, text: &str) {
        match line::parse(text, &self.event) {
            Some(Line::Lost) => self.sharing.forget(),
            Some(Line::Export(_)) if self.waiting.len() >= WAITING => {}
            Some(Line::Export(export)) => {
                let exported = self.exported(export);
                self.waiting.push(exported);
            }
            None => self.beside(text),
        }
    }

    fn beside(&mut self, text: &str) {
        let Some((_, watched)) = self.watched.iter().find(|(begins, _)| text.contains(begins)) else { return };
        match watched.what {
            What::Touch(function) => {
                let touch = line::touch(text, &watched.event, function);
                self.touches.extend(touch.filter(|_| self.touches.len() < WAITING));
            }
            What::Frame => {
                let frame = line::frame(text, &watched.event);
                self.frames.extend(frame.filter(|_| self.frames.len() < WAITING));
            }
            what => {
                if let Some(call) = line::table(text, &watched.event, what) {
                    self.sharing.take_in(call);
                }
            }
        }
    }

    /// Takes in what a probe has seen of a table.
    pub(super) fn table(&mut self, call: Call) {
        self.sharing.take_in(call);
    }

    /// The page frames that threads have mapped.
    pub(super) fn take_frames(&mut self) -> Vec<(i32, u64)> {
        std::mem::take(&mut self.frames)
    }

    /// The same of one thread each; what the others did stays.
    pub(super) fn take_of(&mut self, pid: i32) -> (Vec<Touch>, Vec<Shared>, Vec<u64>) {
        let touches = self.touches.extract_if(.., |touch| touch.pid == pid).collect();
        let frames = self.frames.extract_if(.., |(by, _)| *by == pid).map(|(_, frame)| frame).collect();
        (touches, self.sharing.take_of(pid), frames)
    }

    pub(super) fn take_shared(&mut self) -> Vec<Shared> {
        self.sharing.take()
    }

    pub(super) fn take_touches(&mut self) -> Vec<Touch> {
        std::mem::take(&mut self.touches)
    }

    pub(super) fn take(&mut self, wanted: impl Fn(&Exported) -> bool) -> Vec<Exported> {
        let (taken, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(wanted);
        self.waiting = waiting;
        taken
    }

    pub(super) fn layout(&self) -> Option<Layout> {
        self.layout
    }

    fn exported(&mut self, export: Export) -> Exported {
        if export.by_offsets && self.layout.is_none() {
            self.layout = layout_of(&export);
        }
        let found = match self.layout {
            _ if !export.by_offsets => export.map,
            Some(Layout::WithoutFlag) => export.map,
            Some(Layout::WithFlag) => export.behind,
            None => None,
        };
        let (map_dma_buf, module) = found.map_or((None, None), |symbol| (Some(symbol.name), symbol.module));
        Exported {
            exp_name: export.exp_name,
            map_dma_buf,
            module,
            size: export.size,
            pid: Some(export.pid),
            evidence: Evidence::Traced,
        }
    }
}

/// Decides by the names of the two functions; `None` where they do not show it.
fn layout_of(export: &Export) -> Option<Layout> {
    let [first, second] = [&export.map, &export.behind].map(|symbol| symbol.as_ref().map(role));
    match (first, second) {
        (Some(Role::Map), second) if second != Some(Role::Map) => Some(Layout::WithoutFlag),
        (Some(_), Some(Role::Unmap)) => Some(Layout::WithoutFlag),
        (first, Some(Role::Map)) if first != Some(Role::Map) => Some(Layout::WithFlag),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Map,
    Unmap,
    Other,
}

fn role(symbol: &Symbol) -> Role {
    match () {
        () if symbol.name.contains("unmap") => Role::Unmap,
        () if symbol.name.contains("map") => Role::Map,
        () => Role::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(calls: &[(i32, &str)]) -> Events {
        let mut events = Events::new("export_900_0", &[]);
        for (pid, call) in calls {
            let line = format!(" c-{pid}  [000] ..... 1.0: export_900_0: (dma_buf_export+0x0/0x330) {call} size=4096");
            events.line(&line);
        }
        events
    }

    fn functions(events: &mut Events) -> Vec<Option<String>> {
        events.take(|_| true).into_iter().map(|exported| exported.map_dma_buf).collect()
    }

    #[test]
    fn the_layout_without_the_flag_shows_in_the_neighbour_behind() {
        let call = "name=\"udmabuf\" map=map_udmabuf+0x0/0x90 behind=unmap_udmabuf+0x0/0x60";
        let mut events = fed(&[(1, call)]);
        assert_eq!(events.layout(), Some(Layout::WithoutFlag));
        assert_eq!(functions(&mut events), [Some("map_udmabuf".into())]);
    }

    #[test]
    fn the_layout_with_the_flag_shows_in_the_neighbour_before() {
        let vb2 = "name=\"videobuf2_vmalloc\" map=0x0 behind=vb2_vmalloc_dmabuf_ops_map+0x0/0x90 [videobuf2_vmalloc]";
        let pinned =
            "name=\"x\" map=amdgpu_dma_buf_unpin+0x0/0x20 [amdgpu] behind=amdgpu_dma_buf_map+0x0/0x90 [amdgpu]";
        for call in [vb2, pinned] {
            let mut events = fed(&[(1, call)]);
            assert_eq!(events.layout(), Some(Layout::WithFlag), "{call}");
            assert!(functions(&mut events)[0].as_ref().unwrap().ends_with("map"));
        }
    }

    #[test]
    fn a_function_with_a_name_of_its_own_is_believed_once_the_layout_is_known() {
        let known = "name=\"a\" map=0x0 behind=system_heap_map_dma_buf+0x0/0x70";
        let own = "name=\"b\" map=0x0 behind=vendor_get_table+0x0/0x70 [vendor]";
        assert_eq!(functions(&mut fed(&[(1, own)])), [None]);
        let found = functions(&mut fed(&[(1, known), (1, own)]));
        assert_eq!(found[1].as_deref(), Some("vendor_get_table"));
    }

    #[test]
    fn read_by_names_it_is_what_it_is() {
        let mut events = fed(&[(1, "name=\"b\" map=vendor_get_table+0x0/0x70 [vendor]")]);
        assert_eq!(functions(&mut events), [Some("vendor_get_table".into())]);
        assert_eq!(events.layout(), None);
    }

    #[test]
    fn each_process_gets_its_own_and_nothing_is_dropped() {
        let call = "name=\"drm\" map=drm_gem_map_dma_buf+0x0/0xe0 [drm]";
        let mut events = fed(&[(7, call), (8, call), (7, call)]);
        assert_eq!(events.take(|exported| exported.pid == Some(7)).len(), 2);
        assert_eq!(events.take(|exported| exported.pid == Some(7)).len(), 0);
        assert_eq!(events.take(|_| true)[0].pid, Some(8));
    }

    #[test]
    fn events_whose_names_begin_alike_are_told_apart() {
        let watched = |event: &str, what| Watched { event: event.into(), what };
        let probes = [
            watched("table_9_0_p_map", What::Map),
            watched("table_9_0_p_map_unlocked", What::Map),
            watched("table_9_0_r_map_unlocked", What::Mapped),
        ];
        let mut events = Events::new("export_9_0", &probes);
        for (attachment, device) in [(1, 5), (2, 6)] {
            let map = format!("table_9_0_p_map_unlocked: (m+0x0/0x1) attachment={attachment:#x} device={device:#x}");
            for call in [map.as_str(), "table_9_0_r_map_unlocked: (c+0x9/0x10 <- m) table=0x64"] {
                events.line(&format!(" c-7  [000] ..... 1.0: {call}"));
            }
        }
        assert_eq!(events.take_shared(), [Shared { pid: 7, table: 0x64, devices: [5, 6] }]);
    }

    #[test]
    fn what_comes_behind_lost_events_is_seen() {
        let mut events = Events::new("export_900_0", &[]);
        events.line("CPU:0 [LOST 3 EVENTS]");
        assert_eq!(events.take(|_| true).len(), 0);
        let call = "(dma_buf_export+0x0/0x330) name=\"drm\" map=drm_gem_map_dma_buf+0x0/0xe0 [drm] size=8";
        events.line(&format!(" c-5  [000] ..... 1.0: export_900_0: {call}"));
        let [exported] = &events.take(|_| true)[..] else { panic!("one export") };
        assert_eq!((exported.exp_name.as_str(), exported.module.as_deref()), ("drm", Some("drm")));
    }
}
