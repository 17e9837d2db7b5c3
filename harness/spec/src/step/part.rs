//! What there is to know of a step before it is done: a row for each fact, where the step's keys are declared.

use super::{Side, Step};

/// The sort of value that a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Buffer,
    File,
    Mapping,
    Snapshot,
    SyncFile,
    Fence,
}

impl Sort {
    /// Sorts in words: "a file or a buffer".
    pub(crate) fn list(sorts: &[Self]) -> String {
        let word = |sort: &Self| match sort {
            Self::SyncFile => "a sync file".to_owned(),
            other => format!("a {other:?}").to_lowercase(),
        };
        sorts.iter().map(word).collect::<Vec<_>>().join(" or ")
    }
}

/// A name that a step uses, and the sorts that it may be.
pub(crate) type Use<'a> = (&'a str, &'static [Sort]);

/// The facts of a step before it is done.
pub(crate) trait Part {
    /// Returns whether the step can find a fault of its own. A case without such a step checks nothing.
    fn checks(&self) -> bool {
        false
    }

    /// The lists of steps within the step.
    fn inner(&self) -> Vec<&[Step]> {
        Vec::new()
    }

    /// A name that is known to the steps within it only.
    fn gives(&self) -> Option<(&str, Sort)> {
        None
    }

    /// Returns whether the steps within it know nothing of what was made before.
    fn fresh(&self) -> bool {
        false
    }

    /// Returns the names that the steps within it have to make.
    fn takes(&self) -> Vec<Use<'_>> {
        Vec::new()
    }

    /// The device without which the step cannot be done.
    fn needs(&self) -> Option<Side> {
        None
    }

    /// The device that its user has to do without meanwhile.
    fn takes_away(&self) -> Option<Side> {
        None
    }

    /// A key that makes no sense with the others or without them, with what is wrong and the remedy.
    fn senseless(&self) -> Option<(&'static str, &'static str, &'static str)> {
        None
    }

    /// Returns the names that the step makes, with their sorts.
    fn makes(&self) -> Option<(&str, Sort)> {
        None
    }

    /// The names that the step uses.
    fn uses(&self) -> Vec<Use<'_>> {
        Vec::new()
    }
}

/// A key whose value is a name, may be one, or is a list of names.
pub(super) trait Names {
    /// Each of them, with the sorts that it may be.
    fn each(&self, sorts: &'static [Sort]) -> Vec<Use<'_>>;
}

impl Names for String {
    fn each(&self, sorts: &'static [Sort]) -> Vec<Use<'_>> {
        vec![(self, sorts)]
    }
}

impl Names for Option<String> {
    fn each(&self, sorts: &'static [Sort]) -> Vec<Use<'_>> {
        self.iter().map(|name| (name.as_str(), sorts)).collect()
    }
}

impl Names for Vec<String> {
    fn each(&self, sorts: &'static [Sort]) -> Vec<Use<'_>> {
        self.iter().map(|name| (name.as_str(), sorts)).collect()
    }
}

/// The methods of [`Part`] that a key or two answer, a row each, in any order:
///
/// - `checks`, or `checks refusals` where the step does with `must-refuse` only;
/// - `makes SORT`, under the name of the key `as`; `makes SORT unless refused`, where nothing is made with `must-refuse`;
/// - `uses KEY: SORT | SORT, KEY: SORT` and `takes …` for keys that hold names;
/// - `steps KEY, KEY` for those that hold the steps within it.
///
/// Used within an `impl Part`, as well as methods that need more.
macro_rules! rows {
    () => {};
    (checks; $($rest:tt)*) => {
        fn checks(&self) -> bool {
            true
        }
        $crate::step::part::rows!($($rest)*);
    };
    (checks refusals; $($rest:tt)*) => {
        fn checks(&self) -> bool {
            !self.must_refuse.is_empty()
        }
        $crate::step::part::rows!($($rest)*);
    };
    (makes $sort:ident; $($rest:tt)*) => {
        fn makes(&self) -> Option<(&str, $crate::step::Sort)> {
            Some((&self.r#as, $crate::step::Sort::$sort))
        }
        $crate::step::part::rows!($($rest)*);
    };
    (makes $sort:ident unless refused; $($rest:tt)*) => {
        fn makes(&self) -> Option<(&str, $crate::step::Sort)> {
            self.must_refuse.is_empty().then_some((&self.r#as, $crate::step::Sort::$sort))
        }
        $crate::step::part::rows!($($rest)*);
    };
    (uses $($key:tt: $($sort:ident)|+),+; $($rest:tt)*) => {
        fn uses(&self) -> Vec<$crate::step::Use<'_>> {
            [$($crate::step::part::Names::each(&self.$key, &[$($crate::step::Sort::$sort),+])),+].concat()
        }
        $crate::step::part::rows!($($rest)*);
    };
    (takes $($key:tt: $($sort:ident)|+),+; $($rest:tt)*) => {
        fn takes(&self) -> Vec<$crate::step::Use<'_>> {
            [$($crate::step::part::Names::each(&self.$key, &[$($crate::step::Sort::$sort),+])),+].concat()
        }
        $crate::step::part::rows!($($rest)*);
    };
    (steps $($key:ident),+; $($rest:tt)*) => {
        fn inner(&self) -> Vec<&[$crate::step::Step]> {
            vec![$(&self.$key),+]
        }
        $crate::step::part::rows!($($rest)*);
    };
}

/// An `impl Part` of nothing but [`rows!`].
macro_rules! part {
    ($part:ty: $($rows:tt)*) => {
        impl $crate::step::Part for $part {
            $crate::step::part::rows!($($rows)*);
        }
    };
}

pub(super) use {part, rows};
