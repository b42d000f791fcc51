// Every operation that the dashboard calls. tests/contract.spec.ts looks each one up in /openapi.json.

import { call, send, type Options } from "./client";
import type * as T from "./types";

type Signal = AbortSignal | undefined;
const PAGES_MAX = 10;

export const whoami = (signal?: Signal) => call<T.Caller>("GET", "/whoami", {}, { signal });
export const readiness = (signal?: Signal) => call<T.Readiness>("GET", "/readyz", {}, { signal });

export const listZygotes = (signal?: Signal) => call<{ zygotes: T.Zygote[] }>("GET", "/zygotes", {}, { signal });

/** All functions, by name. */
export async function listFunctions(signal?: Signal): Promise<T.FunctionPage> {
  let page = await call<T.FunctionPage>("GET", "/functions", {}, { query: { limit: 1000 }, signal });
  const functions = [...page.functions];
  for (let count = 1; page.nextCursor && count < PAGES_MAX; count += 1) {
    const query = { limit: 1000, cursor: page.nextCursor };
    page = await call<T.FunctionPage>("GET", "/functions", {}, { query, signal });
    functions.push(...page.functions);
  }
  return { functions, total: page.total };
}

/** A function, and the tag of what was seen. */
export async function showFunction(key: string, signal?: Signal): Promise<{ fn: T.Fn; tag: string | null }> {
  const response = await send("GET", "/functions/{key}", { key }, { signal });
  const answer = (await response.json()) as { function: T.Fn };
  return { fn: answer.function, tag: response.headers.get("etag") };
}

export type NewFunction = { name: string; runtime: T.RuntimeName; files: Record<string, string>; handler?: string };
export const createFunction = (body: NewFunction) => call<T.Deployed>("POST", "/functions", {}, { body });

export type Change = Partial<Pick<T.Fn, "memory" | "timeout" | "concurrency" | "scaling" | "public">> & {
  files?: Record<string, string>;
};
/** Makes a new version, unless the function has changed since `tag`. */
export const updateFunction = (key: string, body: Change, tag: string | null) =>
  call<T.Deployed>("PUT", "/functions/{key}", { key }, { body, headers: tag ? { "if-match": tag } : {} });
export const deleteFunction = (key: string) => call<unknown>("DELETE", "/functions/{key}", { key });

export const listVersions = (key: string, signal?: Signal) =>
  call<T.VersionPage>("GET", "/functions/{key}/versions", { key }, { query: { limit: 100 }, signal });
export const showSource = (key: string, number: number, signal?: Signal) =>
  call<T.SourceCode>("GET", "/functions/{key}/versions/{number}/code", { key, number }, { signal });
export const rollBack = (key: string, version: number) =>
  call<T.Deployed>("POST", "/functions/{key}/rollback", { key }, { body: { version } });

export const platformMetrics = (window: string, signal?: Signal) =>
  call<T.PlatformMetrics>("GET", "/metrics", {}, { query: { window }, signal });
export const platformSeries = (since: string, step: string, signal?: Signal) =>
  call<T.Series>("GET", "/metrics/series", {}, { query: { since, step }, signal });
export const functionMetrics = (key: string, window: string, signal?: Signal) =>
  call<{ metrics: T.Figures & { concurrency: number } }>("GET", "/functions/{key}/metrics", { key }, { query: { window }, signal });
export const functionSeries = (key: string, since: string, step: string, signal?: Signal) =>
  call<T.Series>("GET", "/functions/{key}/metrics/series", { key }, { query: { since, step }, signal });

export const listInvocations = (key: string, limit: number, cursor: string | null, signal?: Signal) =>
  call<T.InvocationPage>("GET", "/functions/{key}/invocations", { key }, { query: { limit, cursor }, signal });
export const invoke = (key: string, body: unknown, qualifier: string) =>
  call<T.InvocationAnswer>("POST", "/functions/{key}/invoke", { key }, { body, query: { qualifier } });
export const invokeLater = (key: string, body: unknown, qualifier: string) => {
  const options: Options = { body, query: { qualifier }, headers: { "x-zygo-invocation": "event" } };
  return call<T.InvocationQueued>("POST", "/functions/{key}/invoke", { key }, options);
};

export const listTriggers = (key: string, signal?: Signal) =>
  call<{ triggers: T.TriggerState[] }>("GET", "/functions/{key}/triggers", { key }, { signal });
export const fireTrigger = (key: string, trigger: number) =>
  call<T.InvocationQueued>("POST", "/functions/{key}/triggers/{trigger}/fire", { key, trigger });

export const setSecret = (key: string, name: string, value: string) =>
  call<T.Deployed>("PUT", "/functions/{key}/secrets/{name}", { key, name }, { body: { value } });
export const removeSecret = (key: string, name: string) =>
  call<T.Deployed>("DELETE", "/functions/{key}/secrets/{name}", { key, name });
export const setVariable = (key: string, name: string, value: string) =>
  call<T.Deployed>("PUT", "/functions/{key}/environment/{name}", { key, name }, { body: { value } });
export const removeVariable = (key: string, name: string) =>
  call<T.Deployed>("DELETE", "/functions/{key}/environment/{name}", { key, name });

export const showScaling = (key: string, signal?: Signal) =>
  call<T.ScalingState>("GET", "/functions/{key}/scaling", { key }, { signal });

export const showRollout = (key: string, signal?: Signal) =>
  call<{ rollout: T.Rollout }>("GET", "/functions/{key}/rollout", { key }, { signal });
export const setRollout = (key: string, body: T.RolloutSettings) =>
  call<{ rollout: T.Rollout }>("PUT", "/functions/{key}/rollout", { key }, { body });
export const endRollout = (key: string) => call<unknown>("DELETE", "/functions/{key}/rollout", { key });
export const promoteRollout = (key: string) =>
  call<T.Deployed>("POST", "/functions/{key}/rollout/promote", { key });

export const functionCost = (key: string, since: string, signal?: Signal) =>
  call<T.Bill>("GET", "/functions/{key}/cost", { key }, { query: { since }, signal });

export const listDeadLetters = (cursor: string | null, signal?: Signal) =>
  call<T.LetterPage>("GET", "/dead-letters", {}, { query: { limit: 100, cursor }, signal });
export const showDeadLetter = (key: string, letter: string, signal?: Signal) =>
  call<T.DeadLetter>("GET", "/functions/{key}/dead-letters/{letter}", { key, letter }, { signal });
export const redriveLetter = (key: string, letter: string) =>
  call<unknown>("POST", "/functions/{key}/dead-letters/{letter}/redrive", { key, letter });
export const removeLetter = (key: string, letter: string) =>
  call<unknown>("DELETE", "/functions/{key}/dead-letters/{letter}", { key, letter });

export const listAlerts = (signal?: Signal) =>
  call<{ alerts: T.Alert[] }>("GET", "/alerts", {}, { query: { limit: 100 }, signal });
export const alertRules = (signal?: Signal) => call<{ rules: T.AlertRules }>("GET", "/alerts/rules", {}, { signal });
export const setAlertRules = (body: Partial<T.AlertRules>) =>
  call<{ rules: T.AlertRules }>("PUT", "/alerts/rules", {}, { body });

export const listTemplates = (q: string, signal?: Signal) =>
  call<{ templates: T.Template[]; total: number; problems: T.TemplateProblem[] }>("GET", "/marketplace", {}, { query: { q }, signal });
export const showTemplate = (template: string, signal?: Signal) => call<{ template: T.WholeTemplate }>("GET", "/marketplace/{template}", { template }, { signal });
export type Order = { templateId: string; name: string; runtime: string; parameters: Record<string, string>; network?: string };
export const deployTemplate = (body: Order) => call<T.Deployed>("POST", "/marketplace/deploy", {}, { body });
