//! The known word that a misspelt one was meant to be.

/// The nearest of the known words, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    // Nothing that anyone would call a slip of the pen; and no long sums over a page that stands where a word should.
    if length > 40 {
        return None;
    }
    let lower = word.to_lowercase().replace('_', "-");
    let near = known.into_iter().map(|other| (distance(&lower, &other.to_lowercase()), other));
    near.min().filter(|(distance, _)| *distance <= 1 + length / 4).map(|(_, other)| other)
}

/// Returns the number of characters to insert, leave out, change, or swap with the next.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let change = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_word_and_another_word_finds_none() {
        let verbs = ["allocate", "export", "map", "check"];
        assert_eq!(nearest("mapp", verbs), Some("map"));
        assert_eq!(nearest("exprot", verbs), Some("export"));
        assert_eq!(nearest("Allocate", verbs), Some("allocate"));
        assert_eq!(nearest("must_refuse", ["must-refuse"]), Some("must-refuse"));
        assert_eq!(nearest("frobnicate", verbs), None);
        assert_eq!(nearest("", verbs), None);
    }
}
