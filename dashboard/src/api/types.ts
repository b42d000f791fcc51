// What the dashboard reads of the API, in the API's own words. tests/contract.spec.ts compares it with /openapi.json.

export type * from "./types-platform";

export type Role = "admin" | "deploy" | "invoke" | "read";
export type RuntimeName = "typescript" | "javascript" | "python" | "ruby";
export type StartKind = "warm" | "parked" | "forked" | "booted";
export type Circuit = "open" | "closed" | "half_open";

export interface Caller {
  name: string;
  role: Role;
  functions?: string[] | null;
}

export interface Trigger {
  type: "http" | "cron" | "event" | "queue" | "websocket";
  config?: Record<string, unknown>;
}

export interface Scaling {
  minInstances?: number | null;
  maxInstances?: number | null;
  parked?: number;
}

export interface Source {
  trigger: number;
  source: string;
  state: string;
  reason?: string | null;
  inHand: number;
  delivered: number;
  failed: number;
  dead: number;
}

export interface Fn {
  id: string;
  name: string;
  runtime: RuntimeName;
  endpoint: string;
  endpoints: string[];
  version: number;
  digest: string;
  handler: string;
  memory: number;
  timeout: number;
  isolation: "instance" | "request";
  concurrency: number;
  scaling: Scaling;
  environment: string[];
  secrets: string[];
  triggers: Trigger[];
  customDomain?: string | null;
  snapshot?: { kind: "function" | "runtime"; unforkable?: string[] | null; bootMs: number } | null;
  public: boolean;
  circuitBreaker: Circuit;
  createdAt: string;
  updatedAt: string;
  processes: { zygotePid?: number | null; idlePids: number[]; parkedPids: number[]; instances: number };
  sources?: Source[] | null;
}

export interface FunctionPage {
  functions: Fn[];
  total: number;
  nextCursor?: string | null;
}

export interface Deployed {
  function: Fn;
  message: string;
  unchanged: boolean;
}

export interface Figures {
  invocations: number;
  errors: number;
  throttles: number;
  coldStarts: number;
  avgDuration: number;
  avgColdStartDuration: number;
  p50Duration: number;
  p95Duration: number;
  p99Duration: number;
  maxDuration: number;
  errorRate: number;
  coldStartRate: number;
  totalCost: number;
  errorsByKind: Record<string, number>;
  startKinds: Record<StartKind, number>;
  gbSeconds: number;
  avgMemoryMb: number;
  maxMemoryMb: number;
  cpuMs: number;
}

export interface Point extends Figures {
  time: string;
}

export interface Series {
  stepMs: number;
  points: Point[];
}

export interface PlatformMetrics {
  platform: Figures & { functions: number; instances: number; uptimeMs: number };
  functions: { functionId: string; function: string; metrics: Figures }[];
}

export interface Timeline {
  queue: number;
  fork: number;
  load: number;
  handler: number;
  total: number;
}

export interface Invocation {
  requestId: string;
  time: string;
  version: number;
  trigger: string;
  outcome: string;
  startKind?: string | null;
  durationMs: number;
  billedMs: number;
  memoryMb: number;
  cost: number;
  timeline: Timeline;
  count: number;
}

export interface InvocationPage {
  invocations: Invocation[];
  nextCursor?: string | null;
}

export interface InvocationAnswer {
  requestId: string;
  statusCode: number;
  headers?: string[][];
  body: unknown;
  duration: number;
  billedDuration: number;
  memoryUsed: number;
  coldStart: boolean;
  startKind: StartKind;
  timeline: Timeline;
  version: number;
  logs: string[];
}

export interface InvocationQueued {
  requestId: string;
  status: string;
  statusUrl: string;
}

export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
  requestId?: string | null;
  pointer?: string | null;
  errorType?: string | null;
  errorMessage?: string | null;
  stackTrace?: string[] | null;
  duration?: number | null;
  logs?: string[] | null;
  buildLog?: string[] | null;
}

export interface LogLine {
  id: string;
  time: string;
  level: string;
  message: string;
  requestId?: string | null;
  version: number;
  instance?: string | null;
  functionId: string;
}

export interface LogPage {
  logs: LogLine[];
  nextCursor?: string | null;
}

export interface Version {
  version: number;
  digest: string;
  createdAt: string;
  createdBy: string;
  runtime: RuntimeName;
  handler: string;
  memory: number;
  timeout: number;
  archiveBytes: number;
  environment: string[];
  secrets: string[];
  current: boolean;
  aliases: string[];
}

export interface VersionPage {
  versions: Version[];
  nextCursor?: string | null;
}

export interface SourceCode {
  version: number;
  files: { path: string; size: number; content?: string | null }[];
}

export interface TriggerState {
  number: number;
  type: Trigger["type"];
  config: Record<string, unknown>;
  nextRuns?: string[] | null;
  source?: Source | null;
}

export interface Bill {
  invocations: number;
  billedMs: number;
  gbSeconds: number;
  requestCost: number;
  computeCost: number;
  total: number;
  currency: string;
  days: { day: string; invocations: number; gbSeconds: number; cost: number }[];
}
