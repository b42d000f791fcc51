// Short messages about what was done, told once to everyone who looks, and to screen readers.

export interface Notice {
  id: number;
  text: string;
  undo?: { label: string; act: () => void };
}

type Listener = (notices: Notice[]) => void;

const SHOWN_MS = 8_000;
let notices: Notice[] = [];
let last = 0;
const listeners = new Set<Listener>();

function change(next: Notice[]): void {
  notices = next;
  for (const listener of listeners) listener(notices);
}

export function tell(text: string, undo?: Notice["undo"]): void {
  last += 1;
  const id = last;
  change([...notices.slice(-2), undo ? { id, text, undo } : { id, text }]);
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  change(notices.filter((notice) => notice.id !== id));
}

export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
