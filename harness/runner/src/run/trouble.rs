//! What becomes of the machine during a run, and what the run does about it.

use event::{Then, Trouble, TroubleKind};

use super::breaker::Breaker;
use super::shrinking::{Shrinking, Size};

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
        let trouble = |what, seen: String, cells: Vec<String>, then| Some(Trouble { what, seen, cells, then });
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
        Some(Trouble { what: TroubleKind::Shrinks, seen, cells: self.shrinking.took_most(), then: Then::GoOn })
    }

    fn then(&self) -> Then {
        match self.after {
            AfterDamage::Restart => Then::Restart,
            AfterDamage::GoOn => Then::GoOn,
            AfterDamage::Stop => Then::Stop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
