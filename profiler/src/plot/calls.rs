//! Colours of system calls, the same in every figure, so that figures can be compared.

use super::style::REST;
use plotters::style::RGBColor;
use std::collections::BTreeMap;

/// The name for all further system calls, here and in a profile.
pub(super) const OTHERS: &str = "others";

/// The most frequent system calls of waits. Each has a fixed shade of grey; those that often occur together
/// have very different ones.
const USUAL: [(&str, RGBColor); 11] = [
    ("futex", RGBColor(0x14, 0x29, 0x46)),
    ("select", RGBColor(0x50, 0x24, 0x5F)),
    ("wait4", RGBColor(0x70, 0x3F, 0x1C)),
    ("page_fault", RGBColor(0xAC, 0x3C, 0x2B)),
    ("ppoll", RGBColor(0x7B, 0x59, 0xB5)),
    ("epoll_wait", RGBColor(0x37, 0xA4, 0x80)),
    ("recvfrom", RGBColor(0xCF, 0x70, 0x98)),
    ("clock_nanosleep", RGBColor(0xE0, 0x98, 0x40)),
    ("accept4", RGBColor(0xB0, 0xC5, 0x71)),
    ("read", RGBColor(0xA9, 0xD0, 0xE9)),
    ("poll", RGBColor(0xEB, 0xD7, 0xB0)),
];

/// Shades for all other system calls, between those of the usual ones; as many as a figure shows.
const UNUSUAL: [RGBColor; 7] = [
    RGBColor(0x15, 0x3E, 0x29),
    RGBColor(0xA7, 0xA7, 0x38),
    RGBColor(0x21, 0x66, 0x73),
    RGBColor(0xEA, 0xAA, 0xB4),
    RGBColor(0xA5, 0x3E, 0x83),
    RGBColor(0xB6, 0xDC, 0xD6),
    RGBColor(0x6F, 0x87, 0xCF),
];

/// The colour of each name: fixed for a usual one, else chosen by a hash of the name. On a collision, the name
/// later in the alphabet takes the next free colour.
pub(super) fn colours(names: &[String]) -> Vec<RGBColor> {
    let mut unusual: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| fixed(name).is_none()).collect();
    unusual.sort_unstable();
    unusual.dedup();
    let mut chosen: BTreeMap<&str, RGBColor> = BTreeMap::new();
    for name in unusual {
        let own = shade(name);
        let mut in_turn = UNUSUAL.iter().cycle().skip(own).take(UNUSUAL.len());
        let free = in_turn.find(|colour| !chosen.values().any(|taken| taken == *colour));
        chosen.insert(name, *free.unwrap_or(&UNUSUAL[own]));
    }
    let colour = |name: &String| fixed(name).or_else(|| chosen.get(name.as_str()).copied()).unwrap_or(REST);
    names.iter().map(colour).collect()
}

fn fixed(name: &str) -> Option<RGBColor> {
    if name == OTHERS {
        return Some(REST);
    }
    USUAL.iter().find(|(usual, _)| *usual == name).map(|&(_, colour)| colour)
}

/// The index of a name's shade, by FNV-1a: unlike the standard hasher it gives the same with every compiler.
fn shade(name: &str) -> usize {
    let hash =
        name.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash as usize % UNUSUAL.len()
}

#[cfg(test)]
mod tests {
    use super::super::style::grey;
    use super::*;

    fn of(names: &[&str]) -> BTreeMap<String, RGBColor> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let colours = colours(&names);
        names.into_iter().zip(colours).collect()
    }

    #[test]
    fn a_call_has_its_colour_in_every_figure() {
        let one = of(&["futex", "clock_nanosleep", "epoll_pwait", OTHERS]);
        let two = of(&["read", "io_getevents", "futex", "epoll_pwait", "wait4", OTHERS]);
        let three = of(&["epoll_pwait", "futex"]);
        for name in ["futex", "epoll_pwait"] {
            assert_eq!((one[name], one[name]), (two[name], three[name]), "{name}");
        }
        assert_eq!(one[OTHERS], two[OTHERS]);
    }

    #[test]
    fn no_two_calls_of_a_figure_have_the_same() {
        let names: Vec<String> = (0..UNUSUAL.len()).map(|number| format!("call{number}")).collect();
        let mut given = colours(&names);
        given.extend(USUAL.map(|(_, colour)| colour));
        given.push(REST);
        for (index, one) in given.iter().enumerate() {
            assert!(!given[..index].contains(one), "{one:?}");
        }
        // Colours do not depend on the order of names, which follows their times.
        let reversed: Vec<String> = names.iter().rev().cloned().collect();
        let again = colours(&reversed);
        assert!(again.iter().rev().eq(&given[..names.len()]));
    }

    #[test]
    fn calls_are_told_apart_without_colour() {
        let greys = |colours: &[RGBColor]| {
            let mut greys: Vec<f64> = colours.iter().map(|&colour| grey(colour)).collect();
            greys.push(grey(REST));
            greys.sort_by(f64::total_cmp);
            greys.windows(2).map(|pair| pair[1] - pair[0]).fold(1.0, f64::min)
        };
        let usual = USUAL.map(|(_, colour)| colour);
        assert!(greys(&usual) >= 0.06 && greys(&UNUSUAL) >= 0.06);
        assert!(greys(&[usual.as_slice(), &UNUSUAL].concat()) >= 0.025);
    }
}
