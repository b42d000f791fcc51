//! Errors that nobody caught: promises rejected without a handler, and exceptions out of callbacks. Replaces
//! `deno_core`'s own list, which can only be seen by running its event loop, and the warm path does not run it.

use std::cell::RefCell;

use deno_core::v8;

/// One error that nobody caught.
pub(crate) struct Uncaught {
    /// The promise that carries it; exceptions have none.
    promise: Option<v8::Global<v8::Promise>>,
    /// The invocation that it came from, where several run at once; 0 is none.
    pub(crate) number: u64,
    /// What was thrown.
    pub(crate) value: v8::Global<v8::Value>,
}

thread_local! {
    static UNCAUGHT: RefCell<Vec<Uncaught>> = const { RefCell::new(Vec::new()) };
}

/// V8 calls this when a promise is rejected without a handler, and when it gets one after all.
pub(crate) unsafe extern "C" fn on_promise_reject(message: v8::PromiseRejectMessage<'_>) {
    // SAFETY: V8 calls this with a context entered, which is what a callback scope needs.
    v8::callback_scope!(unsafe scope, &message);
    let promise = message.get_promise();
    match message.get_event() {
        v8::PromiseRejectEvent::PromiseRejectWithNoHandler => {
            let Some(value) = message.get_value() else {
                return;
            };
            let uncaught = Uncaught {
                promise: Some(v8::Global::new(scope, promise)),
                number: number(scope),
                value: v8::Global::new(scope, value),
            };
            UNCAUGHT.with_borrow_mut(|list| list.push(uncaught));
        }
        v8::PromiseRejectEvent::PromiseHandlerAddedAfterReject => {
            forget(scope, promise);
        }
        _ => {}
    }
}

/// Takes a promise off the list: somebody looks after it.
pub(crate) fn forget(scope: &mut v8::PinScope<'_, '_>, promise: v8::Local<'_, v8::Promise>) {
    UNCAUGHT.with_borrow_mut(|list| {
        if !list.is_empty() {
            list.retain(|one| {
                one.promise
                    .as_ref()
                    .is_none_or(|other| v8::Local::new(scope, other) != promise)
            });
        }
    });
}

/// Adds an exception that came out of a callback.
pub(crate) fn add_uncaught(scope: &mut v8::PinScope<'_, '_>, thrown: v8::Local<'_, v8::Value>) {
    let value = v8::Global::new(scope, thrown);
    let number = number(scope);
    UNCAUGHT.with_borrow_mut(|list| {
        list.push(Uncaught {
            promise: None,
            number,
            value,
        })
    });
}

/// The invocation that runs now, by the async context.
pub(crate) fn number(scope: &mut v8::PinScope<'_, '_>) -> u64 {
    let context = scope.get_continuation_preserved_embedder_data();
    let number = v8::Local::<v8::Number>::try_from(context).map_or(0.0, |number| number.value());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was made of such an integer"
    )]
    let number = number as u64;
    number
}

/// Whether there is anything on the list.
pub(crate) fn any() -> bool {
    UNCAUGHT.with_borrow(|list| !list.is_empty())
}

/// Empties the list.
pub(crate) fn take() -> Vec<Uncaught> {
    UNCAUGHT.take()
}
