// The platform asks who is calling. The key stays in this tab and is gone when it is closed.

import { useState } from "preact/hooks";

import { ApiError, apiKey, setApiKey } from "../api/client";
import { whoami } from "../api/endpoints";
import { Field } from "../components/basics";
import { useAction } from "../lib/load";

export function SignIn({ error, done }: { error: Error | undefined; done: () => void }) {
  const [key, setKey] = useState("");
  const { busy, error: failed, run } = useAction();
  const submit = (event: Event) => {
    event.preventDefault();
    const before = apiKey();
    run(async () => {
      setApiKey(key.trim());
      try {
        await whoami();
      } catch (reason) {
        setApiKey(before);
        throw reason;
      }
      done();
    });
  };
  const wrong = failed ?? (apiKey() ? error : undefined);
  return (
    <main class="alone">
      <form class="sign-in" onSubmit={submit}>
        <h1>Sign in to Zygo</h1>
        <p class="quiet">This platform asks who is calling. Use an API key (<code>zygo keys create</code>) or a token.</p>
        <Field label="API key" hint="Kept in this tab only, until it is closed.">
          {(id) => (
            <input id={id} type="password" autocomplete="off" required value={key} aria-invalid={wrong !== undefined}
              onInput={(event) => setKey(event.currentTarget.value)} />
          )}
        </Field>
        {wrong && <p class="failure" role="alert">{reason(wrong)}</p>}
        <button type="submit" class="button-primary" aria-busy={busy} disabled={busy || key.trim() === ""}>Sign in</button>
      </form>
    </main>
  );
}

function reason(error: Error): string {
  if (!(error instanceof ApiError) || error.status === 0) return "The platform cannot be reached.";
  if (error.status === 401) return "The platform does not know this key: it may be mistyped, revoked or out of its time.";
  if (error.status === 403) return "This key is not allowed to look at the dashboard.";
  return error.message;
}
