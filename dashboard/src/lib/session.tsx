// Who is looking, and what they may do.

import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { Caller, Role } from "../api/types";

export const Session = createContext<Caller>({ name: "", role: "read" });

const HOLDS: Record<Role, readonly Role[]> = {
  admin: ["admin", "deploy", "invoke", "read"],
  deploy: ["deploy", "invoke", "read"],
  invoke: ["invoke"],
  read: ["read"],
};

/** Whether a role may do what needs `needed`. */
export function holds(role: Role, needed: Role): boolean {
  return HOLDS[role].includes(needed);
}

/** Why the visitor may not do what needs this role; nothing when they may. */
export function useRefusal(needed: Role): string | undefined {
  const caller = useContext(Session);
  if (holds(caller.role, needed)) return undefined;
  return `Your key “${caller.name}” has the role ${caller.role}; this needs ${needed}.`;
}
