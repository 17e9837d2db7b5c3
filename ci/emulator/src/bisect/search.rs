//! The search for a change in a row of kernels, from the oldest to the newest.

use crate::bisect::judge::Word;

/// Asks for the kernels in `first`, and then between each two neighbours with different results for the one that is nearest
/// to the middle, until none is left between them. One that cannot tell is passed over.
///
/// # Errors
/// Those of `ask`.
pub fn search<E>(
    count: usize,
    first: &[usize],
    mut ask: impl FnMut(usize) -> Result<Word, E>,
) -> Result<Vec<Option<Word>>, E> {
    let mut known = vec![None; count];
    for &at in first {
        known[at] = Some(ask(at)?);
    }
    while let Some(at) = next(&known) {
        known[at] = Some(ask(at)?);
    }
    Ok(known)
}

/// The kernels between which the result changes: each the last with the one, and the first with the other.
pub fn changes(known: &[Option<Word>]) -> Vec<(usize, usize)> {
    let tell = |&at: &usize| matches!(known[at], Some(Word::Good | Word::Bad));
    let told: Vec<usize> = (0..known.len()).filter(tell).collect();
    let pairs = told.windows(2).map(|pair| (pair[0], pair[1]));
    pairs.filter(|&(before, after)| known[before] != known[after]).collect()
}

fn next(known: &[Option<Word>]) -> Option<usize> {
    changes(known).into_iter().find_map(|(before, after)| {
        // Twice the middle, which may lie between two.
        let middle = before + after;
        (before + 1..after).filter(|&at| known[at].is_none()).min_by_key(|at| (2 * at).abs_diff(middle))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in a row of kernels, and how many of them were asked: `g`ood, `b`ad, `?`.
    fn found(row: &str, first: &[usize]) -> (Vec<(usize, usize)>, usize) {
        let row: Vec<Word> = row
            .chars()
            .map(|letter| match letter {
                'g' => Word::Good,
                'b' => Word::Bad,
                _ => Word::Unknown,
            })
            .collect();
        let known = search(row.len(), first, |at| Ok::<_, ()>(row[at])).unwrap();
        (changes(&known), known.into_iter().flatten().count())
    }

    #[test]
    fn a_change_is_found_in_the_logarithm_of_the_kernels() {
        for at in 1..64 {
            let row = "g".repeat(at) + &"b".repeat(64 - at);
            let (changes, asked) = found(&row, &[0, 63]);
            assert_eq!(changes, [(at - 1, at)], "{row}");
            assert!(asked <= 8, "{asked}");
        }
    }

    #[test]
    fn a_fault_that_came_and_went_is_found_where_the_first_ones_show_it() {
        assert_eq!(found("gggbbbbggg", &[0, 5, 9]).0, [(2, 3), (6, 7)]);
        assert_eq!(found("bbbggg", &[0, 5]), (vec![(2, 3)], 4));
    }

    #[test]
    fn kernels_that_cannot_tell_are_passed_over() {
        assert_eq!(found("g????b", &[0, 5]), (vec![(0, 5)], 6));
        assert_eq!(found("gg?bbb", &[0, 5]).0, [(1, 3)]);
        assert_eq!(found("??gb", &[0, 2, 3]), (vec![(2, 3)], 3));
        assert_eq!(found("????", &[0, 3]), (vec![], 2));
    }

    #[test]
    fn where_all_are_alike_no_more_are_asked() {
        assert_eq!(found("bbbbbb", &[0, 3, 5]), (vec![], 3));
        assert_eq!(found("g", &[0]), (vec![], 1));
        assert_eq!(found("", &[]), (vec![], 0));
    }
}
