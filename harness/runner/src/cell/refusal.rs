//! What a refusal means: one that a rule demands, one that a person can remedy, or a broken rule.

use event::{Blame, Oracle};
use spec::step::ErrnoName;

use super::documented;
use super::stop::Stop;

/// Judges a refusal that no rule asked for: one that a person can remedy blocks the cell, any other breaks the rule.
pub fn unexpected(refusal: &device::Refusal, blame: Blame, expected: &str) -> Stop {
    let Some(errno) = refusal.errno() else {
        return Stop::not_observable(Oracle::Refusal, refusal.to_string(), expected);
    };
    match documented::remedy(errno) {
        Some(remedy) => Stop::blocked(Oracle::Refusal, format!("{refusal}; {remedy}"), expected),
        None => Stop::fail(Oracle::Refusal, blame, refusal.to_string(), expected),
    }
}

/// Judges an answer against the errnos that a step demands: with none, it has to succeed.
pub fn demanded<T>(
    answer: Result<T, device::Refusal>,
    must_refuse: &[ErrnoName],
    blame: Blame,
    what: &str,
) -> Result<Option<T>, Stop> {
    let wanted = format!("{what} is refused with {}", must_refuse.join(" or "));
    match answer {
        Ok(_) if !must_refuse.is_empty() => {
            Err(Stop::fail(Oracle::Refusal, blame, format!("{what} was allowed"), wanted))
        }
        Err(refusal) if !must_refuse.is_empty() => match refusal.errno() {
            Some(errno) if names(must_refuse, errno) => Ok(None),
            Some(_) => Err(Stop::fail(Oracle::Refusal, blame, refusal.to_string(), wanted)),
            None => Err(Stop::not_observable(Oracle::Refusal, refusal.to_string(), wanted)),
        },
        Ok(value) => Ok(Some(value)),
        Err(refusal) => Err(unexpected(&refusal, blame, &format!("{what} succeeds"))),
    }
}

/// Returns whether a list of errno names holds this one.
pub fn names(list: &[ErrnoName], errno: impl Into<Option<uapi::Errno>>) -> bool {
    let Some(errno) = errno.into() else { return false };
    list.iter().any(|name| name.as_str() == format!("{errno:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_case_can_name_every_errno_by_its_one_name() {
        let written: BTreeSet<String> = spec::errno::NAMES.iter().map(|name| name.to_string()).collect();
        let known = (1..200).map(uapi::Errno::from_raw).filter(|errno| *errno != uapi::Errno::UnknownErrno);
        assert_eq!(written, known.map(|errno| format!("{errno:?}")).collect());
        assert!(names(&["EINVAL".into()], uapi::Errno::EINVAL) && !names(&["EINVAL".into()], uapi::Errno::EBADF));
    }
}
