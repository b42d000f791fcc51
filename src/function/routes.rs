//! Which requests lead to which function, now. Readers take no lock; whoever deploys claims first what a function is to
//! have, so that of two deployments that want the same only one goes on.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::Function;
use super::addresses::{self, Route};
use super::failure::DeployError;
use super::manifest::Manifest;
use crate::route::{Site, Table};
use crate::trigger::http::HttpTrigger;

/// A path or a domain that another function has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} belongs to the function `{function}`; {fix}")]
pub struct Taken {
    /// JSON pointer to the field that asks for it.
    pub pointer: String,
    what: &'static str,
    function: String,
    fix: &'static str,
}

/// Whom a request is for, and by which trigger.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) function: Arc<Function>,
    pub(crate) trigger: Arc<HttpTrigger>,
}

/// All routes of all functions.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    state: Mutex<State>,
    table: ArcSwap<Table<Target>>,
}

#[derive(Debug, Default)]
struct State {
    /// By the function's id.
    serving: BTreeMap<String, (Arc<Function>, Vec<Route>)>,
    /// What deployments under way will need.
    claims: HashMap<u64, Claimed>,
    last_claim: u64,
}

#[derive(Debug)]
struct Claimed {
    id: String,
    name: String,
    routes: Vec<Route>,
}

/// Routes that are kept for a version until it serves; dropped, they are free again.
#[derive(Debug)]
#[must_use]
pub(crate) struct Claim {
    routes: Arc<Routes>,
    number: u64,
}

impl Routes {
    /// The table as it is now.
    pub(crate) fn table(&self) -> Guard<Arc<Table<Target>>> {
        self.table.load()
    }

    /// Keeps what a function's settings ask for, unless another function has it or is about to.
    pub(crate) fn claim(
        self: &Arc<Self>,
        id: &str,
        manifest: &Manifest,
    ) -> Result<Claim, DeployError> {
        let routes = addresses::routes(id, manifest)?;
        let mut state = self.state();
        state.check(id, &routes)?;
        state.last_claim += 1;
        let number = state.last_claim;
        let claimed = Claimed {
            id: id.to_owned(),
            name: manifest.name.clone(),
            routes,
        };
        state.claims.insert(number, claimed);
        Ok(Claim {
            routes: Arc::clone(self),
            number,
        })
    }

    /// Takes the routes of functions that an earlier run of the platform had.
    pub(crate) fn restore(&self, functions: &[Arc<Function>]) {
        let mut state = self.state();
        for function in functions {
            let version = function.current();
            let routes = addresses::routes(function.id(), version.manifest());
            let routes = routes.map_err(DeployError::from).and_then(|routes| {
                state.check(function.id(), &routes)?;
                Ok(routes)
            });
            match routes {
                Ok(routes) => state.serve(function, routes),
                Err(error) => {
                    tracing::error!(function = %function.id(), %error, "its HTTP triggers are left out");
                }
            }
        }
        self.publish(&state);
    }

    /// Takes the routes of a function that another node has changed. It asked first, so nobody is asked here.
    pub(crate) fn follow(&self, function: &Arc<Function>) -> Result<(), DeployError> {
        let version = function.current();
        let routes = addresses::routes(function.id(), version.manifest())?;
        let mut state = self.state();
        state.serve(function, routes);
        self.publish(&state);
        Ok(())
    }

    /// Forgets a function.
    pub(crate) fn remove(&self, function: &Function) {
        let mut state = self.state();
        if state.serving.remove(function.id()).is_some() {
            self.publish(&state);
        }
    }

    fn publish(&self, state: &State) {
        let mut table = Table::default();
        for (function, routes) in state.serving.values() {
            for route in routes {
                let target = Target {
                    function: Arc::clone(function),
                    trigger: Arc::clone(&route.trigger),
                };
                let methods = route.trigger.methods.clone();
                table.insert(&route.site, route.pattern.clone(), methods, target);
            }
        }
        self.table.store(Arc::new(table));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether another function, which has them already, leaves the routes to one that asks for some.
pub(super) fn check(
    (id, manifest): (&str, &Manifest),
    (other, theirs): (&str, &Manifest),
) -> Result<(), DeployError> {
    let (routes, taken) = (
        addresses::routes(id, manifest)?,
        addresses::routes(other, theirs)?,
    );
    let taken = routes.iter().find_map(|route| {
        taken
            .iter()
            .find_map(|their| route.taken_by(their, &theirs.name))
    });
    taken.map_or(Ok(()), |taken| Err(taken.into()))
}

impl State {
    fn serve(&mut self, function: &Arc<Function>, routes: Vec<Route>) {
        let id = function.id().to_owned();
        self.serving.insert(id, (Arc::clone(function), routes));
    }

    fn check(&self, id: &str, routes: &[Route]) -> Result<(), Taken> {
        let serving = self
            .serving
            .iter()
            .map(|(other, (function, routes))| (other.as_str(), function.name(), routes));
        let claims = self.claims.values();
        let claims = claims.map(|claim| (claim.id.as_str(), claim.name.as_str(), &claim.routes));
        for (_, name, theirs) in serving.chain(claims).filter(|(other, ..)| *other != id) {
            for route in routes {
                if let Some(taken) = theirs.iter().find_map(|their| route.taken_by(their, name)) {
                    return Err(taken);
                }
            }
        }
        Ok(())
    }
}

impl Route {
    fn taken_by(&self, other: &Self, function: &str) -> Option<Taken> {
        let function = function.to_owned();
        match &self.site {
            Site::Domain(_) if self.site == other.site => Some(Taken {
                pointer: "/customDomain".to_owned(),
                what: "the domain",
                function,
                fix: "choose another, or take it from that function first",
            }),
            Site::Platform if self.collides(other) => Some(Taken {
                pointer: self.pointer.clone(),
                what: "the path, with one of the methods,",
                function,
                fix: "on the platform's own address each path leads to one function, so choose another \
                      path or other methods, or give this function a customDomain, where all paths are its own",
            }),
            _ => None,
        }
    }
}

impl Claim {
    /// The version serves: requests are led to it from now on, and no longer to what the one before it asked for.
    pub(crate) fn serve(self, function: &Arc<Function>) {
        let mut state = self.routes.state();
        if let Some(claimed) = state.claims.remove(&self.number) {
            state.serve(function, claimed.routes);
            self.routes.publish(&state);
        }
        // Before the claim itself, which looks whether it is still there.
        drop(state);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.routes.state().claims.remove(&self.number);
    }
}
