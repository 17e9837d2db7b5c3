//! Places for buffers in a device's memory. A dma-buf may outlive the buffer that it was made of, so that a place is
//! taken again as late as can be.

/// Memory that is handed out, in units of the device's own.
#[derive(Debug)]
pub(super) struct Memory {
    size: u64,
    next: u64,
    taken: Vec<(u64, u64)>,
}

impl Memory {
    /// All of it free.
    pub(super) fn new(size: u64) -> Self {
        Self { size, next: 0, taken: Vec::new() }
    }

    /// Takes this much and returns where it begins; nothing where there is no such gap.
    pub(super) fn take(&mut self, length: u64) -> Option<u64> {
        let ends = self.taken.iter().map(|(start, length)| start + length);
        let mut starts: Vec<u64> = ends.chain([0]).collect();
        starts.sort_unstable();
        let free = |start: u64| {
            let end = start.checked_add(length).filter(|end| *end <= self.size)?;
            let other = |&(from, length): &(u64, u64)| end <= from || from + length <= start;
            self.taken.iter().all(other).then_some(start)
        };
        let start = [self.next].into_iter().chain(starts).find_map(free)?;
        self.next = start + length;
        self.taken.push((start, length));
        Some(start)
    }

    /// Returns what was taken.
    pub(super) fn give_back(&mut self, start: u64) {
        self.taken.retain(|(from, _)| *from != start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_again_only_when_the_rest_is_used_up() {
        let mut memory = Memory::new(10);
        assert_eq!((memory.take(4), memory.take(2)), (Some(0), Some(4)));
        memory.give_back(0);
        assert_eq!(memory.take(4), Some(6));
        assert_eq!(memory.take(3), Some(0));
        assert_eq!(memory.take(2), None);
        assert_eq!(memory.take(1), Some(3));
        memory.give_back(4);
        assert_eq!(memory.take(2), Some(4));
    }

    #[test]
    fn more_than_there_is_cannot_be_had() {
        let mut memory = Memory::new(10);
        assert_eq!((memory.take(11), memory.take(u64::MAX)), (None, None));
        assert_eq!(memory.take(10), Some(0));
    }
}
