//! Lines that the kernel wrote into: it waits for no one, and takes the serial port in the middle of a line of ours. What
//! it writes is a line with its time in front; after that our line continues.

/// The number of times that one line may be broken into.
const TIMES: usize = 4;

/// Of the times in a line, only the last ones can be those of what broke it: the rest of our line follows it.
const PLACES: usize = 3;

/// Returns a line without what the kernel wrote into it, and the number of following lines that belong to it. `read` says what
/// a text means; only one that it understands counts.
pub fn mended<T>(line: &str, behind: &[&str], read: &impl Fn(&str) -> Option<T>) -> Option<(T, usize)> {
    let mut texts = vec![line.to_owned()];
    for taken in 0..=TIMES {
        let heads = || texts.iter().flat_map(|text| kernel_lines(text).map(|at| &text[..at]));
        let whole = texts.iter().map(String::as_str).find_map(read);
        // Or it was broken at its very end, and the rest of it is nothing.
        if let Some(told) = whole.or_else(|| heads().find_map(read)) {
            return Some((told, taken));
        }
        let next = behind.get(taken)?;
        texts = heads().map(|head| format!("{head}{next}")).collect();
    }
    None
}

/// Where a line of the kernel's may begin: `[    7.123456] `, or `[    7.123456][   T12] ` where it names its context.
fn kernel_lines(text: &str) -> impl Iterator<Item = usize> {
    let is_time = |at: &usize| {
        let Some((time, behind)) = text[at + 1..].split_once(']') else { return false };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let parts = time.trim_start().split_once('.');
        let is_time = parts.is_some_and(|(seconds, micro)| digits(seconds) && digits(micro) && micro.len() == 6);
        is_time && behind.starts_with([' ', '['])
    };
    text.rmatch_indices('[').map(|(at, _)| at).filter(is_time).take(PLACES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "a line of ours [    1.000000] with a time in it";

    fn mend(console: &str) -> Option<usize> {
        let lines: Vec<&str> = console.lines().collect();
        mended(lines[0], &lines[1..], &|text: &str| (text == WHOLE).then_some(())).map(|(_, taken)| taken)
    }

    #[test]
    fn a_line_is_mended_wherever_and_however_often_it_was_broken() {
        const NOISE: &str = "[   44.342983] noise: [    1.500000] over and over\r\n";
        for at in 1..=WHOLE.len() {
            let (head, tail) = WHOLE.split_at(at);
            let taken = usize::from(!tail.is_empty());
            assert_eq!(mend(&format!("{head}{NOISE}{tail}\nmore\n")), Some(taken), "at {at}");
            let (first, second) = tail.split_at(tail.len() / 2);
            if !second.is_empty() {
                assert_eq!(mend(&format!("{head}{NOISE}{first}{NOISE}{second}\n")), Some(2), "at {at}");
            }
        }
    }

    #[test]
    fn what_is_not_ours_or_lost_is_not_made_up() {
        assert_eq!(mend("[   44.342983] noise\nmore\n"), None);
        assert_eq!(mend(&format!("{}[   44.342983] noise\nmore\n", &WHOLE[..9])), None);
        assert_eq!(mend(&format!("{}[   44.342983] noise", &WHOLE[..9])), None);
        assert_eq!(mend("\n"), None);
    }
}
