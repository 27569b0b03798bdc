//! Whole numbers as text, as every text shows them.

/// A whole number, `1,234,567`.
pub(crate) fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// A difference, `+1,234` or `−1,234`.
pub(crate) fn signed(value: i64) -> String {
    let sign = match value {
        0 => "",
        1.. => "+",
        _ => "−",
    };
    format!("{sign}{}", count(value.unsigned_abs()))
}

/// Commas between the thousands of a non-negative decimal number.
pub(crate) fn grouped(digits: &str) -> String {
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = String::with_capacity(digits.len() + whole.len() / 3);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let counts = [0, 999, 1_000, 12_345, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!([-1_234, 1_234, 0].map(signed), ["−1,234", "+1,234", "0"]);
        assert_eq!(grouped("1234.5678"), "1,234.5678");
    }
}
