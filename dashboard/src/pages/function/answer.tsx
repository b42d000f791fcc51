// What came of a test: the answer, a receipt, or a failure.

import type { ApiError } from "../../api/client";
import type { InvocationAnswer, InvocationQueued } from "../../api/types";
import { Badge, Failure } from "../../components/basics";
import { Waterfall } from "../../components/waterfall";
import { count, mb, ms } from "../../lib/format";

export function Answer({ answer }: { answer: InvocationAnswer }) {
  const good = answer.statusCode < 400;
  return (
    <div data-testid="answer">
      <p class="sub">
        <Badge tone={good ? "good" : "bad"}>status {answer.statusCode}</Badge>
        <Badge tone={answer.coldStart ? "accent" : "plain"}>{answer.startKind} start</Badge>
        <span class="mono">v{answer.version}</span>
        <span>{ms(answer.duration)}, billed {count(answer.billedDuration)} ms, {mb(answer.memoryUsed)}</span>
      </p>
      <h3>Body</h3>
      <pre class="output" tabIndex={0} data-testid="body">{show(answer.body)}</pre>
      {answer.headers && answer.headers.length > 0 && (
        <>
          <h3>Headers</h3>
          <pre class="output" tabIndex={0}>{answer.headers.map((header) => header.join(": ")).join("\n")}</pre>
        </>
      )}
      <Lines logs={answer.logs} />
      <h3>Where the time went</h3>
      <Waterfall timeline={answer.timeline} />
      <p class="quiet mono wrap">{answer.requestId}</p>
    </div>
  );
}

export function Queued({ queued }: { queued: InvocationQueued }) {
  return (
    <div data-testid="answer">
      <p class="sub"><Badge tone="good">accepted</Badge> <span>It is on the disk and will be delivered.</span></p>
      <p class="quiet mono wrap">{queued.requestId}</p>
    </div>
  );
}

export function Failed({ error }: { error: ApiError }) {
  const { errorType, errorMessage, stackTrace, logs, duration } = error.problem;
  if (!errorType) return <Failure error={error} />;
  return (
    <div data-testid="answer">
      <p class="sub"><Badge tone="bad">{errorType}</Badge>{typeof duration === "number" && <span>after {ms(duration)}</span>}</p>
      <p class="wrap tone-bad" data-testid="error-message">{errorMessage}</p>
      {stackTrace && stackTrace.length > 0 && (
        <>
          <h3>Where</h3>
          <pre class="output" tabIndex={0}>{stackTrace.join("\n")}</pre>
        </>
      )}
      <Lines logs={logs ?? []} />
      <p class="quiet mono wrap">{error.problem.requestId}</p>
    </div>
  );
}

function Lines({ logs }: { logs: string[] }) {
  if (logs.length === 0) return null;
  return (
    <>
      <h3>Log lines</h3>
      <pre class="output" tabIndex={0}>{logs.join("\n")}</pre>
    </>
  );
}

function show(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body, null, 2);
}
