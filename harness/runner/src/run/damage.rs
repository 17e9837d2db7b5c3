//! What has damaged the kernel since it booted: every later cell says so.

use kernel_log::{TAINT_DAMAGE, taint_names};

/// The first thing that did.
#[derive(Debug, Default)]
pub struct Damage(Option<String>);

impl Damage {
    /// Reads the taint at the start of a run.
    pub fn before(taint: Option<u64>) -> Self {
        let mut damage = Self::default();
        damage.learn("events before this run", taint.unwrap_or(0));
        damage
    }

    /// Records something in which these bits of the taint came up.
    pub fn learn(&mut self, what: &str, taint: u64) {
        let bits = taint & TAINT_DAMAGE;
        if bits != 0 && self.0.is_none() {
            self.0 = Some(format!("{what} ({})", taint_names(bits).join(", ")));
        }
    }

    /// Returns the first damage, with the taint.
    pub fn by(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_damage_is_told_and_a_warning_is_none() {
        let mut damage = Damage::before(Some(1 << 9 | 1 << 12));
        assert_eq!(damage.by(), None);
        damage.learn("a.b.c", 1 << 9);
        assert_eq!(damage.by(), None);
        damage.learn("a.b.d", 1 << 5 | 1 << 9);
        damage.learn("a.b.e", 1 << 7);
        assert_eq!(damage.by(), Some("a.b.d (B: bad page)"));
        assert_eq!(Damage::before(Some(1 << 7)).by(), Some("events before this run (D: oops or BUG)"));
    }
}
