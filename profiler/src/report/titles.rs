//! Titles of profiles: the profile's own name or its command's file name, with the arguments that distinguish
//! it from others of that name.

use super::wrap::shortened;
use model::outside_text::printable;
use model::profile::Profile;
use std::collections::HashSet;

/// The longest title, in characters: a longer one would widen its column beyond any figure.
const LONGEST: usize = 40;

/// A unique title for each profile.
#[must_use]
pub fn titles(profiles: &[&Profile]) -> Vec<String> {
    let names: Vec<&str> = profiles.iter().map(|profile| program(profile)).collect();
    let mut titles: Vec<String> = (0..profiles.len())
        .map(|own| {
            let namesakes: Vec<&Profile> = (0..profiles.len())
                .filter(|&other| other != own && names[other] == names[own])
                .map(|other| profiles[other])
                .collect();
            let difference = distinguishing(profiles[own], &namesakes);
            shortened(printable(&format!("{} {difference}", names[own])).trim_end(), LONGEST)
        })
        .collect();
    number_the_same(&mut titles);
    titles
}

fn program(profile: &Profile) -> &str {
    let run = &profile.run;
    run.name.as_deref().or_else(|| run.program()).unwrap_or("(running process)")
}

fn file_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// The arguments that not all profiles of this name have; empty if the name is unique.
fn distinguishing(profile: &Profile, namesakes: &[&Profile]) -> String {
    let others: Vec<HashSet<&String>> =
        namesakes.iter().map(|other| other.run.command.iter().collect()).collect();
    let is_shared = |argument: &String| others.iter().all(|other| other.contains(argument));
    let arguments = profile.run.command.iter().skip(1).filter(|argument| !is_shared(argument));
    arguments.map(|argument| file_name(argument)).collect::<Vec<_>>().join(" ")
}

fn number_the_same(titles: &mut [String]) {
    let originals = titles.to_vec();
    for (index, title) in titles.iter_mut().enumerate() {
        let is_same = |other: &&String| **other == originals[index];
        if originals.iter().filter(is_same).count() > 1 {
            let number = originals[..=index].iter().filter(is_same).count();
            title.push_str(&format!(" #{number}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::fixture;

    fn of(commands: &[&[&str]]) -> Vec<String> {
        let profiles: Vec<Profile> = commands.iter().map(|command| fixture::of_command(command)).collect();
        titles(&profiles.iter().collect::<Vec<_>>())
    }

    #[test]
    fn the_file_name_is_enough_where_it_differs() {
        assert_eq!(of(&[&["/usr/bin/true", "x"], &["./false"]]), ["true", "false"]);
    }

    #[test]
    fn a_name_of_its_own_comes_before_the_commands() {
        let mut profile = fixture::of_command(&["/usr/bin/python3", "loop.py"]);
        profile.run.name = Some("python-asyncio".to_owned());
        assert_eq!(titles(&[&profile]), ["python-asyncio"]);
    }

    #[test]
    fn namesakes_are_told_apart_by_their_arguments() {
        let commands: &[&[&str]] =
            &[&["python3", "/opt/w/loop.py", "--tasks", "9"], &["python3", "/opt/w/pool.py", "--tasks", "9"]];
        assert_eq!(of(commands), ["python3 loop.py", "python3 pool.py"]);
    }

    #[test]
    fn the_same_command_twice_is_numbered() {
        assert_eq!(of(&[&["a", "b"], &["a", "b"], &["c"]]), ["a #1", "a #2", "c"]);
    }

    #[test]
    fn a_process_that_was_attached_to_has_a_title() {
        assert_eq!(of(&[&[]]), ["(running process)"]);
    }
}
