// What the dashboard reads of the API about the platform as a whole.

export interface DeadLetter {
  id: string;
  requestId: string;
  functionId: string;
  function?: string | null;
  trigger: string;
  attempts: number;
  createdAt: string;
  diedAt?: string | null;
  event?: unknown;
  error?: { code: string; message: string } | null;
}

export interface LetterPage {
  deadLetters: DeadLetter[];
  nextCursor?: string | null;
}

export interface Alert {
  id: string;
  function: string;
  functionId: string;
  rule: "errorRate" | "p95Duration" | "coldStartRate" | "costAnomaly";
  state: "firing" | "resolved";
  value: number;
  threshold: number;
  unit: string;
  since: string;
  until?: string | null;
}

export interface AlertRules {
  errorRate: { enabled: boolean; thresholdPercent: number; windowMs: number; minInvocations: number };
  p95Duration: { enabled: boolean; thresholdMs: number; windowMs: number; minInvocations: number };
  coldStartRate: { enabled: boolean; thresholdPercent: number; windowMs: number; minInvocations: number };
  costAnomaly: { enabled: boolean; factor: number; floorUsd: number; windowMs: number };
}

export interface Readiness {
  status: string;
  runtimes: Record<
    string,
    { status: "ready"; engine: string; bootMs: number } | { status: "unavailable"; reason: string }
  >;
}

export interface Zygote {
  functionId: string;
  function: string;
  version: number;
  pid: number;
  bootMs: number;
  unforkable: string[];
  memory?: { resident: number; proportional: number; private: number } | null;
}

export interface TemplateParameter {
  name: string;
  description: string;
  type: "string" | "integer" | "number" | "boolean" | "url";
  required: boolean;
  default?: string | null;
  secret: boolean;
  choices?: string[];
  minimum?: number | null;
  maximum?: number | null;
}

/** What of the operator's folder of templates cannot be used. */
export interface TemplateProblem {
  file: string;
  field?: string | null;
  message: string;
}

export interface Template {
  id: string;
  source: "builtIn" | "folder";
  name: string;
  description: string;
  category: string;
  tags: string[];
  runtimes: string[];
  parameters: TemplateParameter[];
}

export interface WholeTemplate extends Template {
  readme: string;
  event: unknown;
}

export interface ScalingState {
  automatic: boolean;
  settings: {
    preset?: string | null;
    minInstances?: number | null;
    maxInstances?: number | null;
    parked?: number;
    scaleUpThreshold?: number | null;
    scaleDownThreshold?: number | null;
    cooldownPeriod?: number | null;
    scheduled?: { schedule: string; timezone?: string | null; duration: number; minInstances: number }[];
  };
  instances: { live: number; idle: number; parked: number; waiting: number };
  ready: number;
  cause: string;
  load: { utilization: number; callsPerSecond: number; coldStartRate: number; slowRate: number };
  forecast?: {
    reason: string;
    keepUntil: string;
    prewarm?: { from: string; until: string; instances: number } | null;
    lookAgainAt?: string | null;
  } | null;
  decisions: { at: string; from: number; to: number; cause: string; reason: string }[];
}

export interface RolloutSettings {
  version: number;
  percent: number;
  rollback?: { errorRate?: number | null; p95Ms?: number | null; invocations?: number } | null;
}

export interface RolloutSide {
  version: number;
  invocations: number;
  errors: number;
  errorRate: number;
  p95Ms: number;
}

export interface Rollout {
  settings: RolloutSettings;
  state: "running" | "rolledBack";
  reason?: string | null;
  current: RolloutSide;
  candidate: RolloutSide;
  shadows: {
    same: number;
    different: number;
    differences: { requestId: string; field: string; current: string; candidate: string }[];
  };
}
