//! The line of a tool's output that says what went wrong. Pure.

/// What lines begin with that say more than others, the best first.
const MARKS: [&str; 8] = [
    "ERROR: No matching distribution",
    "ERROR: ResolutionImpossible",
    "ERROR: Could not",
    "npm error 404",
    "npm error code",
    "Could not find gem",
    "ERROR:",
    "npm error",
];

/// One line for people; the whole log stands beside it.
pub(super) fn summary(log: &[String]) -> String {
    let marked = MARKS
        .iter()
        .find_map(|mark| log.iter().find(|line| line.trim_start().starts_with(mark)));
    let last = || log.iter().rev().find(|line| !line.trim().is_empty());
    let line = marked
        .or_else(last)
        .map_or("it said nothing", |line| line.trim());
    line.trim_start_matches("ERROR: ")
        .trim_start_matches("npm error ")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_telling_line_is_found() {
        let cases = [
            (
                &[
                    "Collecting x",
                    "ERROR: Could not find a version",
                    "ERROR: No matching distribution found for x",
                ][..],
                "No matching distribution found for x",
            ),
            (
                &[
                    "npm error code E404",
                    "npm error 404 Not Found - GET http://r/x",
                ],
                "404 Not Found - GET http://r/x",
            ),
            (
                &[
                    "Resolving",
                    "Could not find gem 'x' in locally installed gems.",
                ],
                "Could not find gem 'x' in locally installed gems.",
            ),
            (&["something", ""], "something"),
            (&[], "it said nothing"),
        ];
        for (log, expected) in cases {
            let log: Vec<String> = log.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(summary(&log), expected);
        }
    }
}
