//! What becomes of the machine during a run, and what the run does about it.

use event::{Then, Trouble, TroubleKind};

use kernel_log::{Splat, TAINT_TROUBLE, taint_names};

use super::breaker::Breaker;
use super::shrinking::{Shrinking, Size};
use super::watch::Late;

/// What a run does when a cell has harmed the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterDamage {
    /// It ends, so that the machine is started again, and the run resumed.
    Restart,
    /// It goes on, as long as there is memory.
    #[default]
    GoOn,
    /// It ends.
    Stop,
}

/// Looks after the machine.
#[derive(Debug)]
pub struct Lookout {
    after: AfterDamage,
    shrinking: Shrinking,
    /// True if the kernel was damaged before.
    damaged: bool,
    hopeless: bool,
}

impl Lookout {
    /// Begins with the machine as it is, whose kernel may be damaged already.
    pub fn of(after: AfterDamage, shrinking: Shrinking, damaged: bool) -> Self {
        Self { after, shrinking, damaged, hopeless: false }
    }

    /// Looks at the machine after cells that have ended. `damage` is what has damaged its kernel until now.
    pub fn after(&mut self, cells: &[String], damage: Option<&str>, breaker: &Breaker) -> Option<Trouble> {
        let trouble =
            |what, seen: String, cells: Vec<String>, then| Some(Trouble { what, seen, cells, then, lines: Vec::new() });
        if let Some(damage) = damage.filter(|_| !std::mem::replace(&mut self.damaged, true)) {
            // Each cell behind it says so itself.
            let seen = format!("the kernel is damaged, by {damage}");
            if self.after == AfterDamage::GoOn {
                return None;
            }
            return trouble(TroubleKind::Damage, seen, cells.to_vec(), self.then());
        }
        if let Some((size, seen)) = self.shrinking.after(cells) {
            let then = match (self.then(), size) {
                // The next cells would end for want of memory, and tell nothing.
                (Then::GoOn, Size::TooSmall) => Then::Restart,
                (then, _) => then,
            };
            return trouble(TroubleKind::Shrinks, seen, self.shrinking.took_most(), then);
        }
        let seen = breaker.hopeless().filter(|_| !std::mem::replace(&mut self.hopeless, true))?;
        if self.after == AfterDamage::GoOn {
            return None;
        }
        trouble(TroubleKind::Hangs, seen, cells.to_vec(), self.then())
    }

    /// Looks at what is left of the machine when no cell is left.
    pub fn at_end(&mut self) -> Option<Trouble> {
        let (_, seen) = self.shrinking.at_end()?;
        let (what, cells) = (TroubleKind::Shrinks, self.shrinking.took_most());
        Some(Trouble { what, seen, cells, then: Then::GoOn, lines: Vec::new() })
    }

    fn then(&self) -> Then {
        match self.after {
            AfterDamage::Restart => Then::Restart,
            AfterDamage::GoOn => Then::GoOn,
            AfterDamage::Stop => Then::Stop,
        }
    }
}

/// What the kernel said when cells had ended and no other ran: work that it had put off (RCU, a workqueue, the last close of
/// a file) belongs to them or to cells before them, and no cell's verdict has it.
pub fn of_late(cells: Vec<String>, late: &Late) -> Trouble {
    let said = |splat: &Splat| splat.title.clone();
    let said: Vec<String> = match &late.splats[..] {
        [] => vec![format!("the kernel is tainted now: {}", taint_names(late.taint & TAINT_TROUBLE).join(", "))],
        splats => splats.iter().map(said).collect(),
    };
    let lines = late.splats.iter().flat_map(|splat| splat.lines.clone()).collect();
    let seen = format!("{}, between two cells", said.join("; "));
    Trouble { what: TroubleKind::Late, seen, cells, then: Then::GoOn, lines }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_log::SplatKind;

    fn lookout(after: AfterDamage) -> Lookout {
        Lookout::of(after, Shrinking::since_now("/nowhere"), false)
    }

    fn cells() -> Vec<String> {
        vec!["a.b.c".into()]
    }

    #[test]
    fn damage_is_told_once_and_where_someone_can_do_something_about_it() {
        let breaker = Breaker::default();
        let mut restarts = lookout(AfterDamage::Restart);
        assert_eq!(restarts.after(&cells(), None, &breaker), None);
        let trouble = restarts.after(&cells(), Some("a.b.c (D: oops or BUG)"), &breaker).unwrap();
        assert_eq!((trouble.what, trouble.then, trouble.cells), (TroubleKind::Damage, Then::Restart, cells()));
        assert_eq!(restarts.after(&cells(), Some("a.b.c (D: oops or BUG)"), &breaker), None);
        let mut goes_on = lookout(AfterDamage::GoOn);
        assert_eq!(goes_on.after(&cells(), Some("a.b.c (D: oops or BUG)"), &breaker), None);
        let mut stops = lookout(AfterDamage::Stop);
        assert_eq!(stops.after(&cells(), Some("x"), &breaker).map(|trouble| trouble.then), Some(Then::Stop));
    }

    #[test]
    fn a_kernel_that_was_damaged_before_the_run_is_not_restarted_for_it() {
        let mut lookout = Lookout::of(AfterDamage::Restart, Shrinking::since_now("/nowhere"), true);
        assert_eq!(lookout.after(&cells(), Some("events before this run"), &Breaker::default()), None);
    }

    #[test]
    fn a_report_between_cells_is_told_with_its_lines_and_fails_the_run() {
        let (kind, lines) = (SplatKind::Warning, vec!["x+0x1/0x2 [x]".to_owned()]);
        let splat = Splat { kind, title: "WARNING at x.c:1".into(), lines };
        let told = of_late(cells(), &Late { splats: vec![splat], taint: 1 << 9 });
        assert_eq!((told.what, told.then, told.cells), (TroubleKind::Late, Then::GoOn, cells()));
        assert_eq!((told.seen.as_str(), told.lines.len()), ("WARNING at x.c:1, between two cells", 1));
        assert!(TroubleKind::Late.unwanted());
        let taint = of_late(cells(), &Late { splats: Vec::new(), taint: 1 << 5 | 1 << 12 });
        assert_eq!(taint.seen, "the kernel is tainted now: B: bad page, between two cells");
    }
}
