//! How a pair of devices stands: what no one expected first, then what is known, then how much of it was verified.

use spec::verdict::Verdict;

use event::CellEnd;

/// The cells of a pair, in sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pair {
    unwanted: Option<Verdict>,
    known: Option<Verdict>,
    unseen: Option<Verdict>,
    verified: u32,
    cells: u32,
}

/// How a pair stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nine tenths of its cells or more verified their rules.
    Verified,
    /// Half of them or more.
    Mostly,
    /// Some.
    Partly,
    /// None, and the worst reason.
    Nothing(Verdict),
    /// Broken as it is known to be, and the worst of it.
    Known(Verdict),
    /// Not as expected, and the worst of it.
    Unexpected(Verdict),
}

impl Pair {
    /// Takes in the next cell.
    pub fn add(&mut self, cell: &CellEnd) {
        self.cells += 1;
        self.verified += u32::from(cell.verdict.verified());
        let place = match cell.verdict {
            _ if cell.outcome.unwanted() => &mut self.unwanted,
            verdict if verdict.broken() => &mut self.known,
            verdict if !verdict.verified() => &mut self.unseen,
            _ => return,
        };
        *place = (*place).max(Some(cell.verdict));
    }

    /// How it stands; nothing without a cell.
    pub fn standing(&self) -> Option<Standing> {
        if let Some(worst) = self.unwanted {
            return Some(Standing::Unexpected(worst));
        }
        if let Some(worst) = self.known {
            return Some(Standing::Known(worst));
        }
        match (self.verified, self.unseen) {
            _ if self.cells == 0 => None,
            (0, unseen) => unseen.map(Standing::Nothing),
            (verified, _) if verified * 10 >= self.cells * 9 => Some(Standing::Verified),
            (verified, _) if verified * 2 >= self.cells => Some(Standing::Mostly),
            _ => Some(Standing::Partly),
        }
    }
}

impl Standing {
    /// The sign: a capital letter is not as expected, a small one is known, or says why nothing was verified.
    pub fn sign(self) -> char {
        match self {
            Self::Verified => '#',
            Self::Mostly => '+',
            Self::Partly => '.',
            Self::Nothing(verdict) | Self::Known(verdict) => letter(verdict).to_ascii_lowercase(),
            Self::Unexpected(verdict) => letter(verdict),
        }
    }

    /// What the sign says.
    pub fn words(self) -> String {
        match self {
            Self::Verified => "verified".into(),
            Self::Mostly => "half or more verified".into(),
            Self::Partly => "less than half verified".into(),
            Self::Nothing(verdict) => format!("{verdict}, nothing verified"),
            Self::Known(verdict) => format!("known {verdict}"),
            Self::Unexpected(Verdict::Pass) => "unexpected pass".into(),
            Self::Unexpected(verdict) => format!("{verdict}, not as expected"),
        }
    }
}

fn letter(verdict: Verdict) -> char {
    match verdict {
        Verdict::Pass => 'P',
        Verdict::Refused => 'R',
        Verdict::NotObservable => 'N',
        Verdict::Blocked => 'B',
        Verdict::Fail => 'F',
        Verdict::Timeout => 'T',
        Verdict::Crash => 'C',
        Verdict::Error => 'E',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::sample;
    use spec::verdict::Outcome;

    fn sign(cells: &[(Verdict, Outcome)]) -> char {
        let mut pair = Pair::default();
        cells.iter().for_each(|(verdict, outcome)| pair.add(&sample::cell("a.b.c", *verdict, *outcome)));
        pair.standing().map_or(' ', Standing::sign)
    }

    #[test]
    fn what_no_one_expected_is_loud_what_is_known_is_not_and_the_rest_says_how_much_was_verified() {
        use Outcome::{Expected, Regression, UnexpectedPass};
        let (pass, refused, fail) =
            ((Verdict::Pass, Expected), (Verdict::Refused, Expected), (Verdict::Fail, Expected));
        assert_eq!(sign(&[]), ' ');
        assert_eq!(sign(&[pass]), '#');
        assert_eq!(sign(&[pass, refused]), '+');
        assert_eq!(sign(&[pass, refused, refused]), '.');
        assert_eq!(sign(&[refused]), 'r');
        assert_eq!(sign(&[pass, fail]), 'f');
        assert_eq!(sign(&[pass, fail, (Verdict::Refused, Regression)]), 'R');
        assert_eq!(sign(&[pass, fail, (Verdict::Crash, Regression)]), 'C');
        assert_eq!(sign(&[(Verdict::Pass, UnexpectedPass)]), 'P');
    }
}
