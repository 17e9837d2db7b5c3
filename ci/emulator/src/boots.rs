//! The boots of a run: when a board is started again, and when not.

use event::journal::Head;

use crate::arguments::Limits;
use crate::machine::follower::ConsoleFollower;
use crate::machine::qemu::{End, Ended};

/// The restarts that a board is given for damage, hangs and lost memory: behind them, its run goes on as it can.
const ASKED: u32 = 8;

/// The boots of a run.
#[derive(Debug, Default)]
pub struct Boots {
    restarts: u32,
    asked: u32,
    /// The cells in the last of which the board went down.
    open: Vec<String>,
}

impl Boots {
    /// The word for `prime-cts run --after-damage` in the next boot.
    pub fn after_damage(&self, limits: &Limits) -> &'static str {
        if self.asked < ASKED && self.restarts < limits.restarts { "restart" } else { "go-on" }
    }

    /// Returns whether to start the board again because its run asks for it.
    pub fn asked(&mut self, limits: &Limits) -> bool {
        let again = self.restarts < limits.restarts;
        self.restarts += u32::from(again);
        self.asked += 1;
        again
    }

    /// Returns whether to start the board again: its kernel went down or hangs, not the emulator, or what it runs on killed
    /// prime-cts itself, in other cells than before; or it did so after its run had asked for that.
    pub fn again(
        &mut self,
        end: End,
        heard: &ConsoleFollower<'_>,
        ended: &Ended,
        head: Option<Head>,
        limits: &Limits,
    ) -> bool {
        let Some(head) = head.filter(|head| head.end.is_none()) else { return false };
        let other = head.wants_restart || !head.open.is_empty() && head.open != self.open;
        self.open = head.open;
        let down = end == End::Off && (heard.panicked() || ended.by_itself);
        let again = other && (down || end == End::Late && heard.is_silent()) && self.restarts < limits.restarts;
        self.restarts += u32::from(again);
        self.asked += u32::from(again && head.wants_restart);
        again
    }

    /// What the board was doing when it went down.
    pub fn was(&self) -> String {
        if self.open.is_empty() { "was to be restarted".into() } else { format!("was in {}", self.open.join(", ")) }
    }

    /// How often it was started again, for the last line.
    pub fn told(&self) -> String {
        match self.restarts {
            0 => String::new(),
            1 => ", 1 restart".to_owned(),
            more => format!(", {more} restarts"),
        }
    }
}
