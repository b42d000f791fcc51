//! A page, taken apart: its blocks of code with what the comments before them say. Runs nothing.

/// What stands at the top of pages that a program wrote.
const WRITTEN: &str = "<!-- written by scripts/docs -->";
const FENCE: &str = "```";

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    /// Variables of the page's platform.
    pub(super) settings: Vec<(String, String)>,
    pub(super) blocks: Vec<Block>,
}

/// A block of code.
#[derive(Debug)]
pub(super) struct Block {
    /// `docs/page.md:line`, for people.
    pub(super) place: String,
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// What a block is.
#[derive(Debug)]
pub(super) enum Kind {
    /// A file of the reader's folder.
    File(String),
    /// Lines for bash.
    Run(How),
    /// What the block before it prints.
    Output(Shown),
    /// A configuration that the platform takes.
    Config,
    /// Something that is not run, for a reason.
    None,
}

/// How a block is run.
#[derive(Debug, Default)]
pub(super) struct How {
    /// The code that it ends with.
    pub(super) exit: i32,
    /// Whether it is repeated until it prints what is shown.
    pub(super) until: bool,
    /// What it needs that not every machine has.
    pub(super) needs: Option<String>,
}

/// How a shown output is compared.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) is_json: bool,
    /// Whether it is what goes to standard error.
    pub(super) is_complaint: bool,
    /// Members of JSON that differ from run to run.
    pub(super) vary: Vec<String>,
}

/// Whether a program wrote the page.
pub(super) fn is_written(text: &str) -> bool {
    text.starts_with(WRITTEN)
}

impl Page {
    /// Takes a page apart.
    ///
    /// # Panics
    /// When a block does not say what it is, or says it wrongly.
    pub(super) fn parse(name: &str, text: &str) -> Self {
        let mut page = Self {
            settings: Vec::new(),
            blocks: Vec::new(),
        };
        let mut lines = text.lines().enumerate();
        let mut note = None;
        while let Some((number, line)) = lines.next() {
            let place = format!("docs/{name}:{}", number + 1);
            if let Some(words) = words(line) {
                match words.split_first() {
                    Some((&"platform", settings)) => page.set(&place, settings),
                    _ => note = Some(words),
                }
            } else if line.starts_with(FENCE) {
                let kind = kind(&place, &note.take().unwrap_or_default());
                let ticks = line.len() - line.trim_start_matches('`').len();
                let fence = &line[..ticks];
                let inner = lines.by_ref().map(|(_, line)| line);
                let inner = inner.take_while(|line| line.trim_end() != fence);
                let text = inner.map(|line| format!("{line}\n")).collect();
                page.blocks.push(Block { place, kind, text });
            } else {
                assert!(
                    !line.trim_start().starts_with(FENCE),
                    "{place}: a block begins at the margin"
                );
            }
        }
        page
    }

    fn set(&mut self, place: &str, settings: &[&str]) {
        for setting in settings {
            let pair = setting.split_once('=');
            let (name, value) = pair.unwrap_or_else(|| panic!("{place}: {setting} is no setting"));
            self.settings.push((name.to_owned(), value.to_owned()));
        }
    }
}

/// The words of a comment for tests.
fn words(line: &str) -> Option<Vec<&str>> {
    let words = line.strip_prefix("<!-- test:")?.strip_suffix("-->")?;
    Some(words.split_whitespace().collect())
}

fn kind(place: &str, words: &[&str]) -> Kind {
    match words {
        [] => panic!("{place}: a comment before the block must say what it is, see docs/README.md"),
        ["file", path] => Kind::File((*path).to_owned()),
        ["config"] => Kind::Config,
        ["none"] => panic!("{place}: say why it is not run"),
        ["none", ..] => Kind::None,
        ["run", how @ ..] => Kind::Run(self::how(place, how)),
        ["output", shown @ ..] => Kind::Output(self::shown(place, shown)),
        [other, ..] => panic!("{place}: `{other}` is no kind of block"),
    }
}

fn how(place: &str, words: &[&str]) -> How {
    let mut how = How::default();
    for word in words {
        match word.split_once('=') {
            None if *word == "until" => how.until = true,
            Some(("exit", code)) => how.exit = code.parse().expect("a number"),
            Some(("needs", what)) => how.needs = Some(what.to_owned()),
            _ => panic!("{place}: `{word}` is no way to run a block"),
        }
    }
    how
}

fn shown(place: &str, words: &[&str]) -> Shown {
    let mut shown = Shown::default();
    for word in words {
        match word.split_once('=') {
            None if *word == "json" => shown.is_json = true,
            None if *word == "stderr" => shown.is_complaint = true,
            Some(("vary", names)) => shown.vary = names.split(',').map(str::to_owned).collect(),
            _ => panic!("{place}: `{word}` is no way to show an output"),
        }
    }
    shown
}

#[test]
fn blocks_are_taken_out_with_what_they_are() {
    let text = "# A\n<!-- test: platform A=1 B=2=3 -->\n\n<!-- test: file a.py -->\n```python\nx\n\n  y\n```\n\
                text\n<!-- test: run exit=2 until -->\n````bash\n```\n````\n<!-- test: output json vary=a,b -->\n```json\n{}\n```\n";
    let page = Page::parse("a.md", text);
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(page.settings, [setting("A", "1"), setting("B", "2=3")]);
    let [file, run, output] = &page.blocks[..] else {
        panic!("{page:?}");
    };
    assert!(matches!(&file.kind, Kind::File(path) if path == "a.py"));
    assert_eq!(
        (file.text.as_str(), file.place.as_str()),
        ("x\n\n  y\n", "docs/a.md:5")
    );
    assert!(matches!(&run.kind, Kind::Run(how) if how.exit == 2 && how.until));
    assert_eq!(run.text, "```\n");
    assert!(
        matches!(&output.kind, Kind::Output(shown) if shown.is_json && shown.vary == ["a", "b"])
    );
}
