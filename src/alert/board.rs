//! Where every rule of every function stands, and what the next evaluation makes of it. Knows no database: a step counts
//! once its change is stored, so that what could not be stored is found again the next time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::book::RuleBook;
use super::lifecycle::{Phase, Reason, measure};
use super::recent::Recent;
use super::rules::Kind;
use crate::telemetry::Figures;

/// An alert.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alert {
    /// 0 until it is stored.
    pub(crate) id: i64,
    pub(crate) function_id: Arc<str>,
    /// The function's name.
    pub(crate) function: String,
    pub(crate) kind: Kind,
    pub(crate) value: f64,
    pub(crate) threshold: f64,
    pub(crate) since_unix_ms: i64,
    /// When and why it was resolved.
    pub(crate) end: Option<(i64, Reason)>,
}

/// A function as it is evaluated.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) id: Arc<str>,
    pub(crate) name: String,
    pub(crate) figures: Figures,
}

/// What an evaluation makes of one rule.
#[derive(Debug)]
pub(super) struct Step {
    key: Key,
    phase: Phase,
    /// The alert that begins or ends with this step.
    pub(super) change: Option<Alert>,
}

type Key = (Arc<str>, Kind);

/// An alert that fires.
#[derive(Debug)]
struct Firing {
    alert: Alert,
    phase: Phase,
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct Board {
    recent: HashMap<Arc<str>, Recent>,
    firing: HashMap<Key, Firing>,
    /// What an hour of each function costs on average, in USD.
    usual: HashMap<Arc<str>, f64>,
}

impl Board {
    /// With the alerts that fired when the platform ended.
    pub(super) fn new(firing: Vec<Alert>, recent: HashMap<Arc<str>, Recent>) -> Self {
        let firing = firing.into_iter().map(|alert| {
            let key = (Arc::clone(&alert.function_id), alert.kind);
            let phase = Phase::Firing { calm: 0 };
            (key, Firing { alert, phase })
        });
        Self {
            recent,
            firing: firing.collect(),
            usual: HashMap::new(),
        }
    }

    /// Sets what functions usually cost.
    pub(super) fn set_usual(&mut self, usual: HashMap<Arc<str>, f64>) {
        self.usual = usual;
    }

    /// How many alerts fire.
    pub(super) fn firing(&self, kind: Kind) -> usize {
        self.firing.keys().filter(|key| key.1 == kind).count()
    }

    /// Evaluates every rule of every function.
    pub(super) fn steps(
        &mut self,
        functions: &[Watched],
        book: &RuleBook,
        now_unix_ms: i64,
    ) -> Vec<Step> {
        let known: HashSet<&Arc<str>> = functions.iter().map(|function| &function.id).collect();
        self.recent.retain(|id, _| known.contains(id));
        let mut steps: Vec<Step> = Vec::new();
        for function in functions {
            // A function that is new has done everything since the last evaluation.
            let fresh = || Recent::new(&Figures::default(), now_unix_ms);
            let recent = self.recent.entry(Arc::clone(&function.id));
            let recent = recent.or_insert_with(fresh);
            let durations_ms = book.rules(&function.id).p95_duration.window_ms;
            recent.look(&function.figures, durations_ms, now_unix_ms);
            let kinds = Kind::ALL.into_iter();
            steps.extend(kinds.filter_map(|kind| self.step(function, kind, book, now_unix_ms)));
        }
        let gone = self
            .firing
            .iter()
            .filter(|(key, _)| !known.contains(&key.0));
        steps.extend(gone.map(|(key, firing)| {
            let reason = Reason::FunctionDeleted;
            Step {
                key: key.clone(),
                phase: Phase::Resolved(reason),
                change: Some(firing.alert.ended(now_unix_ms, reason)),
            }
        }));
        steps
    }

    /// `None` for a rule that is quiet and stays so.
    fn step(
        &self,
        function: &Watched,
        kind: Kind,
        book: &RuleBook,
        now_unix_ms: i64,
    ) -> Option<Step> {
        let key = (Arc::clone(&function.id), kind);
        let firing = self.firing.get(&key);
        let usual_usd = self.usual.get(&function.id).copied().unwrap_or_default();
        let (rules, recent) = (book.rules(&function.id), self.recent.get(&function.id)?);
        let measured = measure(kind, &rules, recent, usual_usd, now_unix_ms);
        let phase = firing.map_or(Phase::Quiet, |firing| firing.phase);
        let next = phase.next(measured.as_ref());
        let change = match (next, firing, measured) {
            (Phase::Quiet, ..) => return None,
            (Phase::Firing { .. }, None, Some(measured)) => Some(Alert {
                id: 0,
                function_id: Arc::clone(&function.id),
                function: function.name.clone(),
                kind,
                value: measured.value,
                threshold: measured.threshold,
                since_unix_ms: now_unix_ms,
                end: None,
            }),
            (Phase::Resolved(reason), Some(firing), _) => {
                Some(firing.alert.ended(now_unix_ms, reason))
            }
            _ => None,
        };
        let phase = next;
        Some(Step { key, phase, change })
    }

    /// Takes over a step whose change is stored.
    pub(super) fn take(&mut self, step: Step) {
        match (step.phase, step.change) {
            (Phase::Firing { .. }, Some(alert)) => {
                let phase = step.phase;
                self.firing.insert(step.key, Firing { alert, phase });
            }
            (phase @ Phase::Firing { .. }, None) => {
                if let Some(firing) = self.firing.get_mut(&step.key) {
                    firing.phase = phase;
                }
            }
            (Phase::Quiet | Phase::Resolved(_), _) => {
                self.firing.remove(&step.key);
            }
        }
    }
}

impl Alert {
    fn ended(&self, now_unix_ms: i64, reason: Reason) -> Self {
        Self {
            end: Some((now_unix_ms, reason)),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(invocations: u64, failed: u64) -> Vec<Watched> {
        let mut figures = Figures {
            invocations,
            ..Figures::default()
        };
        figures.errors.insert("timeout".to_owned(), failed);
        vec![Watched {
            id: "fn-1".into(),
            name: "one".to_owned(),
            figures,
        }]
    }

    #[test]
    fn what_is_not_stored_is_found_again_and_what_is_stored_is_told_once() {
        let (mut board, book) = (Board::default(), RuleBook::new(1_000));
        for now in [1_700_000_000_000, 1_700_000_001_000] {
            let steps = board.steps(&watched(30, 30), &book, now);
            assert!(matches!(&steps[..], [Step { change: Some(alert), .. }]
                if alert.kind == Kind::ErrorRate && alert.end.is_none()));
        }
        let steps = board.steps(&watched(30, 30), &book, 1_700_000_002_000);
        steps.into_iter().for_each(|step| board.take(step));
        assert_eq!(board.firing(Kind::ErrorRate), 1);
        let again = board.steps(&watched(60, 60), &book, 1_700_000_003_000);
        assert!(again.iter().all(|step| step.change.is_none()));
    }

    #[test]
    fn an_alert_of_an_earlier_run_ends_when_its_function_is_gone() {
        let alert = Alert {
            id: 7,
            function_id: "fn-1".into(),
            function: "one".to_owned(),
            kind: Kind::P95Duration,
            value: 2.0,
            threshold: 1.0,
            since_unix_ms: 1,
            end: None,
        };
        let mut board = Board::new(vec![alert], HashMap::new());
        let steps = board.steps(&[], &RuleBook::new(1_000), 9);
        let ended = steps[0].change.as_ref().expect("a change");
        assert_eq!(
            (ended.id, ended.end),
            (7, Some((9, Reason::FunctionDeleted)))
        );
        steps.into_iter().for_each(|step| board.take(step));
        assert_eq!(board.firing(Kind::P95Duration), 0);
    }
}
