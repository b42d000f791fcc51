//! The shim's functions, as handles that are looked up once. Knows their names, not what they do.

use deno_core::{JsRuntime, v8};

/// Functions of `shims/javascript` that Rust calls.
pub(crate) struct Shim {
    pub(crate) after_restore: v8::Global<v8::Function>,
    pub(crate) before_snapshot: v8::Global<v8::Function>,
    pub(crate) begin_load: v8::Global<v8::Function>,
    pub(crate) begin_rehearsal: v8::Global<v8::Function>,
    pub(crate) end_rehearsal: v8::Global<v8::Function>,
    pub(crate) bind: v8::Global<v8::Function>,
    pub(crate) describe: v8::Global<v8::Function>,
    pub(crate) dispatch: v8::Global<v8::Function>,
    pub(crate) end_load: v8::Global<v8::Function>,
    pub(crate) rehearsals: v8::Global<v8::Function>,
    pub(crate) rehearse: v8::Global<v8::Function>,
    pub(crate) reset: v8::Global<v8::Function>,
    pub(crate) respond: v8::Global<v8::Function>,
    pub(crate) serve_several: v8::Global<v8::Function>,
    pub(crate) set_environment: v8::Global<v8::Function>,
    pub(crate) set_root: v8::Global<v8::Function>,
    pub(crate) taken: v8::Global<v8::Function>,
    /// The one context; asking the engine for it each time would make a handle each time.
    pub(crate) context: v8::Global<v8::Context>,
    /// The key `body`, which every invocation sets.
    pub(crate) body_key: v8::Global<v8::String>,
}

impl Shim {
    /// Takes the functions from where the bootstrap left them, out of the user's sight.
    pub(crate) fn take(js: &mut JsRuntime) -> Result<Self, String> {
        deno_core::scope!(scope, js);
        let global = scope.get_current_context().global(scope);
        let key = v8::String::new(scope, "__zygo").ok_or("no memory for a string")?;
        let holder = global
            .get(scope, key.into())
            .and_then(|value| value.to_object(scope));
        let holder = holder.ok_or("the shim did not start")?;
        global.delete(scope, key.into());
        let function = |name: &str| -> Result<v8::Global<v8::Function>, String> {
            let key = v8::String::new(scope, name).ok_or("no memory for a string")?;
            let value = holder
                .get(scope, key.into())
                .ok_or("the shim cannot be read")?;
            let function = v8::Local::<v8::Function>::try_from(value)
                .map_err(|_| format!("the shim has no function `{name}`"))?;
            Ok(v8::Global::new(scope, function))
        };
        let shim = Self {
            after_restore: function("afterRestore")?,
            before_snapshot: function("beforeSnapshot")?,
            begin_load: function("beginLoad")?,
            begin_rehearsal: function("beginRehearsal")?,
            bind: function("bind")?,
            describe: function("describe")?,
            dispatch: function("dispatch")?,
            end_load: function("endLoad")?,
            end_rehearsal: function("endRehearsal")?,
            rehearsals: function("rehearsals")?,
            rehearse: function("rehearse")?,
            reset: function("reset")?,
            respond: function("respond")?,
            serve_several: function("serveSeveral")?,
            set_environment: function("setEnvironment")?,
            set_root: function("setRoot")?,
            taken: function("taken")?,
            context: {
                let context = scope.get_current_context();
                v8::Global::new(scope, context)
            },
            body_key: {
                let key = v8::String::new(scope, "body").ok_or("no memory for a string")?;
                v8::Global::new(scope, key)
            },
        };
        Ok(shim)
    }
}

/// Enters the context: `$scope` is then a scope for handles in it.
macro_rules! enter {
    ($scope:ident, $engine:expr, $shim:expr) => {
        let isolate = &mut **$engine.js.v8_isolate();
        deno_core::v8::scope!($scope, isolate);
        let context = deno_core::v8::Local::new($scope, &$shim.context);
        let $scope = &mut deno_core::v8::ContextScope::new($scope, context);
    };
}
pub(crate) use enter;

/// Calls a function of the shim with these arguments; `Err` holds what it threw, or nothing when it was ended.
pub(crate) fn call<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    function: &v8::Global<v8::Function>,
    arguments: &[v8::Local<'s, v8::Value>],
) -> Result<v8::Local<'s, v8::Value>, Option<v8::Local<'s, v8::Value>>> {
    v8::tc_scope!(let scope, scope);
    let function = v8::Local::new(scope, function);
    let this = v8::undefined(scope).into();
    function
        .call(scope, this, arguments)
        .ok_or_else(|| scope.exception())
}
