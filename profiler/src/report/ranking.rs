//! Rankings of figures where less is better.

/// Relative difference below which two figures name no winner.
///
/// Each program ran once. In 25 runs of one event loop and of one thread pool on a 2-core VM the middle 80 % of
/// the CPU times lay within -5 % and +14 % of their median, of the wall times within -2 % and +6 %.
pub(super) const CLOSE: f64 = 0.10;

/// True if `a` is less than `b` by more than chance.
pub(super) fn clearly_less(a: f64, b: f64) -> bool {
    a * (1.0 + CLOSE) < b
}

/// The index of the figure clearly less than all others; `None` if the smallest are close.
pub(super) fn clear_winner(figures: &[f64]) -> Option<usize> {
    (0..figures.len()).find(|&own| {
        let mut others = (0..figures.len()).filter(|&other| other != own);
        others.all(|other| clearly_less(figures[own], figures[other]))
    })
}

/// The index of the candidate that is clearly worse than no other in any figure, and clearly better than each
/// other in at least one.
pub(super) fn dominant<const N: usize>(candidates: &[[f64; N]]) -> Option<usize> {
    let beats_in_one = |a: &[f64; N], b: &[f64; N]| a.iter().zip(b).any(|(&a, &b)| clearly_less(a, b));
    (0..candidates.len()).find(|&own| {
        let mut others = candidates.iter().enumerate().filter(|&(other, _)| other != own);
        others
            .all(|(_, other)| beats_in_one(&candidates[own], other) && !beats_in_one(other, &candidates[own]))
    })
}

/// Indices from the smallest figure to the largest.
pub(super) fn order(figures: &[f64]) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..figures.len()).collect();
    indices.sort_by(|&a, &b| figures[a].total_cmp(&figures[b]));
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_winner_is_clearly_ahead_of_the_second() {
        assert_eq!(clear_winner(&[5.0, 1.0, 1.2]), Some(1));
        assert_eq!(clear_winner(&[1.0, 1.05, 9.0]), None);
        assert_eq!(clear_winner(&[0.0, 1.0]), Some(0));
        assert_eq!(clear_winner(&[0.0, 0.0]), None);
    }

    #[test]
    fn the_dominant_one_is_nowhere_clearly_worse() {
        assert_eq!(dominant(&[[1.0, 5.0], [1.0, 9.0]]), Some(0));
        assert_eq!(dominant(&[[1.0, 9.0], [9.0, 1.0]]), None);
        assert_eq!(dominant(&[[1.0, 1.0], [1.05, 1.0]]), None);
    }
}
