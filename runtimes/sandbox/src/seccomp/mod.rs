//! Which system calls processes may make.
//!
//! ```text
//!  lists/*.txt ─ list ─► lines ─ table ─► a decision for each number ─ program ─► instructions ─► seccomp(2)
//!                  └ argument: what `domain in unix` means
//! ```
//! The language zygote prepares all filters when it starts. A function zygote takes the one of its settings before it
//! reads a byte of user code, and instances inherit it. Where instances may not start processes, each takes a second one:
//! the function zygote itself must fork, so the first cannot forbid it. Both only ever take something away.
//!
//! Knows nothing of functions; of languages only that each has a list.

mod argument;
mod decision;
mod list;
mod program;
mod table;

use std::fs;

use seccompiler::BpfProgram;
use zygo_wire::sandbox::{Layer, Network, Sandbox};

pub use decision::{Decision, Rule, Test, Verdict};

use list::Line;
use table::Table;

/// What filters answer with, as `ACTIONS` calls it.
const ACTIONS_NEEDED: [&str; 3] = ["allow", "errno", "kill_process"];
/// What the kernel can do, one line.
const ACTIONS: &str = "/proc/sys/kernel/seccomp/actions_avail";

const COMMON: &str = include_str!("lists/common.txt");
const LISTEN: &str = include_str!("lists/listen.txt");
const SUBPROCESS: &str = include_str!("lists/subprocess.txt");
const INSTANCE: &str = include_str!("lists/instance.txt");
/// The list of each runtime.
const RUNTIMES: [(&str, &str); 3] = [
    ("javascript", include_str!("lists/javascript.txt")),
    ("python", include_str!("lists/python.txt")),
    ("ruby", include_str!("lists/ruby.txt")),
];

/// Why there is no filter.
#[derive(Debug, thiserror::Error)]
pub enum SeccompError {
    /// There is no list for this runtime.
    #[error("no list of system calls for the runtime {0}")]
    Runtime(String),
    /// A list cannot be read.
    #[error("list {list}, line {line}: {reason}")]
    List {
        /// Name of the list.
        list: String,
        /// Counted from one.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A rule is longer than a jump.
    #[error("the rules of system call {0} are too long for a filter")]
    TooLong(i32),
    /// The processor's numbers are not known here.
    #[error("system calls of this processor are not known")]
    Processor,
    /// The kernel cannot do it.
    #[error("the kernel cannot filter system calls")]
    Kernel,
    /// The kernel refused.
    #[error("the kernel refused the filter: {0}")]
    Refused(seccompiler::Error),
}

/// Who is filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A function zygote.
    Zygote,
    /// An instance, whose own filter comes on top of the zygote's.
    Instance,
}

/// All filters of a runtime, ready to be applied.
#[derive(Debug, Clone)]
pub struct Filters {
    /// By [`Variant::index`].
    zygote: Vec<Filter>,
    instance: Filter,
}

impl Filters {
    /// Reads the lists of a runtime and makes its filters; less than a millisecond.
    ///
    /// # Errors
    /// For a runtime or processor without a list.
    pub fn prepare(runtime: &str) -> Result<Self, SeccompError> {
        let lists = Lists::of(runtime)?;
        let compile = |variant| Filter::compile(&lists.zygote(variant));
        Ok(Self {
            zygote: Variant::ALL
                .into_iter()
                .map(compile)
                .collect::<Result<_, _>>()?,
            instance: Filter::compile(&lists.instance())?,
        })
    }

    /// The filter of a function zygote, which its instances inherit.
    #[must_use]
    pub fn zygote(&self, sandbox: &Sandbox) -> &Filter {
        &self.zygote[Variant::of(sandbox).index()]
    }

    /// The filter that an instance takes on top of it. None where instances may start processes, or without this layer.
    #[must_use]
    pub fn instance(&self, sandbox: &Sandbox) -> Option<&Filter> {
        let narrows = sandbox.has(Layer::Seccomp) && !sandbox.subprocess;
        narrows.then_some(&self.instance)
    }
}

/// One filter, as the kernel takes it.
#[derive(Debug, Clone)]
pub struct Filter {
    program: BpfProgram,
}

impl Filter {
    fn compile(table: &Table) -> Result<Self, SeccompError> {
        let program = program::assemble(table)?;
        Ok(Self { program })
    }

    /// Filters this thread and all that it will start. Sets `no_new_privs` if that is not set yet, because the kernel
    /// takes no filter without. Allocates nothing.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn apply(&self) -> Result<(), SeccompError> {
        seccompiler::apply_filter(&self.program).map_err(SeccompError::Refused)
    }

    /// How many instructions it has.
    #[must_use]
    pub fn instructions(&self) -> usize {
        self.program.len()
    }
}

/// Fails unless this kernel has what filters need.
///
/// # Errors
/// When it is built without, or is too old to end a process.
pub fn available() -> Result<(), SeccompError> {
    let actions = fs::read_to_string(ACTIONS).map_err(|_| SeccompError::Kernel)?;
    let has = |wanted: &&str| actions.split_whitespace().any(|action| action == *wanted);
    if ACTIONS_NEEDED.iter().all(has) {
        Ok(())
    } else {
        Err(SeccompError::Kernel)
    }
}

/// What is decided for each number from 0 to `last`, for whom it may concern: tests, and people who ask.
///
/// # Errors
/// For a runtime without a list.
pub fn decisions(
    runtime: &str,
    sandbox: &Sandbox,
    role: Role,
    last: i32,
) -> Result<Vec<(i32, Decision)>, SeccompError> {
    let lists = Lists::of(runtime)?;
    let zygote = lists.zygote(Variant::of(sandbox));
    let instance = lists.instance();
    let is_narrowed = role == Role::Instance && !sandbox.subprocess;
    let decide = |number| {
        let inherited = zygote.get(number).clone();
        if is_narrowed {
            inherited.and(instance.get(number))
        } else {
            inherited
        }
    };
    Ok((0..=last).map(|number| (number, decide(number))).collect())
}

/// The settings that decide which lists make a zygote's filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Variant {
    listen: bool,
    subprocess: bool,
}

impl Variant {
    /// In the order of their indices.
    const ALL: [Self; 4] = [
        Self::new(false, false),
        Self::new(false, true),
        Self::new(true, false),
        Self::new(true, true),
    ];

    const fn new(listen: bool, subprocess: bool) -> Self {
        Self { listen, subprocess }
    }

    /// Where only public addresses can be reached, nobody has to wait for callers.
    fn of(sandbox: &Sandbox) -> Self {
        let listen = match sandbox.network {
            Network::Internet => false,
            Network::None | Network::All => true,
        };
        Self::new(listen, sandbox.subprocess)
    }

    fn index(self) -> usize {
        usize::from(self.listen) * 2 + usize::from(self.subprocess)
    }
}

/// The lists that concern one runtime.
struct Lists {
    always: Vec<Line>,
    listen: Vec<Line>,
    subprocess: Vec<Line>,
    instance: Vec<Line>,
}

impl Lists {
    fn of(runtime: &str) -> Result<Self, SeccompError> {
        let known = RUNTIMES.iter().find(|(name, _)| *name == runtime);
        let (name, text) = known.ok_or_else(|| SeccompError::Runtime(runtime.to_owned()))?;
        let mut always = list::parse("common", COMMON)?;
        always.extend(list::parse(name, text)?);
        Ok(Self {
            always,
            listen: list::parse("listen", LISTEN)?,
            subprocess: list::parse("subprocess", SUBPROCESS)?,
            instance: list::parse("instance", INSTANCE)?,
        })
    }

    fn zygote(&self, variant: Variant) -> Table {
        let listen = self.listen.iter().filter(|_| variant.listen);
        let subprocess = self.subprocess.iter().filter(|_| variant.subprocess);
        Table::of_zygote(self.always.iter().chain(listen).chain(subprocess))
    }

    fn instance(&self) -> Table {
        Table::of_instance(&self.instance)
    }
}
