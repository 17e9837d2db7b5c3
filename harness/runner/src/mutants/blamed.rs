//! Whom the causes of a run with a planted fault name, held against who has it.

use event::cause::{Cause, Role, Sure};
use serde::Serialize;

use super::Fault;

/// What a whole run says of one planted fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blamed {
    /// The module.
    pub module: String,
    /// The fault.
    pub fault: String,
    /// On which side it is.
    pub side: String,
    /// The cells that fail with it.
    pub failures: usize,
    /// The causes that are named.
    pub causes: usize,
    /// The first suspect, with its role; nothing where no cell fails.
    pub suspect: Option<String>,
    /// How sure the first cause is.
    pub sure: Option<Sure>,
    /// How good the first cause is.
    pub named: Named,
}

/// How good a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Named {
    /// It is the module that has the fault, in the role in which it has it.
    Rightly,
    /// It leaves open who it is, or says less than it could.
    Open,
    /// It is surely another, or the other role.
    Wrongly,
    /// Nothing fails.
    NotCaught,
}

impl Blamed {
    /// Holds causes against the fault that was planted.
    pub fn of(fault: &Fault, failures: usize, causes: &[Cause]) -> Self {
        let new: Vec<&Cause> = causes.iter().filter(|cause| cause.known.is_empty()).collect();
        Self {
            module: fault.module.clone(),
            fault: fault.word.clone(),
            side: fault.side.clone(),
            failures,
            causes: new.len(),
            suspect: new.first().map(|cause| cause.suspect.to_string()),
            sure: new.first().map(|cause| cause.sure),
            named: new.first().map_or(Named::NotCaught, |cause| named(fault, cause)),
        }
    }
}

fn named(fault: &Fault, cause: &Cause) -> Named {
    let own = fault.is_of(&cause.suspect.endpoints);
    let role = cause.suspect.role.word() == fault.side;
    let another = !cause.suspect.endpoints.iter().all(|key| fault.has_key(key));
    let says_other = another || !(role || cause.suspect.role == Role::Either);
    match (own && role, says_other && cause.sure != Sure::Open) {
        (true, _) => Named::Rightly,
        (false, true) => Named::Wrongly,
        (false, false) => Named::Open,
    }
}

/// The results as a table in Markdown.
pub fn table(all: &[Blamed]) -> String {
    let mut text = "| module | fault | side | failures | causes | first suspect | sure | named |\n".to_owned();
    text += "|---|---|---|---|---|---|---|---|\n";
    for Blamed { module, fault, side, failures, causes, suspect, sure, named } in all {
        let suspect = suspect.as_deref().unwrap_or("-");
        let sure = sure.map_or("-", Sure::words);
        let named = match named {
            Named::Rightly => "rightly",
            Named::Open => "open",
            Named::Wrongly => "**wrongly**",
            Named::NotCaught => "**not caught**",
        };
        text += &format!("| {module} | {fault} | {side} | {failures} | {causes} | {suspect} | {sure} | {named} |\n");
    }
    text
}

/// Returns the totals, in a line.
pub fn totals(all: &[Blamed]) -> String {
    let count = |named: Named| all.iter().filter(|blamed| blamed.named == named).count();
    let causes: usize = all.iter().map(|blamed| blamed.causes).sum();
    format!(
        "{} of {} faults named rightly, {} open, {} wrongly, {} not caught; {:.2} causes a fault",
        count(Named::Rightly),
        all.len(),
        count(Named::Open),
        count(Named::Wrongly),
        count(Named::NotCaught),
        causes as f64 / all.len().max(1) as f64
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use event::cause::{Evidence, Sharer, Suspect};

    fn cause(endpoint: &str, role: Role, sure: Sure) -> Cause {
        let name = endpoint.to_owned();
        Cause {
            version: event::cause::VERSION,
            suspect: Suspect { role, kind: Sharer::Driver, endpoints: vec![name.clone()], name, also: vec![] },
            or: vec![],
            rule: "r".into(),
            case: "a.b".into(),
            areas: vec!["a".into()],
            seen: "s".into(),
            evidence: Evidence::default(),
            smallest: "a.b.c".into(),
            function: None,
            sure,
            why: "w".into(),
            decide: vec![],
            known: vec![],
            cells: vec!["a.b.c".into()],
        }
    }

    #[test]
    fn a_cause_is_right_wrong_or_open() {
        let (module, word, what) = ("prime_drm".to_owned(), "w".to_owned(), "x".to_owned());
        let fault = Fault { module, word, side: "importer".into(), what, parameter: PathBuf::new() };
        let of = |causes: &[Cause]| Blamed::of(&fault, causes.len(), causes).named;
        let own = "drm-prime_drm_shmem";
        assert_eq!(of(&[]), Named::NotCaught);
        assert_eq!(of(&[cause(own, Role::Importer, Sure::Open)]), Named::Rightly);
        assert_eq!(of(&[cause(own, Role::Exporter, Sure::Proved)]), Named::Wrongly);
        assert_eq!(of(&[cause("drm-vgem", Role::Importer, Sure::ByElimination)]), Named::Wrongly);
        assert_eq!(of(&[cause("drm-vgem", Role::Importer, Sure::Open)]), Named::Open);
        let known = Cause { known: vec!["k".into()], ..cause("drm-vgem", Role::Importer, Sure::Proved) };
        assert_eq!(of(&[known]), Named::NotCaught);
        let all = [Blamed::of(&fault, 3, &[cause(own, Role::Importer, Sure::Proved)])];
        assert!(table(&all).contains(
            "| prime_drm | w | importer | 3 | 1 | the driver drm-prime_drm_shmem, as the importer | proved | rightly |"
        ));
        assert!(totals(&all).starts_with("1 of 1 faults named rightly, 0 open, 0 wrongly, 0 not caught; 1.00 causes"));
    }
}
