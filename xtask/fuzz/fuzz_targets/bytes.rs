//! Programs out of the fuzzer's bytes: one byte for each choice, so that it can change one thing at a time.

/// What is left of the fuzzer's bytes; when there is none, it reads as zeros.
pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % n
    }

    #[allow(dead_code)] // Not every target asks for one.
    pub(crate) fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    /// As many as the bytes are for, up to `most`.
    pub(crate) fn all<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut all = Vec::new();
        while !self.0.is_empty() && all.len() < most {
            all.push(one(self));
        }
        all
    }
}

/// Runs a program, which must give back what it allocates.
#[track_caller]
pub(crate) fn without_a_leak(program: impl Fn()) {
    let held = crate::common::held;
    let before = held();
    program();
    if held() != before {
        // What a thread allocates once is not of interest.
        let before = held();
        program();
        assert_eq!(held() - before, 0, "bytes are leaked");
    }
}
