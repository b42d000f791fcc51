// One way to the API: adds the credential, takes problem documents apart. Knows no operation.

import type { Problem } from "./types";

const KEY = "zygo.apiKey";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
  ) {
    super(problem.detail ?? problem.title ?? `the platform answered with status ${status}`);
  }
}

let refused: (status: number) => void = () => undefined;

/** Who wants to know that the platform asks for a credential, or for another one. */
export function whenRefused(tell: (status: number) => void): void {
  refused = tell;
}

export function apiKey(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function setApiKey(key: string | null): void {
  if (key === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, key);
}

export interface Options {
  query?: Record<string, string | number | boolean | null | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export function address(template: string, params: Record<string, string | number>, query: Options["query"]): string {
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  return search.size > 0 ? `${path}?${search}` : path;
}

/** Sends a request and gives the response, or throws what went wrong. */
export async function send(
  method: string,
  template: string,
  params: Record<string, string | number> = {},
  options: Options = {},
): Promise<Response> {
  const headers = new Headers(options.headers);
  headers.set("accept", headers.get("accept") ?? "application/json");
  const key = apiKey();
  if (key) headers.set("authorization", `Bearer ${key}`);
  if (options.body !== undefined) headers.set("content-type", "application/json");
  const response = await reach(address(template, params, options.query), {
    method,
    headers,
    body: options.body === undefined ? null : JSON.stringify(options.body),
    signal: options.signal ?? null,
    credentials: "omit",
    cache: "no-store",
  });
  if (response.ok) return response;
  if (response.status === 401) refused(401);
  throw new ApiError(response.status, await problem(response));
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, { title: "Not reachable", detail: "The platform cannot be reached." });
  }
}

async function problem(response: Response): Promise<Partial<Problem>> {
  try {
    return (await response.json()) as Partial<Problem>;
  } catch {
    return { title: response.statusText };
  }
}

/** The JSON of an answer. */
export async function call<T>(
  method: string,
  template: string,
  params: Record<string, string | number> = {},
  options: Options = {},
): Promise<T> {
  const response = await send(method, template, params, options);
  return (response.status === 204 ? undefined : await response.json()) as T;
}
