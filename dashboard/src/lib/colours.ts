// Light, dark, or as the system has it.

import { read, write } from "./store";

export type Colours = "system" | "light" | "dark";

export function colours(): Colours {
  const kept = read<unknown>("colours", "system");
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function applyColours(choice: Colours = colours()): void {
  write("colours", choice);
  if (choice === "system") delete document.documentElement.dataset.colours;
  else document.documentElement.dataset.colours = choice;
}
