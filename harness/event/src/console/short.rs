//! Events as short as a serial line wants them.

use std::borrow::Cow;

use crate::stream::Event;

/// The lines of a report that are written, at its beginning and at its end.
const HEAD: usize = 60;
const TAIL: usize = 20;

/// An event without what the catalogue knows of a cell, and without the middle of long reports.
pub fn of(event: &Event) -> Cow<'_, Event> {
    match event {
        Event::Cell(cell) => {
            let mut cell = cell.clone();
            cell.rule.clear();
            cell.reference.clear();
            cell.findings.iter_mut().for_each(|finding| shorten(&mut finding.lines));
            Cow::Owned(Event::Cell(cell))
        }
        Event::Trouble(trouble) => {
            let mut trouble = trouble.clone();
            shorten(&mut trouble.lines);
            Cow::Owned(Event::Trouble(trouble))
        }
        other => Cow::Borrowed(other),
    }
}

/// Says how many lines are left out. At the beginning stands what happened and the trace of it, at the end who was there before.
fn shorten(lines: &mut Vec<String>) {
    let left_out = lines.len().saturating_sub(HEAD + TAIL);
    if left_out > 1 {
        let tail = lines.split_off(HEAD + left_out);
        lines.truncate(HEAD);
        lines.push(format!("({left_out} lines are left out)"));
        lines.extend(tail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<String> {
        (0..count).map(|number| number.to_string()).collect()
    }

    #[test]
    fn a_long_report_keeps_its_beginning_and_its_end() {
        let mut long = lines(300);
        shorten(&mut long);
        assert_eq!(long.len(), HEAD + TAIL + 1);
        assert_eq!((long[HEAD].as_str(), long.last().map(String::as_str)), ("(220 lines are left out)", Some("299")));
        let mut short = lines(HEAD + TAIL);
        shorten(&mut short);
        assert_eq!(short, lines(HEAD + TAIL));
    }
}
